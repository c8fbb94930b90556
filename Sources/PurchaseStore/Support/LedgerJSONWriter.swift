import PurchaseCore

/// Writes values as JSON text, keys sorted and no blanks: the bytes that Foundation's encoder makes with `.sortedKeys` and
/// `.withoutEscapingSlashes`.
///
/// Foundation's makes a tree of every value and finds out by casts what each is, which was most of what building a
/// decision's statement cost. Here a value goes straight into the bytes. A stream has no place for what a type writes out
/// of turn, so `nestedContainer` and `superEncoder` are programming errors; fractions are refused, since the ledger has
/// none. The names of members are ASCII letters, digits and underscores.
///
/// For one value, by one task.
final class LedgerJSONWriter: Encoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    /// What was written.
    var text = LedgerJSONText()

    /// Writes a value; throws `EncodingError` for a fraction, and what the value's own encoding throws.
    func write(_ value: some Encodable) throws {
        let outer = text.beginValue()
        try value.encode(to: self)
        text.endValue(within: outer)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        text.beginObject()
        return KeyedEncodingContainer(LedgerJSONObject<Key>(writer: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        text.beginList()
        return LedgerJSONList(writer: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        text.beginSingle()
        return LedgerJSONSingle(writer: self)
    }
}
