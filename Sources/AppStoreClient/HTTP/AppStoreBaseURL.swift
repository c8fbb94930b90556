/// Where an App Store host is found: scheme, host, port and an optional path prefix, checked once.
package struct AppStoreBaseURL: Sendable, Equatable, CustomStringConvertible {
    /// Apple's host for real purchases (App Store Server API changelog, 2026-05-05).
    package static let production = AppStoreBaseURL(
        checked: "https://api.storekit.apple.com", host: "api.storekit.apple.com")
    /// Apple's host for Sandbox, TestFlight and App Review.
    package static let sandbox = AppStoreBaseURL(
        checked: "https://api.storekit-sandbox.apple.com", host: "api.storekit-sandbox.apple.com")

    /// The URL without a slash at its end.
    package let description: String
    /// The host, lower-cased, without port.
    package let host: String

    private init(checked: String, host: String) {
        description = checked
        self.host = host
    }

    /// Accepts `https://host[:port][/prefix]`, and `http://` for loopback hosts alone; no user, query or fragment.
    /// - Throws: ``AppStoreBaseURLError``.
    package init(validating text: String) throws(AppStoreBaseURLError) {
        guard let schemeEnd = text.firstRange(of: "://") else { throw .notAURL }
        let scheme = text[..<schemeEnd.lowerBound].lowercased()
        let rest = text[schemeEnd.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        let prefix = rest.dropFirst(authority.count)
        guard prefix.utf8.allSatisfy(Self.isAllowedInPrefix) else { throw .notAURL }
        guard let (host, port) = Self.split(authority) else { throw .notAURL }
        switch scheme {
        case "https": break
        case "http": guard Self.isLoopback(host) else { throw .plainHTTP(host: host) }
        default: throw .notAURL
        }
        var path = String(prefix)
        while path.hasSuffix("/") { path.removeLast() }
        description = scheme + "://" + host + (port.map { ":\($0)" } ?? "") + path
        self.host = host
    }

    /// Checks the URL of a document, and gives it back with its scheme in small letters.
    ///
    /// `https://`, or `http://` for loopback hosts alone, with any path and query; no user, no fragment, at most 2048
    /// characters of printable ASCII.
    /// - Throws: ``AppStoreBaseURLError``.
    package static func checkDocument(_ text: String) throws(AppStoreBaseURLError) -> String {
        guard text.utf8.count <= 2_048, let schemeEnd = text.firstRange(of: "://"),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { throw .notAURL }
        let authority = text[schemeEnd.upperBound...].prefix { $0 != "/" && $0 != "?" }
        guard let (host, _) = split(authority) else { throw .notAURL }
        let scheme = text[..<schemeEnd.lowerBound].lowercased()
        switch scheme {
        case "https": break
        case "http": guard isLoopback(host) else { throw .plainHTTP(host: host) }
        default: throw .notAURL
        }
        return scheme + text[schemeEnd.lowerBound...]
    }

    /// Whether the host is one of Apple's.
    package var isApple: Bool { host == "apple.com" || host.hasSuffix(".apple.com") }

    /// Host and port of an authority; `nil` for user names, empty hosts, odd characters and ports out of range.
    static func split(_ authority: Substring) -> (host: String, port: Int?)? {
        let host: Substring
        let rest: Substring
        if authority.first == "[" {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            host = authority[...close]
            rest = authority[authority.index(after: close)...]
            guard host.dropFirst().dropLast().allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                return nil
            }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority.dropFirst(host.count)
            guard !host.isEmpty, host.utf8.allSatisfy(isAllowedInHost) else { return nil }
        }
        if rest.isEmpty { return (host.lowercased(), nil) }
        guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65_535).contains(port) else { return nil }
        return (host.lowercased(), port)
    }

    /// `localhost`, 127.0.0.0/8 and `[::1]`.
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func isAllowedInHost(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    private static func isAllowedInPrefix(_ byte: UInt8) -> Bool {
        isAllowedInHost(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
    }
}

/// Why a text can't be an App Store URL.
package enum AppStoreBaseURLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not of the form `https://host[:port][/prefix]`.
    case notAURL
    /// `http://` to a host that is not the machine itself: the bearer token would travel in the open.
    case plainHTTP(host: String)

    /// What is wrong and what to do.
    package var description: String {
        switch self {
        case .notAURL: "must be https://host[:port][/prefix], without user, query or fragment"
        case .plainHTTP(let host): "http:// is for loopback hosts only, \(host) is none; use https://"
        }
    }
}
