/// One value of a row as it came over the wire: its type and its binary form.
package struct PostgresCell: Sendable {
    /// The column's type; for a domain its base type.
    package let type: PostgresType
    /// The binary form, nil for NULL.
    package let bytes: ArraySlice<UInt8>?

    /// Makes a cell, as rows do.
    package init(type: PostgresType, bytes: ArraySlice<UInt8>?) {
        self.type = type
        self.bytes = bytes
    }

    /// The binary form; throws `decodingFailed` for NULL.
    package func requiredBytes() throws(PostgresError) -> ArraySlice<UInt8> {
        guard let bytes else { throw PostgresError(.decodingFailed, message: "NULL") }
        return bytes
    }

    func mismatch() -> PostgresError { PostgresError(.decodingFailed, message: "type \(type.oid) does not fit") }

    /// Reads a big-endian integer of exactly that width.
    func integer<Integer: FixedWidthInteger>(as type: Integer.Type) throws(PostgresError) -> Integer {
        let bytes = try requiredBytes()
        guard bytes.count == Integer.bitWidth / 8 else { throw mismatch() }
        return bytes.bigEndianInteger()
    }

    /// Reads any integer type, and a `numeric` (what `sum(bigint)` makes) that has no fraction.
    func int64() throws(PostgresError) -> Int64 {
        switch type {
        case .int8: return try integer(as: Int64.self)
        case .int4: return Int64(try integer(as: Int32.self))
        case .int2: return Int64(try integer(as: Int16.self))
        case .objectID: return Int64(try integer(as: UInt32.self))
        case .numeric:
            guard let value = Int64(try numericText()) else { throw mismatch() }
            return value
        default: throw mismatch()
        }
    }

    /// Reads anything whose binary form is its text, and writes `jsonb`, `uuid` and `numeric` out as text.
    func text() throws(PostgresError) -> String {
        var bytes = try requiredBytes()
        switch type {
        case .text, .varchar, .bpchar, .name, .char, .unknown, .json, .void: break
        case .jsonb:
            guard bytes.first == 1 else { throw mismatch() }
            bytes = bytes.dropFirst()
        case .uuid: return try uuidText()
        case .numeric: return try numericText()
        // An enum travels as its label.
        case _ where type.oid >= PostgresType.firstUserDefinedOID: break
        default: throw mismatch()
        }
        // `String(validating:as:)` looks generic metadata up for each text; this is the same check without.
        guard let text = try? UTF8Span(validating: bytes.span) else { throw mismatch() }
        return String(copying: text)
    }

    private func uuidText() throws(PostgresError) -> String {
        let bytes = try requiredBytes()
        guard bytes.count == 16 else { throw mismatch() }
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }

    /// `numeric`: digit groups of base 10,000, the weight of the first, a sign, and the decimals to show.
    private func numericText() throws(PostgresError) -> String {
        let bytes = try requiredBytes()
        guard bytes.count >= 8, bytes.count % 2 == 0 else { throw mismatch() }
        let words = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { index -> UInt16 in
            UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
        }
        let count = Int(words[0])
        let weight = Int(Int16(bitPattern: words[1]))
        let scale = Int(words[3])
        switch words[2] {
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: break
        }
        guard words.count == 4 + count else { throw mismatch() }
        func group(_ index: Int) -> String {
            let digits = String(index >= 0 && index < count ? words[4 + index] : 0)
            return String(repeating: "0", count: 4 - digits.count) + digits
        }
        var whole = weight >= 0 ? (0...weight).map(group).joined() : "0"
        whole = String(whole.drop { $0 == "0" })
        if whole.isEmpty { whole = "0" }
        let fraction = (0..<(scale + 3) / 4).map { group(weight + 1 + $0) }.joined().prefix(scale)
        return (words[2] == 0x4000 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// The elements of a one-dimensional array whose element type is one of `types`.
    func elements(of types: Set<PostgresType>) throws(PostgresError) -> [PostgresCell] {
        var rest = try requiredBytes()
        func take(_ count: Int) throws(PostgresError) -> ArraySlice<UInt8> {
            guard count >= 0, rest.count >= count else { throw mismatch() }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func takeInteger() throws(PostgresError) -> Int { Int(try take(4).bigEndianInteger() as Int32) }

        let dimensions = try takeInteger()
        _ = try takeInteger()
        let element = PostgresType(oid: UInt32(truncatingIfNeeded: try takeInteger()))
        if dimensions == 0 { return [] }
        guard dimensions == 1, types.contains(element) else { throw mismatch() }
        let count = try takeInteger()
        _ = try takeInteger()
        var cells: [PostgresCell] = []
        for _ in 0..<max(0, count) {
            let length = try takeInteger()
            cells.append(PostgresCell(type: element, bytes: length < 0 ? nil : try take(length)))
        }
        return cells
    }
}

extension ArraySlice<UInt8> {
    /// The integer that these bytes are; there must be exactly as many as it has.
    fileprivate func bigEndianInteger<Integer: FixedWidthInteger>() -> Integer {
        withUnsafeBytes { Integer(bigEndian: $0.loadUnaligned(as: Integer.self)) }
    }
}
