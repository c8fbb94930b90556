/// Reads the properties of a request object one by one, and blames what is wrong, missing, repeated or unknown.
struct PropertyReader {
    private let object: JSONObject
    private var known: [String] = []
    private(set) var faults = Faults()

    init(_ object: JSONObject) { self.object = object }

    /// Whether the property was sent, with whatever value.
    func has(_ name: String) -> Bool { object[name] != nil }

    /// The text of a property; `nil` when it is absent or faulty.
    mutating func string(_ name: String, isRequired: Bool = false, hint: String? = nil) -> String? {
        known.append(name)
        switch object[name] {
        case .string(let text): return text
        case nil:
            if isRequired { faults.add(property: name, "Is missing; it is required.") }
        case .null:
            faults.add(property: name, "Must be a string; leave the property out instead of sending null.")
        case .number: faults.add(property: name, "Must be a string" + (hint.map { ", \($0)" } ?? "") + ".")
        case .bool, .array, .object: faults.add(property: name, "Must be a string.")
        }
        return nil
    }

    /// The text of a property as another type; a fault when `convert` gives `nil`.
    mutating func value<Value>(
        _ name: String, isRequired: Bool = false, hint: String? = nil, rule: String, _ convert: (String) -> Value?
    ) -> Value? {
        guard let text = string(name, isRequired: isRequired, hint: hint) else { return nil }
        guard let value = convert(text) else {
            faults.add(property: name, rule)
            return nil
        }
        return value
    }

    /// A truth value; `nil` when it is absent or faulty.
    mutating func flag(_ name: String) -> Bool? {
        known.append(name)
        switch object[name] {
        case .bool(let value): return value
        case nil: return nil
        case .null, .number, .string, .array, .object:
            faults.add(property: name, "Must be true or false.")
            return nil
        }
    }

    /// The texts of a required list as another type, in their order; a fault for each one that `convert` gives `nil`
    /// for, or that is there already.
    mutating func distinctValues<Value: Hashable>(
        _ name: String, maximum: Int, rule: String, _ convert: (String) -> Value?
    ) -> [Value] {
        known.append(name)
        guard let value = object[name] else {
            faults.add(property: name, "Is missing; it is required.")
            return []
        }
        guard case .array(let items) = value, items.count <= maximum else {
            faults.add(property: name, "Must be a list of at most \(maximum) strings.")
            return []
        }
        var values: [Value] = []
        var seen: Set<Value> = []
        for (index, item) in items.enumerated() {
            guard case .string(let text) = item, let value = convert(text) else {
                faults.add(property: name, item: index, rule)
                continue
            }
            guard seen.insert(value).inserted else {
                faults.add(property: name, item: index, "Is there already; name each one once.")
                continue
            }
            values.append(value)
        }
        return values
    }

    /// Adds a fault of a property.
    mutating func blame(_ name: String, _ detail: String) { faults.add(property: name, detail) }

    /// Adds a fault of the whole object.
    mutating func blameBody(_ detail: String) { faults.add(body: detail) }

    /// Blames unknown and repeated properties, after every known one has been read; unknown ones not in what Apple sends.
    mutating func finish(allowsUnknown: Bool = false) {
        for (name, _) in object.members where !allowsUnknown && !known.contains(name) {
            faults.add(property: name, "Is unknown; leave it out. Known are \(known.joined(separator: ", ")).")
        }
        for name in object.repeatedNames.sorted() { faults.add(property: name, "Is there twice; send it once.") }
    }
}
