import Foundation

/// Checks JSON values against the subset of JSON Schema 2020-12 that `openapi.yaml` uses.
///
/// A keyword outside the subset is an error when the schemas are loaded, so that none is ever silently ignored.
package struct SchemaValidator: Sendable {
    private let root: JSONValue
    private let patterns: [String: NSRegularExpression]

    /// How strict to be with properties that a schema does not name.
    package enum Strictness: Sendable {
        /// As JSON Schema says: they are allowed unless `additionalProperties` is false.
        case schema
        /// They are allowed only where `additionalProperties` says so. Clients must ignore what they do not know, but
        /// the server must not send what the contract does not name.
        case closed
    }

    private static let annotations: Set<String> = ["description", "title", "examples", "default"]
    private static let formats: Set<String> = ["date-time", "uuid", "uri", "int64"]
    private static let types: Set<String> = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ]

    /// Takes the document that `$ref`s point into, and every schema in it that will be used.
    ///
    /// Throws a ``SpecError`` for an unknown keyword, a malformed one, or a `$ref` to nowhere.
    package init(root: JSONValue, schemas: [(at: String, schema: JSONValue)]) throws {
        self.root = root
        var inspection = Inspection(root: root)
        for (location, schema) in schemas { try inspection.inspect(schema, at: location) }
        patterns = inspection.patterns
    }

    /// Says where a value departs from a schema; empty when it does not.
    ///
    /// Each violation starts with a JSON Pointer into the value.
    package func violations(
        of value: JSONValue, against schema: JSONValue, strictness: Strictness = .schema, at pointer: String = ""
    ) -> [String] {
        check(value, schema, strictness, pointer, depth: 0)
    }

    /// Follows a `$ref` within the document.
    package static func resolve(_ reference: String, in root: JSONValue) throws -> JSONValue {
        guard reference.hasPrefix("#/") else { throw SpecError("only local references are known: \(reference)") }
        var value = root
        for part in reference.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false) {
            let name = part.replacingOccurrences(of: "~1", with: "/").replacingOccurrences(of: "~0", with: "~")
            guard let next = value[name] else { throw SpecError("\(reference) points nowhere") }
            value = next
        }
        return value
    }

    // MARK: - Inspection of the schemas

    private struct Inspection {
        let root: JSONValue
        var patterns: [String: NSRegularExpression] = [:]
        private var seen: Set<String> = []

        init(root: JSONValue) { self.root = root }

        mutating func inspect(_ schema: JSONValue, at location: String) throws {
            guard case .object(let members) = schema else {
                guard case .bool = schema else { throw SpecError("\(location): a schema is an object or a boolean") }
                return
            }
            for (keyword, value) in members.sorted(by: { $0.key < $1.key }) {
                try inspect(keyword, value, at: "\(location)/\(keyword)")
            }
        }

        private mutating func inspect(_ keyword: String, _ value: JSONValue, at location: String) throws {
            switch keyword {
            case "$ref":
                guard let reference = value.text else { throw SpecError("\(location): not a reference") }
                if seen.insert(reference).inserted {
                    try inspect(SchemaValidator.resolve(reference, in: root), at: reference)
                }
            case "properties":
                guard let properties = value.members else { throw SpecError("\(location): not an object") }
                for (name, schema) in properties { try inspect(schema, at: "\(location)/\(name)") }
            case "items", "additionalProperties":
                try inspect(value, at: location)
            case "oneOf", "anyOf", "allOf":
                guard let schemas = value.items, !schemas.isEmpty else { throw SpecError("\(location): not a list") }
                for (index, schema) in schemas.enumerated() { try inspect(schema, at: "\(location)/\(index)") }
            case "type":
                let names = value.items ?? [value]
                guard !names.isEmpty, names.allSatisfy({ SchemaValidator.types.contains($0.text ?? "") }) else {
                    throw SpecError("\(location): not a known type")
                }
            case "required":
                guard let names = value.items, names.allSatisfy({ $0.text != nil }) else {
                    throw SpecError("\(location): not a list of names")
                }
            case "enum":
                guard value.items?.isEmpty == false else { throw SpecError("\(location): not a list of values") }
            case "const":
                break
            case "pattern":
                guard let pattern = value.text else { throw SpecError("\(location): not a pattern") }
                patterns[pattern] = try SchemaValidator.compile(pattern, at: location)
            case "minimum", "maximum":
                guard SchemaValidator.double(value) != nil else { throw SpecError("\(location): not a number") }
            case "minLength", "maxLength", "minItems", "maxItems":
                guard case .integer(let count) = value, count >= 0 else { throw SpecError("\(location): not a count") }
            case "format":
                guard SchemaValidator.formats.contains(value.text ?? "") else {
                    throw SpecError("\(location): the format is not known to the validator")
                }
            default:
                guard SchemaValidator.annotations.contains(keyword) else {
                    throw SpecError("\(location): the keyword is not known to the validator")
                }
            }
        }
    }

    /// ECMA 262's `$` is the very end; ICU's also matches before a last line break.
    private static func compile(_ pattern: String, at location: String) throws -> NSRegularExpression {
        var translated = pattern
        if translated.hasSuffix("$"), !translated.hasSuffix("\\$") { translated = translated.dropLast() + "\\z" }
        do {
            return try NSRegularExpression(pattern: translated)
        } catch {
            throw SpecError("\(location): the pattern does not compile")
        }
    }

    fileprivate static func double(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
}

