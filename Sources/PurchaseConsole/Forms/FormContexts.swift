/// What `form-errors.mustache` shows above a form that could not be acted upon.
struct ErrorSummary: Sendable {
    /// One fault, and the field that it is about.
    struct Line: Sendable {
        /// The id of the field; `nil` for none.
        let target: String?
        let message: String
    }

    let heading: String
    let lines: [Line]

    /// `nil` without faults; `prefix` begins the ids of the form's fields.
    init?(_ faults: [FieldFault], prefix: String, heading: String = "Nothing was done yet") {
        guard !faults.isEmpty else { return nil }
        self.heading = heading
        lines = faults.map { fault in
            let isShown = !fault.field.isEmpty && !Self.unseen.contains(fault.field)
            return Line(
                target: isShown ? prefix + fault.field : nil,
                message: isShown ? "\(Self.words(fault.field)): \(fault.message)" : fault.message)
        }
    }

    /// Fields that no form shows: places in lists.
    private static let unseen: Set<String> = ["cursor", "events", "overrides", "overrideId", "seen"]

    /// A field's name as people read it: `accountId` is `Account id`.
    private static func words(_ name: String) -> String {
        let spaced = name.reduce(into: "") { text, character in
            text += character.isUppercase ? " " + character.lowercased() : String(character)
        }
        return spaced.prefix(1).uppercased() + spaced.dropFirst()
    }
}

/// A field for text, for `field-text.mustache` and `field-words.mustache`.
struct TextField: Sendable {
    let id: String
    let name: String
    let label: String
    let value: String
    let hint: String?
    let error: String?
    /// The ids of hint and error, for `aria-describedby`.
    let describedBy: String?
    let isRequired: Bool
    /// The longest text that the browser lets in.
    let maximum: Int

    init(
        _ name: String, _ label: String, prefix: String, value: String? = nil, hint: String? = nil,
        faults: [FieldFault] = [], isRequired: Bool = false, maximum: Int = 255
    ) {
        self.id = prefix + name
        self.name = name
        self.label = label
        self.value = value ?? ""
        self.hint = hint
        self.error = faults.first { $0.field == name }?.message
        self.isRequired = isRequired
        self.maximum = maximum
        let parts = [hint.map { _ in prefix + name + "-hint" }, error.map { _ in prefix + name + "-error" }]
        let ids = parts.compactMap(\.self)
        self.describedBy = ids.isEmpty ? nil : ids.joined(separator: " ")
    }
}

/// A field with a closed list of values, for `field-choice.mustache`.
struct ChoiceField: Sendable {
    /// One value.
    struct Option: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    let id: String
    let name: String
    let label: String
    let options: [Option]
    let hint: String?
    let error: String?
    let describedBy: String?

    init(
        _ name: String, _ label: String, prefix: String, value: String?, options: [(value: String, label: String)],
        hint: String? = nil, faults: [FieldFault] = []
    ) {
        self.id = prefix + name
        self.name = name
        self.label = label
        self.options = options.map { Option(value: $0.value, label: $0.label, isChosen: $0.value == value ?? "") }
        self.hint = hint
        self.error = faults.first { $0.field == name }?.message
        let parts = [hint.map { _ in prefix + name + "-hint" }, error.map { _ in prefix + name + "-error" }]
        let ids = parts.compactMap(\.self)
        self.describedBy = ids.isEmpty ? nil : ids.joined(separator: " ")
    }
}
