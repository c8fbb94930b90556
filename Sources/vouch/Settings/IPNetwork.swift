import Glibc

/// An IPv4 or IPv6 address, by its bytes.
struct IPAddress: Hashable, Sendable {
    /// 4 or 16, in network order.
    let bytes: [UInt8]

    /// Takes 4 or 16 bytes.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads an address in its usual notation, without brackets and zone.
    init?(_ text: String) {
        guard !text.utf8.contains(0) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &buffer) == 1 {
            bytes = Array(buffer[..<4])
        } else if inet_pton(AF_INET6, text, &buffer) == 1 {
            bytes = buffer
        } else {
            return nil
        }
    }
}

/// Addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
struct IPNetwork: Hashable, Sendable {
    /// Its first address.
    let address: IPAddress
    /// How many bits are fixed.
    let prefixBits: Int

    /// Reads `ADDRESS` or `ADDRESS/BITS`; `nil` also when bits after the prefix are set, which is a slip.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
        let bitsMax = address.bytes.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let bits = Int(parts[1]), bits <= bitsMax else {
                return nil
            }
            prefixBits = bits
        } else {
            prefixBits = bitsMax
        }
        self.address = address
        guard (prefixBits..<bitsMax).allSatisfy({ !Self.bit($0, of: address) }) else { return nil }
    }

    /// Whether an address is in the network.
    func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count
            && (0..<prefixBits).allSatisfy { Self.bit($0, of: other) == Self.bit($0, of: address) }
    }

    private static func bit(_ index: Int, of address: IPAddress) -> Bool {
        address.bytes[index / 8] & (0x80 >> UInt8(index % 8)) != 0
    }
}
