/// One JSON value of a request, unconverted, so that each property can be judged and blamed on its own.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The number's own text.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// The members of a JSON object in the order sent, and the names that came more than once.
package struct JSONObject: Equatable, Sendable {
    /// In the order sent, each name once.
    package private(set) var members: [(name: String, value: JSONValue)] = []
    /// Names that came more than once.
    package private(set) var repeatedNames: Set<String> = []
    private var index: [String: Int] = [:]

    /// Adds a member; of a repeated name the first value stays, and the name is remembered as a fault.
    package mutating func append(_ name: String, _ value: JSONValue) {
        guard index[name] == nil else {
            repeatedNames.insert(name)
            return
        }
        index[name] = members.count
        members.append((name, value))
    }

    /// The first value of a name.
    package subscript(name: String) -> JSONValue? { index[name].map { members[$0].value } }

    /// Whether both have the same members in the same order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.repeatedNames == right.repeatedNames
            && left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
    }
}

/// Why a body is not acceptable JSON, and at which byte.
package struct JSONSyntaxError: Error, Equatable, Sendable {
    /// What is wrong.
    package enum Kind: Equatable, Sendable {
        /// Not JSON (RFC 8259), or something after it.
        case syntax
        /// Not UTF-8, or half of a surrogate pair.
        case encoding
        /// Nested deeper than ``JSONReader/depthMax``.
        case depth
    }

    /// What is wrong.
    package let kind: Kind
    /// Counted from 0.
    package let offset: Int

    /// A sentence without anything of the input in it.
    package var explanation: String {
        switch kind {
        case .syntax: "Is not valid JSON at byte \(offset)."
        case .encoding: "Is not valid UTF-8 text at byte \(offset)."
        case .depth: "Is nested deeper than \(JSONReader.depthMax) levels at byte \(offset)."
        }
    }
}
