import PurchaseCore

/// Finds the network that a request comes from, for the bound on misses.
///
/// An IPv4 address stands for itself. An IPv6 address stands for its /64, which one customer has for himself.
struct CallerNetwork: Sendable {
    /// Addresses of one `X-Forwarded-For` that are looked at; a longer list is cut at its far end.
    static let hopsMax = 32

    private let trustedProxies: [IPNetwork]

    /// Takes `VOUCH_TRUSTED_PROXIES`.
    init(trustedProxies: [IPNetwork]) { self.trustedProxies = trustedProxies }

    /// The network as a text of one form, `nil` when the peer has no address.
    ///
    /// `X-Forwarded-For` is read from its right end, where the nearest proxy writes, and only as far as proxies that are
    /// trusted wrote it: what stands further left is the caller's own word. The first address that is no trusted proxy's
    /// is the caller's.
    func name(peer: String?, forwardedFor fields: [String]) -> String? {
        guard var caller = peer.flatMap({ IPAddress($0)?.unmapped }) else { return nil }
        let hops = fields.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.suffix(Self.hopsMax)
        for hop in hops.reversed() {
            guard trustedProxies.contains(where: { $0.contains(caller) }) else { break }
            // A proxy that writes something else than an address hides who is behind it: it answers for itself.
            guard let address = Self.address(in: hop) else { break }
            caller = address
        }
        return Hexadecimal.text(caller.bytes.prefix(8))
    }

    /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
    private static func address(in hop: Substring) -> IPAddress? {
        var text = hop.trimmed
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            text = String(text[..<end].dropFirst())
        } else if text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") {
            text = String(text[..<colon])
        }
        return IPAddress(text)?.unmapped
    }
}

extension IPAddress {
    /// The IPv4 address of an IPv4-mapped one (`::ffff:192.0.2.1`), as a socket for both families reports it.
    var unmapped: IPAddress {
        guard bytes.count == 16, bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else {
            return self
        }
        return IPAddress(bytes: Array(bytes[12...]))
    }
}
