import Postgres
package import PurchaseCore
package import PurchaseService

/// Reads a chain back from a row that no server sent: what the row's JSON costs by itself.
///
/// For measurements.
package struct ChainRehearsal: Sendable {
    private let row: PostgresRow

    /// The columns that a chain is read from, beside those of its identity.
    private static let parts = [
        "transactions", "evidence", "renewal", "claims", "cases", "grants", "entitlements", "overrides", "erasure",
        "movements", "checks", "accounts",
    ]

    /// Takes the JSON of columns of ``ChainLoader``'s statement by their names; every other one is NULL.
    package init(original: OriginalTransactionID, in environment: StoreEnvironment, columns: [String: String]) {
        let texts = Self.parts.map { (name: $0, value: columns[$0].map(PostgresValue.text) ?? .null(.text)) }
        row = PostgresRow(
            madeUp: [
                ("chain_id", .int8(1)), ("version", .int8(2)), ("environment", .text(environment.rawValue)),
                ("original_transaction_id", .text(original.rawValue)), ("provisional_transaction_id", .null(.text)),
                ("absorbed_by", .null(.int8)), ("account_number", .null(.int8)),
            ] + texts)
    }

    /// Reads the row; throws `unreadable`.
    package func chain() throws(LedgerError) -> Chain { try ChainLoader.chain(from: row) }
}
