/// Reads values back from what ``LedgerJSONWriter`` and PostgreSQL write: the values, and the kinds of errors, that
/// Foundation's decoder gives.
///
/// Foundation's makes a dictionary of every object and allocates for every value. Here a text becomes a row of tokens once,
/// and each type takes its members from there. It is stricter: fractions and exponents are refused, even `5.0` where a
/// whole number is read, since the ledger has none; so is a comma behind the last element; and a fault counts wherever it
/// stands, even where nothing reads. Dates and data have no form of their own, and errors no path.
struct LedgerJSONReader: Decoder, SingleValueDecodingContainer {
    let document: LedgerJSONDocument
    /// Its token's index.
    let value: Int
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Reads a whole text; throws `DecodingError`, and what the type's own decoding throws.
    static func read<Value: Decodable>(_ text: String, as type: Value.Type) throws -> Value {
        try Value(from: LedgerJSONReader(document: LedgerJSONDocument(text), value: 0))
    }

    // MARK: Containers

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try LedgerJSONMembers<Key>(document, value))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try LedgerJSONElements(document, value) }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    // MARK: A single value

    func decodeNil() -> Bool { document.kind(value) == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch document.kind(value) {
        case .yes: return true
        case .no: return false
        case .object, .list, .name, .escapedName, .text, .escapedText, .integer, .fraction, .null: throw mismatch(type)
        }
    }

    func decode(_ type: String.Type) throws -> String {
        switch document.kind(value) {
        case .text, .escapedText: return document.text(value)
        case .object, .list, .name, .escapedName, .integer, .fraction, .yes, .no, .null: throw mismatch(type)
        }
    }

    func decode<Value: FixedWidthInteger & Decodable>(_ type: Value.Type) throws -> Value {
        switch document.kind(value) {
        case .integer:
            guard let number = document.integer(value, as: type) else { throw DecodingError.unfit(type) }
            return number
        case .fraction: throw DecodingError.unfit(type)
        case .object, .list, .name, .escapedName, .text, .escapedText, .yes, .no, .null: throw mismatch(type)
        }
    }

    func decode<Value: BinaryFloatingPoint & Decodable>(_ type: Value.Type) throws -> Value {
        switch document.kind(value) {
        case .integer, .fraction: throw DecodingError.unfit(type)
        case .object, .list, .name, .escapedName, .text, .escapedText, .yes, .no, .null: throw mismatch(type)
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: self) }

    private func mismatch(_ type: any Any.Type) -> DecodingError { document.mismatch(value, type) }
}

extension LedgerJSONDocument {
    /// What to say of a value of another kind than the one that is read; of `null` that there is none.
    func mismatch(_ value: Int, _ type: any Any.Type) -> DecodingError {
        let found = kind(value)
        let context = DecodingError.Context(codingPath: [], debugDescription: "\(type) expected, \(found) found")
        return found == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }
}

extension DecodingError {
    /// A number that the type can't hold.
    fileprivate static func unfit(_ type: any Any.Type) -> DecodingError {
        .dataCorrupted(Context(codingPath: [], debugDescription: "a number that is no \(type)"))
    }
}
