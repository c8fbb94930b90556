/// One SQL statement and its bound values; interpolation can only bind.
///
/// `"SELECT … WHERE id = \(id)"` becomes `SELECT … WHERE id = $1`. The literal pieces are `StaticString`, so no
/// text known only at run time can enter them; statement builders use `init(text:values:)`, which is greppable.
package struct SQL: ExpressibleByStringInterpolation, Sendable, Hashable {
    /// The text with `$1…` in the places of the values.
    package private(set) var text: String
    /// The values in the order of their numbers.
    package private(set) var values: [PostgresValue]

    /// Makes a statement from fixed text that numbers its own values.
    package init(_ text: StaticString, _ values: [PostgresValue]) {
        self.text = text.description
        self.values = values
    }

    /// Makes a statement from built text: only for builders whose pieces are all their own.
    package init(text: String, values: [PostgresValue]) {
        self.text = text
        self.values = values
    }

    /// Takes text as it is: only for the migrator, which runs checked-in files.
    package init(unsafe text: String) {
        self.text = text
        values = []
    }

    /// A literal without values.
    package init(stringLiteral value: StaticString) {
        text = value.description
        values = []
    }

    /// A literal whose interpolations have become bound values.
    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        values = stringInterpolation.values
    }

    /// Collects the literal pieces and numbers the values.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var values: [PostgresValue] = []

        /// Makes room, as the compiler foresees it.
        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 3 * interpolationCount)
            values.reserveCapacity(interpolationCount)
        }

        /// Takes a piece of the literal, which only source code can contain.
        package mutating func appendLiteral(_ literal: StaticString) { text += literal.description }

        /// Binds a value.
        package mutating func appendInterpolation(_ value: some PostgresEncodable) {
            values.append(value.postgresValue)
            text += "$\(values.count)"
        }

        /// Binds a value, or NULL of its type; a parameter that is Optional itself silences the compiler's warning.
        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            appendInterpolation(value.postgresValue)
        }

        /// Splices another statement in, its values renumbered; its text obeyed the same rules.
        package mutating func appendInterpolation(fragment: SQL) {
            text += fragment.renumbered(from: values.count)
            values += fragment.values
        }
    }

    /// The text with every `$n` moved up by `offset`; quoted text has no `$n` by the rules above.
    private func renumbered(from offset: Int) -> String {
        if offset == 0 || values.isEmpty { return text }
        var result = ""
        var number: Int?
        var sawDollar = false
        for character in text {
            if sawDollar, let digit = character.wholeNumberValue, character.isASCII {
                number = (number ?? 0) * 10 + digit
                continue
            }
            if sawDollar {
                result += number.map { "$\($0 + offset)" } ?? "$"
                number = nil
                sawDollar = false
            }
            if character == "$" { sawDollar = true } else { result.append(character) }
        }
        if sawDollar { result += number.map { "$\($0 + offset)" } ?? "$" }
        return result
    }

    /// The protocol's limit on values per statement.
    private static let valuesMax = 65_535

    /// Why the statement can't be sent, or nil: checked before queueing, so that nothing half-sent can fail so.
    var fault: PostgresError? {
        if text.utf8.contains(0) { return PostgresError(.statementInvalid, message: "NUL in the statement's text") }
        if values.count > Self.valuesMax {
            return PostgresError(.statementInvalid, message: "\(values.count) values in one statement")
        }
        return nil
    }

    private var firstWord: String { text.drop { $0.isWhitespace }.prefix { $0.isLetter }.uppercased() }

    /// Whether it can only read, as far as its first word tells: a function that writes is the caller's business.
    var isPlainRead: Bool { ["SELECT", "VALUES", "TABLE", "SHOW"].contains(firstWord) }

    /// `fault`, or that the statement begins or ends transactions where the client does that itself.
    var autocommitFault: PostgresError? {
        let firstWord = firstWord
        guard Self.transactionControl.contains(firstWord) else { return fault }
        return PostgresError(.statementInvalid, message: "\(firstWord) outside withTransaction")
    }

    private static let transactionControl: Set<String> = [
        "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE",
    ]
}
