import PurchaseService

/// The name of a key: one person or system, the "who" of the ledger.
package struct KeyName: Hashable, Sendable, CustomStringConvertible {
    /// 1–100 characters of one line, without white space at the ends; not digits alone, which would be a key's number, and
    /// not what users are called in the ledger.
    package let text: String

    /// Accepts a name; `nil` for text that breaks the rule above.
    package init?(_ text: String) {
        guard (1...100).contains(text.unicodeScalars.count), text.first?.isWhitespace == false,
            text.last?.isWhitespace == false, text != Caller.userName,
            !text.allSatisfy({ $0.isASCII && $0.isNumber }),
            text.unicodeScalars.allSatisfy(Self.isAllowed)
        else { return nil }
        self.text = text
    }

    /// The text.
    package var description: String { text }

    /// Names are shown in lists and logs: nothing that breaks lines or turns the order of text around.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation,
            .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator:
            true
        @unknown default: false
        }
    }
}
