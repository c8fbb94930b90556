import PurchaseCore

/// Addresses of the console, with every part encoded.
enum ConsoleAddress {
    static let home = "/console"
    static let signIn = "/console/sign-in"
    static let cases = "/console/cases"
    static let transactions = "/console/transactions"
    static let audit = "/console/audit"
    static let finance = "/console/finance"
    static let paidRecords = "/console/finance/paid-records"

    static func transaction(_ id: TransactionID) -> String { "/console/transactions/" + encoded(id.rawValue) }

    static func evidence(of id: TransactionID) -> String { transaction(id) + "/evidence" }

    static func text(of evidence: EvidenceID, _ id: TransactionID) -> String {
        self.evidence(of: id) + "/\(encoded(evidence.source.rawValue))/\(encoded(evidence.sha256))"
    }

    static func account(_ id: AccountID) -> String { "/console/accounts/" + encoded(id.rawValue) }

    static func order(_ id: OrderID) -> String { "/console/orders/" + encoded(id.rawValue) }

    static func claimCase(_ id: CaseID) -> String { "/console/cases/" + encoded(id.rawValue) }

    /// An address with a query, names and values encoded; parts without a value are left out.
    static func with(_ address: String, query: [(name: String, value: String?)]) -> String {
        let parts = query.compactMap { part in part.value.map { encoded(part.name) + "=" + encoded($0) } }
        return parts.isEmpty ? address : address + "?" + parts.joined(separator: "&")
    }

    /// A text as one segment or value (RFC 3986: everything but the unreserved characters is percent-encoded).
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The longest address that is gone back to after signing in, in bytes.
    private static let localBytesMax = 1_024

    /// An address that was asked for before signing in, when it is one of the console's own; `nil` for anything else.
    ///
    /// Printable ASCII that begins with `/console` can't leave the site; a backslash, which browsers take for a slash,
    /// a double slash and dots that lead upwards, encoded or not, are not in it anyway.
    static func local(_ address: String) -> String? {
        guard address.utf8.count <= localBytesMax,
            address.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }),
            let path = address.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first,
            path == home || path.hasPrefix(home + "/"), !path.contains("//"), !path.contains("/."),
            !path.lowercased().contains("%2e"), !path.contains("#"), !path.hasPrefix(signIn),
            path != "/console/sign-out"
        else { return nil }
        return address
    }

    /// The page that a form stands on, by the path that the form is sent to.
    static func pageOfForm(at path: String) -> String {
        var segments = path.split(separator: "/")
        // Every form's path is its page's and a verb, or two.
        while segments.count > 3 { segments.removeLast() }
        return segments.count == 3 ? "/" + segments.joined(separator: "/") : home
    }
}
