/// Small questions about text from outside.
enum Syntax {
    /// Whether text is 1 to `maximumBytes` of ASCII letters, digits and `others`.
    static func isToken(_ text: String, maximumBytes: Int, also others: StaticString) -> Bool {
        guard (1...maximumBytes).contains(text.utf8.count) else { return false }
        return others.withUTF8Buffer { others in
            text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: others.contains(byte)
                }
            }
        }
    }

    /// Whether text has the form of our opaque ids (grants): `[A-Za-z0-9._:-]{1,200}`.
    static func isOpaqueID(_ text: String) -> Bool { isToken(text, maximumBytes: 200, also: "._:-") }

    /// Text that is safe to show and to log: printable ASCII, `?` for the rest, and bounded.
    static func printable(_ text: String, maximumCharacters: Int = 64) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            guard shown.utf8.count < maximumCharacters else { return shown + "..." }
            shown.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : "?")
        }
        return shown
    }
}

/// Base 16, lower case.
enum Hexadecimal {
    /// Two digits per byte, the most significant first.
    static func text(of value: some FixedWidthInteger & UnsignedInteger) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: value.bitWidth / 4 - digits.count) + digits
    }

    /// The value of one digit, of either case.
    static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
