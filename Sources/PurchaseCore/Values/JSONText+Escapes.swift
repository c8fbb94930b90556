extension JSONText {
    /// Reads what a backslash begins in a JSON string.
    ///
    /// - Parameters:
    ///   - bytes: The text that the string is part of.
    ///   - place: Behind the backslash; afterwards behind the escape, unless it was none.
    /// - Returns: The character; `nil` for what is no escape, and for half of a surrogate pair, which is no character.
    package static func readEscape(in bytes: UnsafeBufferPointer<UInt8>, at place: inout Int) -> Unicode.Scalar? {
        guard place < bytes.count else { return nil }
        let scalar: Unicode.Scalar
        switch bytes[place] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = Unicode.Scalar(bytes[place])
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "u"): return readNumbered(in: bytes, at: &place)
        default: return nil
        }
        place += 1
        return scalar
    }

    /// Four digits behind `u`, or twice that: a character beyond the basic plane is two units.
    private static func readNumbered(in bytes: UnsafeBufferPointer<UInt8>, at place: inout Int) -> Unicode.Scalar? {
        guard let unit = unit(in: bytes, at: place) else { return nil }
        if let scalar = Unicode.Scalar(unit) {
            place += 5
            return scalar
        }
        guard (0xD800..<0xDC00).contains(unit), place + 5 < bytes.count, bytes[place + 5] == backslash,
            let low = self.unit(in: bytes, at: place + 6), (0xDC00..<0xE000).contains(low)
        else { return nil }
        place += 11
        return Unicode.Scalar(0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    }

    /// The code unit of `uXXXX`.
    private static func unit(in bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> UInt32? {
        guard place + 4 < bytes.count, bytes[place] == UInt8(ascii: "u") else { return nil }
        var unit: UInt32 = 0
        for byte in bytes[place + 1...place + 4] {
            guard let digit = Hexadecimal.value(of: byte) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
