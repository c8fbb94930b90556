/// Reads named texts from outside one by one, and gathers what is wrong with them: a query, or a form.
package protocol FieldReader {
    /// The text under a name as another type; a fault when `convert` gives `nil`, or when a required one is absent.
    mutating func value<Value>(
        _ name: String, isRequired: Bool, rule: String, _ convert: (String) -> Value?
    ) -> Value?
    /// Adds a fault of the text under a name.
    mutating func blame(_ name: String, _ detail: String)
}

extension FieldReader {
    /// The text under a name, which may be absent, as another type; a fault when `convert` gives `nil`.
    package mutating func value<Value>(_ name: String, rule: String, _ convert: (String) -> Value?) -> Value? {
        value(name, isRequired: false, rule: rule, convert)
    }
}
