import PurchaseCore

/// Reads the fields of one signed object leniently: an absent or `null` field is `nil`; one of an unexpected type is
/// `nil` too, and its path is recorded in ``odd``, so that one field that Apple changes never costs the rest.
///
/// Lenience ends where it could change a decision for the worse: see ``transactionID(_:)`` and ``decidingInstant(_:)``.
struct FieldReader {
    /// Bytes of one text field; Apple's are far shorter, embedded JWS aside.
    static let textBytesMax = 4_096

    private let object: JSONObject
    private let source: [UInt8]
    private let path: String
    /// Paths of the fields that are there and could not be read.
    private(set) var odd: [String] = []

    init(_ object: JSONObject, source: [UInt8], path: String = "") {
        self.object = object
        self.source = source
        self.path = path
    }

    /// Whether a member is there and not `null`.
    func has(_ name: String) -> Bool {
        switch object[name] {
        case .none, .null: false
        case .bool, .number, .string, .array, .object: true
        }
    }

    /// A text of at most ``textBytesMax`` bytes without U+0000, which PostgreSQL can't store.
    mutating func text(_ name: String) -> String? { text(name, bytesMax: Self.textBytesMax) }

    /// An embedded JWS: as large as a JWS may be.
    mutating func jws(_ name: String) -> String? { text(name, bytesMax: CompactJWS.bytesMax) }

    private mutating func text(_ name: String, bytesMax: Int) -> String? {
        read(name) { value in
            guard case .string(let text) = value, text.utf8.count <= bytesMax, !text.hasZeroByte else { return nil }
            return text
        }
    }

    /// An identifier type over a non-empty text.
    mutating func identifier<ID: StringIdentifier>(_ name: String, as type: ID.Type = ID.self) -> ID? {
        guard let text = text(name) else { return nil }
        guard !text.isEmpty else {
            note(name)
            return nil
        }
        return ID(text)
    }

    /// Apple's token; empty and all-zero mean absent, as does an older signature's empty string.
    mutating func appAccountToken(_ name: String) -> AppAccountToken? {
        guard let text = text(name), !text.isEmpty, text != "00000000-0000-0000-0000-000000000000" else { return nil }
        guard let token = AppAccountToken(validating: text) else {
            note(name)
            return nil
        }
        return token
    }

    /// A whole number; `5`, `5.0` and `5e0` are the same.
    mutating func integer(_ name: String) -> Int64? {
        read(name) { value in
            guard case .number(let text) = value else { return nil }
            return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
        }
    }

    /// `true` or `false`.
    mutating func flag(_ name: String) -> Bool? {
        read(name) { value in
            guard case .bool(let flag) = value else { return nil }
            return flag
        }
    }

    /// Milliseconds since 1970, between the years 1 and 9999.
    ///
    /// A fraction, which Xcode sends, is cut off.
    mutating func instant(_ name: String) -> Instant? {
        read(name) { Self.instant($0) }
    }

    /// A list of texts; one that isn't a text makes the list unreadable.
    mutating func texts(_ name: String) -> [String]? {
        read(name) { value in
            guard case .array(let elements) = value else { return nil }
            var texts: [String] = []
            for element in elements {
                guard case .string(let text) = element, text.utf8.count <= Self.textBytesMax, !text.hasZeroByte
                else { return nil }
                texts.append(text)
            }
            return texts
        }
    }

    /// The member's JSON text, character for character, for what is kept and not interpreted.
    ///
    /// One with an escaped U+0000 is odd: PostgreSQL's `jsonb` refuses it.
    mutating func json(_ name: String) -> String? {
        guard has(name), let range = object.members[name]?.source else { return nil }
        let text = String(decoding: source[range], as: UTF8.self)
        guard !text.contains("\\u0000") else {
            note(name)
            return nil
        }
        return text
    }

    /// A nested object, read with the same lenience; its odd fields are recorded under its path.
    mutating func nested<Value>(_ name: String, _ body: (inout FieldReader) -> Value) -> Value? {
        guard has(name) else { return nil }
        guard case .object(let object) = self.object[name] else {
            note(name)
            return nil
        }
        var reader = FieldReader(object, source: source, path: path + name + ".")
        let value = body(&reader)
        odd += reader.odd
        return value
    }

    /// 1–32 digits, or `nil` when absent.
    ///
    /// Anything else fails: an id that can't be trusted must not name a purchase.
    mutating func transactionID(_ name: String) throws(VerificationFailure) -> TransactionID? {
        guard has(name) else { return nil }
        guard let text = text(name), let id = TransactionID(validating: text) else {
            throw VerificationFailure(.fieldUnreadable, "\(name) is not 1 to 32 digits")
        }
        return id
    }

    /// An instant that decides: absent is `nil`, unreadable fails.
    ///
    /// A `revocationDate` that was skipped as odd would turn a refunded purchase into a paid one.
    mutating func decidingInstant(_ name: String) throws(VerificationFailure) -> Instant? {
        guard has(name) else { return nil }
        guard let instant = instant(name) else {
            throw VerificationFailure(.fieldUnreadable, "\(name) is not a number of milliseconds")
        }
        return instant
    }

    /// An instant without which there is no evidence.
    mutating func requiredInstant(_ name: String) throws(VerificationFailure) -> Instant {
        guard let instant = try decidingInstant(name) else {
            throw VerificationFailure(.fieldMissing, "\(name) is missing")
        }
        return instant
    }

    private mutating func read<Value>(_ name: String, _ convert: (JSONValue) -> Value?) -> Value? {
        guard let value = object[name], value != .null else { return nil }
        guard let converted = convert(value) else {
            note(name)
            return nil
        }
        return converted
    }

    private mutating func note(_ name: String) { odd.append(path + name) }

    /// Year 1 to year 9999, what every database and formatter can hold.
    private static let instants: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    private static func instant(_ value: JSONValue) -> Instant? {
        guard case .number(let text) = value else { return nil }
        let milliseconds: Int64
        if let whole = Int64(text) {
            milliseconds = whole
        } else {
            guard let number = Double(text), let whole = Int64(exactly: number.rounded(.down)) else { return nil }
            milliseconds = whole
        }
        guard instants.contains(milliseconds) else { return nil }
        return Instant(millisecondsSince1970: milliseconds)
    }
}

extension String {
    /// Whether U+0000 is in it.
    fileprivate var hasZeroByte: Bool {
        var text = self
        return text.withUTF8 { ByteScan.firstIndex(of: 0, in: $0) != nil }
    }
}