// MARK: - Validation

extension SchemaValidator {
    /// What a schema said about one value: the complaints, and which properties it vouched for.
    private struct Outcome {
        var violations: [String] = []
        var named: Set<String> = []
        var isOpen = false

        mutating func join(_ other: Outcome) {
            violations += other.violations
            named.formUnion(other.named)
            isOpen = isOpen || other.isOpen
        }
    }

    private func check(
        _ value: JSONValue, _ schema: JSONValue, _ strictness: Strictness, _ pointer: String, depth: Int
    ) -> [String] {
        var outcome = apply(value, schema, strictness, pointer, depth: depth)
        switch strictness {
        case .schema: break
        case .closed:
            if case .object(let members) = value, !outcome.isOpen {
                for name in members.keys.sorted() where !outcome.named.contains(name) {
                    outcome.violations.append("\(pointer)/\(name): the contract does not name this property")
                }
            }
        }
        return outcome.violations
    }

    /// Applies one schema in place: `$ref` and the combinators look at the same value.
    private func apply(
        _ value: JSONValue, _ schema: JSONValue, _ strictness: Strictness, _ pointer: String, depth: Int
    ) -> Outcome {
        guard depth < 64 else { return Outcome(violations: ["\(pointer): the schemas refer to one another for ever"]) }
        var outcome = Outcome()
        guard case .object(let keywords) = schema else {
            outcome.isOpen = true
            if schema == .bool(false) { outcome.violations.append("\(pointer): nothing is allowed here") }
            return outcome
        }
        for (keyword, argument) in keywords.sorted(by: { $0.key < $1.key }) {
            switch keyword {
            case "$ref":
                guard let target = try? Self.resolve(argument.text ?? "", in: root) else { continue }
                outcome.join(apply(value, target, strictness, pointer, depth: depth + 1))
            case "allOf":
                for part in argument.items ?? [] {
                    outcome.join(apply(value, part, strictness, pointer, depth: depth + 1))
                }
            case "anyOf", "oneOf":
                let all = (argument.items ?? []).map { apply(value, $0, strictness, pointer, depth: depth + 1) }
                outcome.join(choose(keyword, among: all, pointer))
            case "properties", "required", "additionalProperties":
                break
            case "items":
                guard case .array(let items) = value else { continue }
                for (index, item) in items.enumerated() {
                    outcome.violations += check(item, argument, strictness, "\(pointer)/\(index)", depth: depth + 1)
                }
            default:
                if let complaint = complaint(keyword, argument, value) {
                    outcome.violations.append("\(pointer): \(complaint)")
                }
            }
        }
        if case .object(let members) = value {
            outcome.join(applyObjectKeywords(members, keywords, strictness, pointer, depth: depth))
        }
        return outcome
    }

    private func choose(_ keyword: String, among all: [Outcome], _ pointer: String) -> Outcome {
        let fitting = all.filter(\.violations.isEmpty)
        if keyword == "oneOf", fitting.count > 1 {
            return Outcome(violations: ["\(pointer): fits \(fitting.count) of the alternatives, and must fit one"])
        }
        if fitting.isEmpty {
            // The alternative with the fewest complaints is the one that was meant.
            var nearest = all.min { $0.violations.count < $1.violations.count } ?? Outcome()
            nearest.violations.insert("\(pointer): fits none of the alternatives", at: 0)
            return nearest
        }
        var outcome = Outcome()
        for one in fitting { outcome.join(one) }
        return outcome
    }

