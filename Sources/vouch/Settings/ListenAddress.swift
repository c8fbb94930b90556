/// Where a server listens: `HOST:PORT`, an IPv6 address in brackets.
struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A host name or address, without brackets.
    let host: String
    /// 1–65535, or 0 for a port that the system chooses.
    let port: Int

    /// Takes both parts.
    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:8080`, `vouch.internal:8080` or `[::]:8080`; `nil` for anything else.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(digits), (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), IPAddress(String(host)) != nil else { return nil }
        } else {
            guard HostName.isWellFormed(host) else { return nil }
        }
        self.init(host: String(host), port: port)
    }

    /// As it is written.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// The form of host names.
enum HostName {
    /// Letters, digits, hyphens and dots; no empty label, so no dot at the end.
    static func isWellFormed(_ text: some StringProtocol) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                    default: false
                    }
                }
        }
    }
}
