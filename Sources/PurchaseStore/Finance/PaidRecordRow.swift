import Postgres
import PurchaseCore
import PurchaseService

extension PaidRecordsStore {
    /// Sums of a group of movements; a group without amounts sums up to 0.
    static let sums: SQL = """
        count(*) AS rows, coalesce(sum(m.amount_milliunits) FILTER (WHERE m.kind = 'sale'), 0) AS gross,
        coalesce(-sum(m.amount_milliunits) FILTER (WHERE m.kind <> 'sale'), 0) AS refunded,
        coalesce(sum(m.amount_milliunits), 0) AS net
        """

    /// Movements `m` and their events `e`.
    static let movements: SQL =
        "FROM movements m JOIN events e ON e.chain_id = m.chain_id AND e.chain_version = m.chain_version"

    /// The same with the evidence `v` that each movement names.
    static let movementsWithEvidence: SQL = """
        \(fragment: movements) JOIN evidence v ON v.sha256 = m.evidence_sha256 AND v.source = m.evidence_source
        """

    /// Which of them belong to a scope.
    ///
    /// An event's position says whether a row counts, since no position appears late. The store is in the purchase's id,
    /// which the schema checks.
    static func selection(of scope: PaidRecordsScope) -> SQL {
        """
        WHERE m.occurred_at >= \(PostgresTimestamp(scope.from)) AND m.occurred_at < \(PostgresTimestamp(scope.to))
            AND starts_with(m.purchase_id, \(scope.environment.rawValue.lowercased() + "."))
            AND e.position <= \(scope.asOf)
        """
    }

    /// What a report's lines are grouped by, as text in byte order.
    static func key(of grouping: RevenueGrouping, in zone: String) -> SQL {
        switch grouping {
        case .day: #"to_char(m.occurred_at AT TIME ZONE \#(zone), 'YYYY-MM-DD') COLLATE "C""#
        case .month: #"to_char(m.occurred_at AT TIME ZONE \#(zone), 'YYYY-MM') COLLATE "C""#
        case .product: #"(v.facts ->> 'productId') COLLATE "C""#
        case .storefront: #"(v.facts ->> 'storefront') COLLATE "C""#
        }
    }
}

extension RevenueGrouping {
    /// Whether the lines' names are Apple's words.
    var readsEvidence: Bool {
        switch self {
        case .day, .month: false
        case .product, .storefront: true
        }
    }
}

/// One row of the export as the database gives it.
enum PaidRecordRow {
    /// The statement whose rows ``record(from:)`` reads, in the export's order.
    ///
    /// `occurred_at` and `sequence` together are unique: the order, and so the bytes, are the same each time.
    static func statement(for scope: PaidRecordsScope) -> SQL {
        """
        SELECT m.row_id, m.kind, m.occurred_at, e.recorded_at, v.environment, v.facts ->> 'bundleId',
            v.facts ->> 'productId', v.facts ->> 'type', m.transaction_id, v.facts ->> 'originalTransactionId',
            v.facts ->> 'webOrderLineItemId',
            CASE WHEN m.step = 0 THEN CAST(v.facts ->> 'quantity' AS bigint) ELSE 0 END,
            m.amount_milliunits, m.currency, v.facts ->> 'storefront', CAST(v.facts ->> 'offerType' AS bigint),
            CASE WHEN m.kind IN ('refund', 'refund_adjustment') THEN
                CAST(v.facts ->> 'revocationPercentage' AS bigint) END
        \(fragment: PaidRecordsStore.movementsWithEvidence)
        \(fragment: PaidRecordsStore.selection(of: scope))
        ORDER BY m.occurred_at, m.sequence
        """
    }

    /// Reads one row, by the positions of the columns: names would be looked up eighteen times for each row.
    static func record(from row: PostgresRow) throws(PostgresError) -> PaidRecord {
        let kind: String = try row.decode(1)
        let occurredAt: PostgresTimestamp = try row.decode(2)
        let recordedAt: PostgresTimestamp = try row.decode(3)
        let environment: String = try row.decode(4)
        guard let kind = Movement.Kind(rawValue: kind), let environment = StoreEnvironment(rawValue: environment) else {
            throw PostgresError(.decodingFailed, message: "a movement of an unknown kind or store")
        }
        var record = PaidRecord(
            rowID: try row.decode(0), kind: kind, occurredAt: occurredAt.instant, recordedAt: recordedAt.instant,
            environment: environment,
            transactionID: try row.decode(8), originalTransactionID: try row.decode(9), quantity: try row.decode(11))
        record.bundleID = try row.decode(5)
        record.productID = try row.decode(6)
        record.type = try row.decode(7)
        record.webOrderLineItemID = try row.decode(10)
        record.amountMilliunits = try row.decode(12)
        record.currency = try row.decode(13)
        record.storefront = try row.decode(14)
        record.offerType = try row.decode(15)
        record.refundPercentage = try row.decode(16)
        return record
    }
}
