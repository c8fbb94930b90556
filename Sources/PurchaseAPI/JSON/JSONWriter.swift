package import PurchaseCore

/// Writes JSON, members in the order of the contract, `null` for what is absent, integers exactly.
package struct JSONWriter {
    /// What was written, UTF-8.
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// An empty one.
    package init() { bytes.reserveCapacity(1_024) }

    /// An object; `write` adds its members.
    package mutating func object(_ write: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        write(&self)
        close(UInt8(ascii: "}"))
    }

    /// A member whose value `write` writes.
    package mutating func member(_ name: StaticString, _ write: (inout JSONWriter) -> Void) {
        begin(name)
        write(&self)
    }

    /// A member that is an object, or `null`.
    package mutating func member<Value>(
        _ name: StaticString, _ value: Value?, _ write: (inout JSONWriter, Value) -> Void
    ) {
        begin(name)
        guard let value else { return null() }
        object { writer in write(&writer, value) }
    }

    /// A member that is a list; `write` writes one item.
    package mutating func member<Items: Sequence>(
        _ name: StaticString, _ items: Items, _ write: (inout JSONWriter, Items.Element) -> Void
    ) {
        begin(name)
        array(items, write)
    }

    /// A member that is text, or `null`.
    package mutating func member(_ name: StaticString, _ value: String?) {
        begin(name)
        guard let value else { return null() }
        string(value)
    }

    /// A member that is an identifier, or `null`.
    package mutating func member(_ name: StaticString, _ value: (some StringIdentifier)?) {
        member(name, value?.rawValue)
    }

    /// A member whose name is not the contract's but one of a list's; plain ASCII.
    package mutating func member(named name: String, _ write: (inout JSONWriter) -> Void) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        write(&self)
    }

    /// A value that is a list; `write` writes one item.
    package mutating func array<Items: Sequence>(
        _ items: Items, _ write: (inout JSONWriter, Items.Element) -> Void
    ) {
        open(UInt8(ascii: "["))
        for item in items { write(&self, item) }
        close(UInt8(ascii: "]"))
    }

    /// A value that is text.
    package mutating func value(_ text: String) { string(text) }

    /// A value that is a truth value.
    package mutating func value(_ truth: Bool) { raw(truth ? "true" : "false") }

    /// A value that is `null`.
    package mutating func null() { raw("null") }

    /// A value that is a whole number.
    package mutating func value(_ number: Int64) { raw(String(number)) }

    /// A value that is an instant.
    package mutating func value(_ instant: Instant) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        RFC3339.append(instant, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A member that is a whole number, or `null`.
    package mutating func member(_ name: StaticString, _ value: (some BinaryInteger)?) {
        begin(name)
        guard let value else { return null() }
        raw(String(value))
    }

    /// A member that is a truth value.
    package mutating func member(_ name: StaticString, _ value: Bool) {
        begin(name)
        raw(value ? "true" : "false")
    }

    /// A member that is an instant, or `null`.
    package mutating func member(_ name: StaticString, _ value: Instant?) {
        begin(name)
        guard let value else { return null() }
        self.value(value)
    }

    /// A member that is an amount of money, or `null`.
    package mutating func member(_ name: StaticString, _ value: Money?) {
        member(name, value) { writer, money in
            writer.member("milliunits", money.milliunits)
            writer.member("currency", money.currency)
        }
    }

    private mutating func begin(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        // The contract's names need no escaping.
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func string(_ text: String) {
        separate()
        JSONText.append(text, to: &bytes)
        needsComma = true
    }
}
