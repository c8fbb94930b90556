package import Postgres
package import PurchaseCore
package import PurchaseService

/// The ledger's money rows in PostgreSQL: reads append-only tables alone, so that a position always says the same.
///
/// Takes a client of its own: a long export must not hold a connection that a post waits for. Safe to share.
package final class PaidRecordsStore: PaidRecordsPort {
    /// The application name that its connections show in `pg_stat_activity`.
    package static let applicationName = "vouch-finance"

    private let client: PostgresClient

    /// Takes a client in the service's role.
    package init(client: PostgresClient) { self.client = client }

    /// The bounds of such a client, for a connection URI: as many streams as may run, and one to answer the rest.
    package static func configuration(uri: String, streamsMax: Int) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(uri: uri)
        configuration.readConnectionsMax = streamsMax + 1
        configuration.queueMax = 64
        // A sum over all that was ever sold takes its time; nobody who pays waits for it.
        configuration.statementTimeout = .seconds(120)
        configuration.applicationName = applicationName
        return configuration
    }

    // MARK: Scopes

    /// See ``PaidRecordsPort/settle(_:)``.
    package func settle(_ query: PaidRecordsQuery) async throws(LedgerError) -> SettledPeriod {
        // The names of this view are the IANA's alone. Without it PostgreSQL would take "UTC+2" too, for two hours west.
        let row = try await first(
            """
            SELECT (SELECT coalesce(max(position), 0) FROM events) AS newest,
                EXISTS (SELECT FROM pg_timezone_names WHERE name = \(query.timeZone)
                    AND name NOT IN ('localtime', 'posixrules', 'Factory') AND name NOT LIKE 'posix/%') AS known
            """)
        let newest: Int64 = try decode(row, "newest")
        guard try decode(row, "known", as: Bool.self) else { return SettledPeriod(newest: newest, period: nil) }
        let period = SettledPeriod.Period(
            from: try await instant(of: query.from, in: query.timeZone),
            to: try await instant(of: query.to, in: query.timeZone))
        return SettledPeriod(newest: newest, period: period)
    }

    private func instant(of boundary: PeriodBoundary, in zone: String) async throws(LedgerError) -> Instant {
        switch boundary {
        case .instant(let instant): return instant
        case .day(let day):
            // A midnight that comes twice means the first: the one by the offset of the day before. One that is skipped
            // means the moment of the change, which both readings give.
            let row = try await first(
                """
                WITH usual AS (
                    SELECT midnight, midnight AT TIME ZONE \(zone) AS late
                    FROM CAST(\(day.description) AS timestamp) AS midnight),
                eve AS (SELECT midnight, late, late - interval '1 day' AS before FROM usual),
                both_readings AS (
                    SELECT midnight, late, (midnight - (before AT TIME ZONE \(zone) - before AT TIME ZONE 'UTC'))
                        AT TIME ZONE 'UTC' AS early FROM eve)
                SELECT CASE WHEN early < late AND early AT TIME ZONE \(zone) >= midnight THEN early ELSE late END AS start
                FROM both_readings
                """)
            return try decode(row, "start", as: PostgresTimestamp.self).instant
        }
    }

    /// See ``PaidRecordsPort/earliestSignedDate(after:in:)``.
    package func earliestSignedDate(
        after position: Int64, in environment: StoreEnvironment
    ) async throws(LedgerError) -> Instant? {
        let row = try await first(
            """
            SELECT min(v.signed_date) AS earliest FROM events e
                JOIN evidence v ON v.sha256 = e.evidence_sha256 AND v.source = e.evidence_source
            WHERE e.position > \(position) AND v.source IN ('notification', 'history')
                AND v.environment = \(environment.rawValue)
            """)
        return try decode(row, "earliest", as: PostgresTimestamp?.self)?.instant
    }

    // MARK: Sums

    /// See ``PaidRecordsPort/totals(of:)``.
    package func totals(of scope: PaidRecordsScope) async throws(LedgerError) -> PaidRecordsTotals {
        let rows = try await run(
            """
            SELECT m.currency, \(fragment: Self.sums)
            \(fragment: Self.movements) \(fragment: Self.selection(of: scope))
            GROUP BY m.currency ORDER BY m.currency COLLATE "C"
            """)
        var totals = PaidRecordsTotals(currencies: [], unpricedRows: 0)
        for row in rows {
            let sums = try sums(row)
            if let currency: String = try decode(row, "currency") {
                totals.currencies.append(PaidRecordsTotals.Part(currency: currency, sums: sums))
            } else {
                totals.unpricedRows += sums.rows
            }
        }
        return totals
    }

    /// See ``PaidRecordsPort/revenue(of:by:offset:limit:)``.
    package func revenue(
        of scope: PaidRecordsScope, by grouping: RevenueGrouping, offset: Int64, limit: Int
    ) async throws(LedgerError) -> [RevenueLine] {
        let rows = try await run(
            """
            SELECT \(fragment: Self.key(of: grouping, in: scope.timeZone)) AS key, m.currency, \(fragment: Self.sums),
                count(*) FILTER (WHERE m.kind = 'sale' AND m.step = 0) AS sales,
                count(*) FILTER (WHERE m.kind = 'refund' AND m.step = 0) AS refunds,
                count(*) FILTER (WHERE m.kind = 'reversal' AND m.step = 0) AS reversals
            \(fragment: grouping.readsEvidence ? Self.movementsWithEvidence : Self.movements)
            \(fragment: Self.selection(of: scope))
            GROUP BY 1, 2 ORDER BY 1 NULLS LAST, m.currency COLLATE "C" NULLS LAST
            LIMIT \(Int64(limit)) OFFSET \(offset)
            """)
        var lines: [RevenueLine] = []
        for row in rows {
            lines.append(
                RevenueLine(
                    group: try decode(row, "key"), currency: try decode(row, "currency"), sums: try sums(row),
                    sales: try decode(row, "sales"), refunds: try decode(row, "refunds"),
                    reversals: try decode(row, "reversals")))
        }
        return lines
    }

    private func sums(_ row: PostgresRow) throws(LedgerError) -> MoneySums {
        MoneySums(
            rows: try decode(row, "rows"), gross: try decode(row, "gross"), refunded: try decode(row, "refunded"),
            net: try decode(row, "net"))
    }

    // MARK: Rows

    /// See ``PaidRecordsPort/read(_:within:_:)``.
    package func read(
        _ scope: PaidRecordsScope, within limit: Duration, _ body: (PaidRecord) async throws -> Void
    ) async throws {
        do {
            try await client.stream(PaidRecordRow.statement(for: scope), deadline: limit) { row in
                try await body(try PaidRecordRow.record(from: row))
            }
        } catch let error as PostgresError {
            throw LedgerError(error)
        }
    }

    // MARK: Plumbing

    func run(_ statement: SQL) async throws(LedgerError) -> [PostgresRow] {
        do {
            return try await client.query(statement)
        } catch {
            throw LedgerError(error)
        }
    }

    private func first(_ statement: SQL) async throws(LedgerError) -> PostgresRow {
        guard let row = try await run(statement).first else { throw LedgerError(.unreadable, "a sum gave no row") }
        return row
    }

    func decode<Value: PostgresDecodable>(
        _ row: PostgresRow, _ column: String, as type: Value.Type = Value.self
    ) throws(LedgerError) -> Value {
        do {
            return try row.decode(column)
        } catch {
            throw LedgerError(error)
        }
    }
}
