import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    // MARK: Sweeps

    /// See ``CoveragePort/beginSweep(of:holder:firstStart:until:now:)``.
    package func beginSweep(
        of environment: StoreEnvironment, holder: String, firstStart: Instant, until: Instant, now: Instant
    ) async throws(LedgerError) -> CoverageRecord? {
        let (start, at) = (PostgresTimestamp(firstStart), PostgresTimestamp(now))
        // On conflict nothing but the lease is written, and only by whoever may have it; others wait for this row's
        // lock for the length of one statement, then see the lease.
        let row = try await row(
            """
            INSERT INTO coverage AS c (environment, complete_from, complete_through, due_at, lease_holder, lease_until)
            VALUES (\(environment.rawValue), \(start), \(start), \(at), \(holder), \(PostgresTimestamp(until)))
            ON CONFLICT (environment) DO UPDATE
                SET lease_holder = excluded.lease_holder, lease_until = excluded.lease_until
                WHERE c.due_at <= \(at) AND (c.lease_until IS NULL OR c.lease_until <= \(at))
            RETURNING complete_from, complete_through, swept_at, fault, fault_at
            """)
        guard let row else { return nil }
        return try coverageRecord(row)
    }

    /// See ``CoveragePort/renewSweep(of:holder:until:)``.
    package func renewSweep(
        of environment: StoreEnvironment, holder: String, until: Instant
    ) async throws(LedgerError) -> Bool {
        let row = try await row(
            """
            UPDATE coverage SET lease_until = \(PostgresTimestamp(until))
            WHERE environment = \(environment.rawValue) AND lease_holder = \(holder) RETURNING environment
            """)
        return row != nil
    }

    /// See ``CoveragePort/advanceCoverage(of:holder:completeFrom:completeThrough:until:)``.
    package func advanceCoverage(
        of environment: StoreEnvironment, holder: String, completeFrom: Instant?, completeThrough: Instant,
        until: Instant
    ) async throws(LedgerError) -> Bool {
        let from = completeFrom.map(PostgresTimestamp.init)
        let row = try await row(
            """
            UPDATE coverage SET complete_from = coalesce(\(from.postgresValue), complete_from),
                -- Never back, unless it lies in the future: then the clock had run ahead.
                complete_through = CASE WHEN complete_through > \(PostgresTimestamp(until))
                    THEN greatest(coalesce(\(from.postgresValue), complete_from), \(PostgresTimestamp(completeThrough)))
                    ELSE greatest(complete_through, \(PostgresTimestamp(completeThrough))) END,
                lease_until = \(PostgresTimestamp(until))
            WHERE environment = \(environment.rawValue) AND lease_holder = \(holder) RETURNING environment
            """)
        return row != nil
    }

    /// See ``CoveragePort/finishSweep(of:holder:sweptAt:dueAt:)``.
    package func finishSweep(
        of environment: StoreEnvironment, holder: String, sweptAt: Instant, dueAt: Instant
    ) async throws(LedgerError) {
        _ = try await run(
            """
            UPDATE coverage SET swept_at = \(PostgresTimestamp(sweptAt)), due_at = \(PostgresTimestamp(dueAt)),
                fault = NULL, fault_at = NULL, lease_holder = NULL, lease_until = NULL
            WHERE environment = \(environment.rawValue) AND lease_holder = \(holder)
            """)
    }

    /// See ``CoveragePort/failSweep(of:holder:fault:failedAt:dueAt:)``.
    package func failSweep(
        of environment: StoreEnvironment, holder: String, fault: String, failedAt: Instant, dueAt: Instant
    ) async throws(LedgerError) {
        _ = try await run(
            """
            UPDATE coverage SET fault = \(String(fault.prefix(200))),
                fault_at = coalesce(fault_at, \(PostgresTimestamp(failedAt))), due_at = \(PostgresTimestamp(dueAt)),
                lease_holder = NULL, lease_until = NULL
            WHERE environment = \(environment.rawValue) AND lease_holder = \(holder)
            """)
    }

    // MARK: Backfills

    /// See ``CoveragePort/finishBackfill(of:in:notifications:at:)``.
    package func finishBackfill(
        of slice: HistorySlice, in environment: StoreEnvironment, notifications: Int, at: Instant
    ) async throws(LedgerError) {
        _ = try await run(
            """
            INSERT INTO backfill_slices (environment, from_at, to_at, finished_at, notifications)
            VALUES (\(environment.rawValue), \(PostgresTimestamp(slice.from)), \(PostgresTimestamp(slice.to)),
                \(PostgresTimestamp(at)), \(Int64(notifications)))
            ON CONFLICT DO NOTHING
            """)
    }

    /// See ``CoveragePort/finishedBackfills(touching:in:)``.
    package func finishedBackfills(
        touching span: HistorySlice, in environment: StoreEnvironment
    ) async throws(LedgerError) -> [HistorySlice] {
        let rows = try await run(
            """
            SELECT from_at, to_at FROM backfill_slices
            WHERE environment = \(environment.rawValue) AND from_at < \(PostgresTimestamp(span.to))
                AND to_at > \(PostgresTimestamp(span.from))
            ORDER BY from_at, to_at
            """)
        var slices: [HistorySlice] = []
        for row in rows {
            let from: PostgresTimestamp = try decode(row, "from_at")
            let to: PostgresTimestamp = try decode(row, "to_at")
            slices.append(HistorySlice(from: from.instant, to: to.instant))
        }
        return slices
    }

    /// See ``CoveragePort/joinBackfills(in:)``.
    package func joinBackfills(in environment: StoreEnvironment) async throws(LedgerError) {
        let name = environment.rawValue
        _ = try await run(
            """
            WITH RECURSIVE reached(at) AS (
                SELECT complete_from FROM coverage WHERE environment = \(name)
                UNION
                SELECT s.from_at FROM reached r JOIN backfill_slices s
                    ON s.environment = \(name) AND s.from_at < r.at AND s.to_at >= r.at)
            UPDATE coverage c SET complete_from = start.at FROM (SELECT min(at) AS at FROM reached) AS start
            WHERE c.environment = \(name) AND start.at < c.complete_from
            """)
    }

    // MARK: Reports

    /// See ``CoveragePort/coverage(of:)``.
    package func coverage(of environments: Set<StoreEnvironment>) async throws(LedgerError) -> [CoverageReport] {
        // One that waits and names no store could be of any. One older than what is claimed complete holds nothing back.
        let rows = try await run(
            """
            SELECT e.environment, c.complete_from, least(c.complete_through, w.oldest) AS complete_through, c.swept_at,
                c.fault, c.fault_at, w.waiting
            FROM (VALUES ('Production'), ('Sandbox')) AS e(environment)
            LEFT JOIN coverage c ON c.environment = e.environment
            CROSS JOIN LATERAL (
                SELECT count(*) AS waiting, min(n.signed_date) FILTER (WHERE n.signed_date >= c.complete_from) AS oldest
                FROM notifications n
                WHERE n.retry_at IS NOT NULL AND (n.environment = e.environment OR n.environment IS NULL)) AS w
            """)
        var reports: [CoverageReport] = []
        for row in rows {
            guard let environment = StoreEnvironment(rawValue: try decode(row, "environment")) else {
                throw LedgerError(.unreadable, "a stored coverage can't be read")
            }
            guard environments.contains(environment) else { continue }
            let from: PostgresTimestamp? = try decode(row, "complete_from")
            reports.append(
                CoverageReport(
                    environment: environment, record: from == nil ? nil : try coverageRecord(row),
                    waiting: try decode(row, "waiting")))
        }
        return reports.sorted { $0.environment < $1.environment }
    }

    /// See ``CoveragePort/workload(at:)``.
    package func workload(at now: Instant) async throws(LedgerError) -> Workload {
        let at = PostgresTimestamp(now)
        let row = try await row(
            """
            SELECT c.*, n.*, (SELECT max(received_at) FROM notifications) AS received_at
            FROM (SELECT r.*, w.* FROM
                (SELECT count(*) AS retry_due, min(due_at) AS retry_at
                    FROM checks WHERE sweep = false AND due_at <= \(at)) AS r,
                (SELECT count(*) AS sweep_due, min(due_at) AS sweep_at
                    FROM checks WHERE sweep = true AND due_at <= \(at)) AS w) AS c,
                (SELECT (SELECT count(*) FROM notifications WHERE retry_at IS NOT NULL) AS waiting, count(*) AS open,
                    min(respond_by) AS respond_by
                FROM notifications WHERE respond_by > \(at)) AS n
            """)
        guard let row else { throw LedgerError(.refused, "counting the work gave no row") }
        var workload = Workload()
        workload.retry = Workload.Queue(
            due: try decode(row, "retry_due"), oldestDueAt: try optionalInstant(row, "retry_at"))
        workload.sweep = Workload.Queue(
            due: try decode(row, "sweep_due"), oldestDueAt: try optionalInstant(row, "sweep_at"))
        workload.notificationReceivedAt = try optionalInstant(row, "received_at")
        workload.notificationsWaiting = try decode(row, "waiting")
        workload.consumptionRequestsOpen = try decode(row, "open")
        workload.nextConsumptionDeadline = try optionalInstant(row, "respond_by")
        return workload
    }

    /// See ``CoveragePort/budgetLevels()``.
    package func budgetLevels() async throws(LedgerError) -> [BudgetLevel] {
        let rows = try await run(
            """
            SELECT environment, endpoint_class, tokens,
                greatest(0, extract(epoch FROM clock_timestamp() - refilled_at) * 1000)::bigint AS age
            FROM request_budgets
            """)
        var levels: [BudgetLevel] = []
        for row in rows {
            // A class that a newer version added is none of ours.
            guard let environment = StoreEnvironment(rawValue: try decode(row, "environment")),
                let endpointClass = EndpointClass(rawValue: try decode(row, "endpoint_class"))
            else { continue }
            levels.append(
                BudgetLevel(
                    environment: environment, endpointClass: endpointClass, tokens: try decode(row, "tokens"),
                    age: Span(milliseconds: try decode(row, "age"))))
        }
        return levels
    }

    private func coverageRecord(_ row: PostgresRow) throws(LedgerError) -> CoverageRecord {
        let from: PostgresTimestamp = try decode(row, "complete_from")
        let through: PostgresTimestamp = try decode(row, "complete_through")
        return CoverageRecord(
            completeFrom: from.instant, completeThrough: through.instant,
            sweptAt: try optionalInstant(row, "swept_at"), fault: try decode(row, "fault"),
            failingSince: try optionalInstant(row, "fault_at"))
    }

    private func optionalInstant(_ row: PostgresRow, _ column: String) throws(LedgerError) -> Instant? {
        let stored: PostgresTimestamp? = try decode(row, column)
        return stored?.instant
    }
}