    private func applyObjectKeywords(
        _ members: [String: JSONValue], _ keywords: [String: JSONValue], _ strictness: Strictness, _ pointer: String,
        depth: Int
    ) -> Outcome {
        var outcome = Outcome()
        let properties = keywords["properties"]?.members ?? [:]
        outcome.named = Set(properties.keys)
        for case .string(let name) in keywords["required"]?.items ?? [] where members[name] == nil {
            outcome.violations.append("\(pointer)/\(name): is required")
        }
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            let inside = "\(pointer)/\(name)"
            if let schema = properties[name] {
                outcome.violations += check(member, schema, strictness, inside, depth: depth + 1)
            } else if let schema = keywords["additionalProperties"] {
                if schema == .bool(false) {
                    outcome.violations.append("\(inside): is not a property here")
                } else {
                    outcome.violations += check(member, schema, strictness, inside, depth: depth + 1)
                }
            }
        }
        // Where the schema says what it thinks of further properties, nobody else has to name them.
        if keywords["additionalProperties"] != nil { outcome.isOpen = true }
        if properties.isEmpty, keywords["type"]?.text == "object" { outcome.isOpen = true }
        return outcome
    }

    // MARK: - Single keywords

    private func complaint(_ keyword: String, _ argument: JSONValue, _ value: JSONValue) -> String? {
        switch keyword {
        case "type":
            let names = (argument.items ?? [argument]).compactMap(\.text)
            return names.contains { Self.has(value, type: $0) }
                ? nil : "is not of type \(names.joined(separator: " or "))"
        case "enum":
            let allowed = argument.items ?? []
            return allowed.contains { Self.equal($0, value) }
                ? nil : "is not one of the \(allowed.count) allowed values"
        case "const":
            return Self.equal(argument, value) ? nil : "is not the one allowed value"
        case "minimum", "maximum":
            guard let bound = Self.double(argument), let number = Self.double(value) else { return nil }
            let fits = keyword == "minimum" ? number >= bound : number <= bound
            return fits ? nil : "is beyond the \(keyword)"
        case "minLength", "maxLength":
            guard case .string(let text) = value else { return nil }
            return Self.count(text.unicodeScalars.count, fits: keyword, argument) ? nil : "violates \(keyword)"
        case "minItems", "maxItems":
            guard case .array(let items) = value else { return nil }
            return Self.count(items.count, fits: keyword, argument) ? nil : "violates \(keyword)"
        case "pattern":
            guard case .string(let text) = value, let name = argument.text, let pattern = patterns[name] else {
                return nil
            }
            let whole = NSRange(text.startIndex..., in: text)
            return pattern.firstMatch(in: text, range: whole) == nil ? "does not match \(name)" : nil
        case "format":
            return Self.fits(value, format: argument.text ?? "") ? nil : "is not a valid \(argument.text ?? "")"
        default:
            return nil
        }
    }

    private static func count(_ count: Int, fits keyword: String, _ argument: JSONValue) -> Bool {
        guard case .integer(let bound) = argument else { return false }
        return keyword.hasPrefix("min") ? count >= bound : count <= bound
    }

    private static func has(_ value: JSONValue, type: String) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .integer: type == "integer" || type == "number"
        case .number(let number): type == "number" || type == "integer" && number == number.rounded()
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = double(left), let right = double(right) { return left == right }
        return left == right
    }

    private static func fits(_ value: JSONValue, format: String) -> Bool {
        switch (format, value) {
        case ("int64", .number): false
        case ("date-time", .string(let text)): isInstant(text)
        case ("uuid", .string(let text)): text.utf8.count == 36 && UUID(uuidString: text) != nil
        case ("uri", .string(let text)):
            text.range(of: #"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\z"#, options: .regularExpression) != nil
        default: true
        }
    }

    /// RFC 3339, section 5.6: a real day, a real time (leap second included), and an offset.
    private static func isInstant(_ text: String) -> Bool {
        let form = #"^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-](\d\d):(\d\d))\z"#
        guard let expression = try? NSRegularExpression(pattern: form),
            let match = expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text))
        else { return false }
        func part(_ index: Int) -> Int {
            Range(match.range(at: index), in: text).flatMap { Int(text[$0]) } ?? 0
        }
        let (year, month, day) = (part(1), part(2), part(3))
        let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...days[month - 1]).contains(day) else { return false }
        return part(4) <= 23 && part(5) <= 59 && part(6) <= 60 && part(9) <= 23 && part(10) <= 59
    }
}
