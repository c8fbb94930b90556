import PurchaseAPI

/// One faulty field: which, and what would be right, for the person who filled it in.
struct FieldFault: Hashable, Sendable {
    let field: String
    let message: String
}

/// Reads the fields of a form or a query one by one, and gathers what is wrong with them.
///
/// White space around a value is what copying left there, and an empty field is an absent one.
struct FormReader: FieldReader {
    private var values: [String: String] = [:]
    private(set) var faults: [FieldFault] = []

    /// Takes the fields; others than `known` are faults, and so are repeated ones.
    init(_ fields: [FormField], known: [String]) {
        for field in fields {
            guard known.contains(field.name) else {
                let names = known.isEmpty ? "There are none here." : "Known are \(known.joined(separator: ", "))."
                faults.append(
                    FieldFault(
                        field: "", message: "The field \(Syntax.printable(field.name)) is unknown here. " + names))
                continue
            }
            guard values[field.name] == nil else {
                faults.append(FieldFault(field: field.name, message: "The field \(field.name) is there twice."))
                continue
            }
            // Browsers end lines with CR LF.
            values[field.name] = field.value.replacing("\r\n", with: "\n").trimmingWhitespace
        }
    }

    /// The text under a name as it was sent, without the white space around it; `nil` when it is empty.
    func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    mutating func value<Value>(
        _ name: String, isRequired: Bool, rule: String, _ convert: (String) -> Value?
    ) -> Value? {
        guard let text = text(name) else {
            if isRequired { blame(name, rule) }
            return nil
        }
        guard let value = convert(text) else {
            blame(name, rule)
            return nil
        }
        return value
    }

    mutating func blame(_ name: String, _ detail: String) {
        faults.append(FieldFault(field: name, message: detail))
    }

    /// The words of a person that acts.
    mutating func why() -> String {
        value(
            "why", isRequired: true, rule: "Say why, in 1 to \(WhyRequest.charactersMax) characters."
        ) { WhyRequest.isSentence($0) ? $0 : nil } ?? ""
    }

    /// A cursor, as `convert` reads it; `nil` for the first page.
    mutating func cursor<Value>(_ convert: (String) -> Value?) -> Value? {
        value("cursor", isRequired: false, rule: "The link to the next page is broken. Search again.", convert)
    }

    /// Throws the page that lists the faults, if there are any: for addresses, which nobody fills in.
    func check() throws(ConsoleError) {
        guard faults.isEmpty else {
            throw .invalid(faults.map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" })
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmingWhitespace: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
