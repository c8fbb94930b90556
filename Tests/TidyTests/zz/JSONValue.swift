import Foundation
import Yams

/// A JSON value that keeps integers apart from other numbers.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses one JSON text.
    ///
    /// Throws whatever the JSON decoder throws; a text that is not JSON is not a value.
    package init(parsing bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    }

    /// The member of an object; `nil` for other values and other names.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    /// The text of a string; `nil` for other values.
    package var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The items of an array; `nil` for other values.
    package var items: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    /// The members of an object; `nil` for other values.
    package var members: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The value as JSON, with the members of objects in order of their names.
    package var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // SAFETY: every case encodes; a number that is not finite cannot come out of JSON or of `init(yaml:)`.
        return try! [UInt8](encoder.encode(self))
    }
}

extension JSONValue: Codable {
    /// Reads any JSON value.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Writes the value.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue {
    /// Reads a YAML document with the scalars of YAML 1.2's core schema: no `yes`, no dates, no octal surprises.
    package init(yaml text: String) throws {
        guard let root = try Yams.compose(yaml: text) else { throw SpecError("the document is empty") }
        self = try JSONValue(node: root)
    }

    private init(node: Node) throws {
        switch node {
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let name = key.string else { throw SpecError("a key is not a string") }
                members[name] = try JSONValue(node: value)
            }
            self = .object(members)
        case .sequence(let sequence):
            self = .array(try sequence.map { try JSONValue(node: $0) })
        case .scalar(let scalar):
            self = scalar.style == .plain ? JSONValue(plain: scalar.string) : .string(scalar.string)
        case .alias(let alias):
            throw SpecError("YAML aliases are not used here: \(alias.anchor.rawValue)")
        }
    }

    /// What an unquoted scalar means; also what the text of a header or a query parameter may mean.
    package init(plain text: String) {
        switch text {
        case "", "~", "null": self = .null
        case "true": self = .bool(true)
        case "false": self = .bool(false)
        default:
            if let integer = Int64(text) {
                self = .integer(integer)
            } else if text.first.map({ $0.isNumber || $0 == "-" }) == true, let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                self = .string(text)
            }
        }
    }
}

/// Why the contract itself cannot be used: a fault of `openapi.yaml`, or a keyword that the validator does not know.
package struct SpecError: Error, CustomStringConvertible {
    /// What is wrong, and where.
    package let description: String

    /// Takes the sentence.
    package init(_ description: String) { self.description = description }
}
