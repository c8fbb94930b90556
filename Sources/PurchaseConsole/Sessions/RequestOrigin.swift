import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

/// What a browser says of where a request comes from, and by which cookie it is known.
struct RequestOrigin: Sendable {
    /// Host and port, as the browser addressed them.
    private let authority: String?
    private let fetchSite: String?
    private let origin: String?
    private let isProxied: Bool

    init(_ request: Request) {
        self.init(authority: request.head.authority, headers: request.headers)
    }

    init(authority: String?, headers: HTTPFields) {
        self.authority = authority?.lowercased()
        self.fetchSite = headers[.named("Sec-Fetch-Site")]?.lowercased()
        self.origin = headers[.origin]?.lowercased()
        self.isProxied = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via"].contains {
            HTTPField.Name($0).map { headers[$0] != nil } ?? false
        }
    }

    /// Whether the request was made by one of our own pages.
    ///
    /// `Sec-Fetch-Site` is the browser's own word; older browsers don't send it, and are known by `Origin` alone. Where
    /// `Origin` is there, it must name this very host in any case: behind a proxy that puts its own target in the place of
    /// the host, forms are refused, loudly, instead of cookies travelling under the wrong name. Neither: not ours.
    var isOwn: Bool {
        let isNamed = origin.map { name in
            ["https://", "http://"].contains { scheme in authority.map { name == scheme + $0 } ?? false }
        }
        if let fetchSite { return fetchSite == "same-origin" && isNamed ?? true }
        return isNamed ?? false
    }

    /// Whether somebody came over from another site, and so without the cookie, which only our own pages bring along.
    var isFromElsewhere: Bool { fetchSite == "cross-site" || fetchSite == "same-site" }

    /// Whether the browser and we are on one machine, with nothing between.
    ///
    /// A proxy that passes its own target on as the host must not make cookies travel in the clear.
    private var isLoopback: Bool {
        guard !isProxied, var host = authority else { return false }
        if let end = host.lastIndex(of: "]") {
            host = String(host[...end])
        } else if let colon = host.firstIndex(of: ":") {
            host = String(host[..<colon])
        }
        return host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" || Self.isLoopbackV4(host)
    }

    private static func isLoopbackV4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    // MARK: Cookies

    /// The session's cookie.
    ///
    /// Browsers keep `__Host-` for cookies that are Secure, for this host alone and for all paths; on loopback there is no TLS, and so neither the prefix nor `Secure`.
    private var sessionCookie: String { isLoopback ? "vouch-console" : "__Host-vouch-console" }

    /// The cookie that ties the form of the sign-in page to the browser that it was shown to.
    private var signInCookie: String { sessionCookie + "-sign-in" }

    /// The session's token that the browser shows.
    func token(in headers: HTTPFields) -> ConsoleToken? { token(sessionCookie, headers) }

    /// What the browser got with the sign-in page.
    func signInToken(in headers: HTTPFields) -> ConsoleToken? { token(signInCookie, headers) }

    /// Has the browser show a token from now on, until it is closed.
    func keepingSession(_ token: ConsoleToken) -> String { setting(sessionCookie, Base64.url(token.bytes)) }

    /// The same for the sign-in page.
    func keepingSignIn(_ token: ConsoleToken) -> String { setting(signInCookie, Base64.url(token.bytes)) }

    /// Takes the session's token from the browser.
    var droppingSession: String { setting(sessionCookie, "") + "; Max-Age=0" }

    private func setting(_ name: String, _ value: String) -> String {
        "\(name)=\(value); Path=/; HttpOnly; SameSite=Strict" + (isLoopback ? "" : "; Secure")
    }

    private func token(_ name: String, _ headers: HTTPFields) -> ConsoleToken? {
        let values = headers[values: .cookie].flatMap { $0.split(separator: ";") }.compactMap { pair -> String? in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == name else { return nil }
            return String(parts[1])
        }
        // Two of one name: somebody planted one of them.
        guard values.count == 1 else { return nil }
        return Base64.decode(url: values[0]).flatMap { ConsoleToken(bytes: $0) }
    }
}
