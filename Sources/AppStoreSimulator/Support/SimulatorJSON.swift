import FoundationEssentials

/// A JSON value that keeps integers exact and objects in order.
package enum SimulatorJSON: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without a fraction: ids, milliseconds, milliunits.
    case integer(Int64)
    /// A number with a fraction, such as Xcode's dates.
    case number(Double)
    /// Text.
    case string(String)
    /// A list.
    case array([SimulatorJSON])
    /// Named members, in order.
    case object(SimulatorJSONObject)

    /// The text, if this is text.
    package var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The integer, if this is one.
    package var integerValue: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The truth value, if this is one.
    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The object, if this is one.
    package var objectValue: SimulatorJSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The list, if this is one.
    package var arrayValue: [SimulatorJSON]? {
        if case .array(let items) = self { items } else { nil }
    }

    /// Reads JSON text; members of objects come back sorted by name, since Foundation doesn't keep their order.
    ///
    /// Throws Foundation's `DecodingError`.
    package init(parsing bytes: some Sequence<UInt8>) throws {
        self = try JSONDecoder().decode(SimulatorJSON.self, from: Data(bytes))
    }

    /// The UTF-8 bytes of the value, without white space.
    package var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }
}

/// The members of a JSON object, in the order in which they were first set.
package struct SimulatorJSONObject: Hashable, Sendable {
    private struct Member: Hashable {
        let name: String
        var value: SimulatorJSON
    }

    private var members: [Member] = []

    /// An object without members.
    package init() {}

    /// The member's value; setting `nil` removes the member, setting `.null` writes `null`.
    package subscript(name: String) -> SimulatorJSON? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The names of all members, in order.
    package var names: [String] { members.map(\.name) }

    /// Whether there is no member.
    package var isEmpty: Bool { members.isEmpty }

    /// Each name with its value, in order.
    package var pairs: [(name: String, value: SimulatorJSON)] { members.map { ($0.name, $0.value) } }

    /// Lays other members over these; `null` removes one.
    package mutating func apply(_ changes: SimulatorJSONObject) {
        for (name, value) in changes.pairs { self[name] = value == .null ? nil : value }
    }

    /// The UTF-8 bytes of the object, without white space.
    package var bytes: [UInt8] { SimulatorJSON.object(self).bytes }
}

extension SimulatorJSONObject: ExpressibleByDictionaryLiteral {
    /// Builds an object from literal members; a later duplicate replaces the earlier value.
    package init(dictionaryLiteral elements: (String, SimulatorJSON)...) {
        for (name, value) in elements { self[name] = value }
    }
}

extension SimulatorJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Text.
    package init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list.
    package init(arrayLiteral elements: SimulatorJSON...) { self = .array(elements) }
    /// An object.
    package init(dictionaryLiteral elements: (String, SimulatorJSON)...) {
        var object = SimulatorJSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}

extension SimulatorJSON: Decodable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads any JSON value.
    package init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Name.self) {
            var object = SimulatorJSONObject()
            for name in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                object[name.stringValue] = try container.decode(SimulatorJSON.self, forKey: name)
            }
            self = .object(object)
            return
        }
        if var container = try? decoder.unkeyedContainer() {
            var items: [SimulatorJSON] = []
            while !container.isAtEnd { items.append(try container.decode(SimulatorJSON.self)) }
            self = .array(items)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .string(try container.decode(String.self))
        }
    }
}

/// Writes compact JSON: only what RFC 8259 requires to be escaped is escaped, so `/` stays as it is.
private struct JSONWriter {
    var bytes: [UInt8] = []

    mutating func write(_ value: SimulatorJSON) {
        switch value {
        case .null: write(raw: "null")
        case .bool(let value): write(raw: value ? "true" : "false")
        case .integer(let value): write(raw: String(value))
        case .number(let value): write(raw: value.isFinite ? String(value) : "null")
        case .string(let value): write(text: value)
        case .array(let items):
            write(raw: "[")
            for (index, item) in items.enumerated() {
                if index > 0 { write(raw: ",") }
                write(item)
            }
            write(raw: "]")
        case .object(let object):
            write(raw: "{")
            for (index, member) in object.pairs.enumerated() {
                if index > 0 { write(raw: ",") }
                write(text: member.name)
                write(raw: ":")
                write(member.value)
            }
            write(raw: "}")
        }
    }

    private mutating func write(raw text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func write(text: String) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x00...0x1F:
                bytes.append(contentsOf: Array("\\u00".utf8))
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 0x0F)])
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
