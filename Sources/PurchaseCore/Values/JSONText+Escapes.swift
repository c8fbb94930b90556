extension JSONText {
    /// What is wrong with an escape.
    package enum EscapeFault: Error, Equatable, Sendable {
        /// No escape of RFC 8259, or not all of it; its place is that of the first byte which doesn't fit.
        case syntax
        /// Half of a surrogate pair, which is no character; its place is that of the half's digits.
        ///
        /// Refused, since a replacement character could make two different names equal.
        case encoding
    }

    /// Reads what a backslash begins in a JSON string (RFC 8259, section 7).
    ///
    /// - Parameters:
    ///   - bytes: The text that the string is part of.
    ///   - place: Behind the backslash; afterwards behind the escape, or at the fault.
    /// - Returns: The character.
    /// - Throws: ``EscapeFault``.
    package static func readEscape(
        in bytes: UnsafeBufferPointer<UInt8>, at place: inout Int
    ) throws(EscapeFault) -> Unicode.Scalar {
        guard place < bytes.count else { throw .syntax }
        let scalar: Unicode.Scalar
        switch bytes[place] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = Unicode.Scalar(bytes[place])
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "u"):
            place += 1
            return try readNumbered(in: bytes, at: &place)
        default: throw .syntax
        }
        place += 1
        return scalar
    }

    /// The same for readers that keep their text in an array.
    package static func readEscape(in bytes: [UInt8], at place: inout Int) throws(EscapeFault) -> Unicode.Scalar {
        try bytes.withUnsafeBufferPointer { buffer throws(EscapeFault) in try readEscape(in: buffer, at: &place) }
    }

    /// Four digits, or twice that: a character beyond the basic plane is two units.
    private static func readNumbered(
        in bytes: UnsafeBufferPointer<UInt8>, at place: inout Int
    ) throws(EscapeFault) -> Unicode.Scalar {
        let start = place
        let unit = try readUnit(in: bytes, at: &place)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        if (0xD800..<0xDC00).contains(unit), place + 1 < bytes.count, bytes[place] == backslash,
            bytes[place + 1] == UInt8(ascii: "u")
        {
            place += 2
            let low = try readUnit(in: bytes, at: &place)
            if (0xDC00..<0xE000).contains(low),
                let scalar = Unicode.Scalar(0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            {
                return scalar
            }
        }
        place = start
        throw .encoding
    }

    private static func readUnit(
        in bytes: UnsafeBufferPointer<UInt8>, at place: inout Int
    ) throws(EscapeFault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard place < bytes.count, let digit = Hexadecimal.value(of: bytes[place]) else { throw .syntax }
            unit = unit << 4 | UInt32(digit)
            place += 1
        }
        return unit
    }
}
