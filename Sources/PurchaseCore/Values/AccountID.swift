/// The app's own name for one of its users: 1–128 of `A-Z a-z 0-9 . _ : @ ~ - |`, not `.` or `..`; a UUID is lower-cased.
package struct AccountID: StringIdentifier {
    /// The text in its one form.
    package let rawValue: String

    /// Wraps a value that the ledger holds.
    package init(_ rawValue: String) { self.rawValue = rawValue }

    /// Checks and normalises what a client sent; `nil` when it breaks the rule above.
    package init?(validating text: String) {
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed), text != ".", text != ".."
        else {
            return nil
        }
        self.rawValue = AppAccountToken(validating: text)?.rawValue ?? text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "~"),
            UInt8(ascii: "-"), UInt8(ascii: "|"):
            true
        default: false
        }
    }
}

/// The UUID that an app hands to StoreKit with a purchase, lower-cased; never all zero.
///
/// Apple's own libraries disagree on the case of its letters, so it is compared in one form.
package struct AppAccountToken: Hashable, Sendable {
    /// 36 characters, `8-4-4-4-12`, lower case.
    package let rawValue: String

    /// Accepts a UUID in any case; `nil` for other text, and for the empty and the all-zero token, which mean "absent"
    /// (Unity sends `Guid.Empty`).
    package init?(validating text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        var lowered: [UInt8] = []
        lowered.reserveCapacity(36)
        var anyDigit = false
        for (index, byte) in bytes.enumerated() {
            switch (index, byte) {
            case (8, UInt8(ascii: "-")), (13, UInt8(ascii: "-")), (18, UInt8(ascii: "-")), (23, UInt8(ascii: "-")):
                lowered.append(byte)
            case (8, _), (13, _), (18, _), (23, _):
                return nil
            case (_, 0x30...0x39), (_, 0x61...0x66):
                anyDigit = anyDigit || byte != UInt8(ascii: "0")
                lowered.append(byte)
            case (_, 0x41...0x46):
                anyDigit = true
                lowered.append(byte + 0x20)
            default:
                return nil
            }
        }
        guard anyDigit else { return nil }
        self.rawValue = String(decoding: lowered, as: UTF8.self)
    }
}
