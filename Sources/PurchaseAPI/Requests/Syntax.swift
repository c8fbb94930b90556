/// Small questions about text from outside.
package enum Syntax {
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
    package static func isOpaqueID(_ text: String) -> Bool { isToken(text, maximumBytes: 200, also: "._:-") }

    /// Text that is safe to show and to log: printable ASCII, `?` for the rest, and bounded.
    package static func printable(_ text: String, maximumCharacters: Int = 64) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            guard shown.utf8.count < maximumCharacters else { return shown + "..." }
            shown.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : "?")
        }
        return shown
    }
}
