/// The order id of Apple's e-mail to the customer, such as `MV5GKYPN2Z`: one checkout, and so one or more transactions.
///
/// No signed payload carries it; only Apple's Look Up Order ID leads from it to transactions, and in Production alone.
package struct OrderID: StringIdentifier {
    /// Letters and digits, upper and lower case being different.
    package let rawValue: String

    /// Wraps a value of the ledger.
    package init(_ rawValue: String) { self.rawValue = rawValue }

    /// Accepts 1–64 ASCII letters and digits, which is all that may reach a URL path; `nil` for anything else.
    package init?(validating text: String) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
