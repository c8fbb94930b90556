/// Makes text safe to be escaped one character at a time.
///
/// The template library escapes `<`, `>`, `&`, `"` and `'` where each is a `Character` of its own. A mark that combines with
/// one of them makes another character of both: `"` with U+0301 would go out as it is, and end an attribute.
enum SafeText {
    /// What a mark without a letter is shown on (U+25CC).
    private static let carrier: Unicode.Scalar = "\u{25CC}"

    /// The same text where nothing combines with a character that is to be escaped: a carrier stands between the two.
    static func escapable(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var safe = String.UnicodeScalarView()
        for character in text {
            let scalars = Array(character.unicodeScalars)
            for (index, scalar) in scalars.enumerated() {
                let needsCarrier = isEscaped(scalar) && index > 0 || index > 0 && isEscaped(scalars[index - 1])
                if needsCarrier { safe.append(carrier) }
                safe.append(scalar)
            }
        }
        return String(safe)
    }

    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "<", ">", "&", "\"", "'": true
        default: false
        }
    }
}
