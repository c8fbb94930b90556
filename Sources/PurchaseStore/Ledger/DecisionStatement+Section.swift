import Postgres
import PurchaseService

extension DecisionStatement {
    /// One projection's part of the statement: rows in as JSON, `$rows` in the text where they are bound.
    ///
    /// `$process` stands for the name of the process that commits.
    struct Section: Sendable {
        let name: String
        let json: @Sendable (DecisionRows) throws(LedgerError) -> String?
        /// Cut once: looking for the places in every decision's text took longer than deciding.
        private let pieces: [Piece]

        private enum Piece: Sendable {
            case text(String)
            case rows
            case process
        }

        init<Row: Encodable & SendableMetatype>(
            _ name: String, _ rows: @escaping @Sendable (DecisionRows) -> [Row], _ text: String
        ) {
            self.name = name
            self.json = { (all: DecisionRows) throws(LedgerError) -> String? in
                let list = rows(all)
                return list.isEmpty ? nil : try LedgerJSON.text(list)
            }
            pieces = Self.pieces(of: text)
        }

        /// The text with the places filled in; `process` binds the process's name, and is called only where it is used.
        func text(rows: String, process: () -> String) -> String {
            var text = ""
            for piece in pieces {
                switch piece {
                case .text(let part): text += part
                case .rows: text += rows
                case .process: text += process()
                }
            }
            return text
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
}
