import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PurchaseService
import Synchronization
import Testing

/// A page as a browser got it.
struct ConsolePage: Sendable {
    let path: String
    let status: Int
    let headers: HTTPFields
    let text: String

    /// Where it sends the browser.
    var location: String? { headers[.location] }
    /// What a form of the page carries.
    var csrf: String? { value(ofField: "csrf") }

    /// The value of the first field of a name.
    func value(ofField name: String) -> String? {
        text.firstMatch(of: try! Regex("name=\"\(name)\" value=\"([^\"]*)\""))
            .flatMap { $0.output[1].substring.map(String.init) }
    }

    /// The text that people see: without tags, entities resolved.
    var shown: String {
        let plain = text.replacing(/<[^>]*>/, with: " ").replacing(/\s+/, with: " ")
        return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .reduce(plain) { $0.replacing($1.0, with: $1.1) }
    }
}

/// A browser, as far as pages without scripts need one: it keeps cookies, and says where its requests come from.
final class ConsoleBrowser: Sendable {
    private let client: any TestClientProtocol
    private let jar = Mutex<[String: String]>([:])
    /// Sent with every request; a browser on loopback without a proxy by default.
    private let extra: HTTPFields

    init(_ stack: TestStack, extra: HTTPFields = HTTPFields()) {
        self.client = stack.api.client
        self.extra = extra
    }

    /// One that is signed in.
    static func signedIn(
        _ stack: TestStack, as role: Role, at location: SourceLocation = #_sourceLocation
    ) async throws -> ConsoleBrowser {
        let browser = ConsoleBrowser(stack)
        let answer = try await browser.signIn(TestStack.key(role))
        #expect(answer.status == 303 && answer.location == "/console", sourceLocation: location)
        return browser
    }

    var cookies: [String: String] {
        get { jar.withLock { $0 } }
        set { jar.withLock { $0 = newValue } }
    }

    /// Opens the sign-in page and sends its form.
    func signIn(_ key: String, next: String? = nil) async throws -> ConsolePage {
        let form = try await get("/console/sign-in" + (next.map { "?next=" + ConsoleBrowser.encoded($0) } ?? ""))
        var fields = [("csrf", form.csrf ?? ""), ("key", key)]
        if let next = form.value(ofField: "next") { fields.append(("next", next)) }
        return try await send(fields, to: "/console/sign-in")
    }

    func get(_ path: String, site: String = "same-origin") async throws -> ConsolePage {
        try await request(.get, path, headers: [.secFetchSite: site])
    }

    /// Opens a page, and what it redirects to.
    func open(_ path: String) async throws -> ConsolePage {
        var page = try await get(path)
        for _ in 0..<3 {
            guard let next = page.location else { break }
            page = try await get(String(next.prefix { $0 != "#" }))
        }
        return page
    }

    /// Sends the form of a page that is open, with its token.
    func send(
        _ fields: [(String, String)], from page: ConsolePage, to path: String
    ) async throws -> ConsolePage {
        try await send([("csrf", page.csrf ?? "")] + fields, to: path)
    }

    /// Sends fields as they are.
    func send(
        _ fields: [(String, String)], to path: String,
        headers: HTTPFields = [.secFetchSite: "same-origin", .origin: "http://localhost"]
    ) async throws -> ConsolePage {
        let body = fields.map { Self.encoded($0.0) + "=" + Self.encoded($0.1) }.joined(separator: "&")
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        return try await request(.post, path, headers: headers, body: body)
    }

    func request(
        _ method: HTTPRequest.Method, _ path: String, headers: HTTPFields = HTTPFields(), body: String? = nil
    ) async throws -> ConsolePage {
        var headers = headers
        headers.append(contentsOf: extra)
        let shown = jar.withLock { $0.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }
        if !shown.isEmpty { headers[.cookie] = shown.joined(separator: "; ") }
        let answer = try await client.execute(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        for cookie in answer.headers[values: .setCookie] { keep(cookie) }
        return ConsolePage(
            path: path, status: Int(answer.status.code), headers: answer.headers, text: String(buffer: answer.body))
    }

    private func keep(_ cookie: String) {
        let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        jar.withLock { jar in
            jar[String(pair[0])] = cookie.contains("Max-Age=0") ? nil : String(pair[1])
        }
    }

    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: String(UnicodeScalar(byte))
            case 0x20: "+"
            default: (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}

extension HTTPField.Name {
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
    static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")!
    static let forwardedForTest = HTTPField.Name("X-Forwarded-For")!
}
