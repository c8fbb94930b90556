/// One JSON value as ``JSONParser`` read it: nothing is converted, so that each field can be judged on its own.
enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The number's own text, so that no digit is lost before the field's type is known.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// The members of one JSON object; the parser has refused repeated names.
struct JSONObject: Equatable, Sendable {
    /// A member's value, and where it stands in the parsed bytes.
    struct Member: Equatable, Sendable {
        let value: JSONValue
        let source: Range<Int>
    }

    var members: [String: Member] = [:]

    /// The value of a member; `nil` when it is absent.
    ///
    /// `null` is a value.
    subscript(name: String) -> JSONValue? { members[name]?.value }
}

/// Why bytes aren't acceptable JSON.
enum JSONFault: Error, Equatable, Sendable {
    /// Not JSON (RFC 8259), or something after it.
    case syntax
    /// Not UTF-8.
    case encoding
    /// A name twice in one object: two readers could see two values.
    case duplicateName
    /// Nested deeper than ``JSONLimits/depth``.
    case tooDeep
    /// More values than ``JSONLimits/values``.
    case tooMany

    /// A sentence part that is safe to show: nothing of the input is in it.
    var explanation: String {
        switch self {
        case .syntax: "is not valid JSON"
        case .encoding: "is not valid UTF-8"
        case .duplicateName: "names a member twice"
        case .tooDeep: "is nested too deeply"
        case .tooMany: "has too many values"
        }
    }
}

/// How much JSON is read from somebody who has not proved anything yet.
struct JSONLimits: Sendable {
    /// Levels of arrays and objects; the parser recurses once per level.
    let depth: Int
    /// Values in all, containers included.
    let values: Int

    /// A JOSE header: `alg`, three certificates, and room for members that Apple may add.
    static let header = JSONLimits(depth: 4, values: 64)
    /// A payload: Apple's deepest (`advancedCommerceInfo.items[].refunds[]`) has six levels.
    static let payload = JSONLimits(depth: 16, values: 20_000)
}
