import Postgres
import PurchaseCore

/// One column of rows that travel to the server as arrays, one array for each column.
struct RowColumn<Row>: Sendable {
    let name: String
    let array: @Sendable ([Row]) -> PostgresValue

    /// A `text` column.
    static func text(_ name: String, _ value: @escaping @Sendable (Row) -> String?) -> Self {
        Self(name: name) { .textArray($0.map(value)) }
    }

    /// A `bigint` column.
    static func number(_ name: String, _ value: @escaping @Sendable (Row) -> Int64?) -> Self {
        Self(name: name) { .int8Array($0.map(value)) }
    }

    /// A `boolean` column.
    static func flag(_ name: String, _ value: @escaping @Sendable (Row) -> Bool?) -> Self {
        Self(name: name) { .boolArray($0.map(value)) }
    }

    /// A `timestamptz` column.
    static func instant(_ name: String, _ value: @escaping @Sendable (Row) -> Instant?) -> Self {
        Self(name: name) { .timestamptzArray($0.map { value($0).map(PostgresTimestamp.init) }) }
    }

    /// A `bytea` column.
    static func bytes(_ name: String, _ value: @escaping @Sendable (Row) -> [UInt8]?) -> Self {
        Self(name: name) { .byteaArray($0.map(value)) }
    }

    /// A `jsonb` column, from JSON text.
    static func json(_ name: String, _ value: @escaping @Sendable (Row) -> String?) -> Self {
        Self(name: name) { .jsonbArray($0.map(value)) }
    }
}

/// One part of the decisions' statement: the rows that it writes, and the SQL that writes them.
///
/// `$rows` in the text is a row set with the section's columns, behind `ordinal` (which decision of the statement a row
/// belongs to) and before `place` (the row's own order). Arrays are expanded by `unnest`, so the text is the same for one
/// row and for a thousand. `$process` is the name of the process that commits.
struct RowSection: Sendable {
    let name: String
    /// Values for the rows of these decisions, by their order; `nil` without any row.
    let values: @Sendable ([DecisionRows]) -> [PostgresValue]?
    private let columns: [String]
    /// Cut once: looking for the places in every statement's text took longer than deciding.
    private let pieces: [Piece]

    private enum Piece: Sendable {
        case text(String)
        case rows
        case process
    }

    init<Row>(
        _ name: String, _ rows: @escaping @Sendable (DecisionRows) -> [Row], _ columns: [RowColumn<Row>], _ text: String
    ) {
        self.name = name
        self.columns = ["ordinal"] + columns.map(\.name) + ["place"]
        pieces = Self.pieces(of: text)
        values = { decisions in
            var all: [Row] = []
            var ordinals: [Int32?] = []
            for (ordinal, decision) in decisions.enumerated() {
                let own = rows(decision)
                all += own
                ordinals += Array(repeating: Int32(ordinal), count: own.count)
            }
            return all.isEmpty ? nil : [.int4Array(ordinals)] + columns.map { $0.array(all) }
        }
    }

    /// The text of the part, whose values begin behind `bound` others; `process` is the place of the process's name.
    func text(after bound: Int, process: String) -> String {
        var text = "\(name) AS ("
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .rows:
                let places = (1..<columns.count).map { "$\(bound + $0)" }.joined(separator: ", ")
                text += "unnest(\(places)) WITH ORDINALITY AS r(\(columns.joined(separator: ", ")))"
            case .process: text += process
            }
        }
        return text + ")"
    }

    private static func pieces(of text: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            pieces.append(.text(String(rest[..<dollar])))
            rest = rest[dollar...]
            if rest.hasPrefix("$rows") {
                pieces.append(.rows)
                rest = rest.dropFirst(5)
            } else {
                precondition(rest.hasPrefix("$process"), "a section has no other places")
                pieces.append(.process)
                rest = rest.dropFirst(8)
            }
        }
        return pieces + [.text(String(rest))]
    }
}
