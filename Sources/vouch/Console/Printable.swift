/// Text that came from outside, made fit for a terminal or a log line: one line, no control characters, bounded.
enum Printable {
    /// The most scalars of one foreign text that are shown.
    static let scalarsMax = 200

    /// The text with control, format and separator characters escaped, cut at `scalarsMax` scalars.
    static func escape(_ text: some StringProtocol, scalarsMax: Int = Printable.scalarsMax) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < scalarsMax else { return result + "…" }
            count += 1
            append(scalar, to: &result)
        }
        return result
    }

    /// The same between double quotes, with quotes and backslashes escaped, so that its end is where it seems to be.
    static func quote(_ text: some StringProtocol, scalarsMax: Int = Printable.scalarsMax) -> String {
        var result = "\""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < scalarsMax else { return result + "…\"" }
            count += 1
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default: append(scalar, to: &result)
            }
        }
        return result + "\""
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            if isPrintable(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
    }

    /// Whether a terminal shows the scalar as itself; format characters can turn the order of text around.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20...0x7E).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation,
            .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator:
            return true
        @unknown default: return false
        }
    }
}
