import PurchaseCore
import PurchaseService

/// Where a list goes on, as opaque text; each list has a letter of its own, so that one's cursor is no other's.
enum PageCursor {
    static func text(_ cursor: GrantCursor) -> String {
        Base64URL.encode("g\(cursor.createdAt.millisecondsSince1970).\(cursor.id.rawValue)")
    }

    static func grants(_ text: String) -> GrantCursor? {
        guard let plain = Base64URL.decode(text), plain.first == "g" else { return nil }
        let parts = plain.dropFirst().split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), Syntax.isOpaqueID(String(parts[1])) else {
            return nil
        }
        return GrantCursor(
            createdAt: Instant(millisecondsSince1970: milliseconds), id: GrantID(String(parts[1])))
    }

    static func text(afterVersion version: Int64) -> String { Base64URL.encode("e\(version)") }

    static func version(_ text: String) -> Int64? {
        guard let plain = Base64URL.decode(text), plain.first == "e" else { return nil }
        return Int64(plain.dropFirst()).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// Base 64 with the URL alphabet and without padding (RFC 4648 §5), for ASCII text.
private enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                encoded.append(alphabet[Int(bits >> count & 63)])
            }
        }
        if count > 0 { encoded.append(alphabet[Int(bits << (6 - count) & 63)]) }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// `nil` for other characters, for more than the contract's 256 of them, and for spare bits that aren't zero.
    static func decode(_ text: String) -> String? {
        guard text.utf8.count <= 256 else { return nil }
        var decoded: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                decoded.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        guard count < 6, bits & (1 << count - 1) == 0, decoded.allSatisfy({ $0 < 0x80 }) else { return nil }
        return String(decoding: decoded, as: UTF8.self)
    }
}
