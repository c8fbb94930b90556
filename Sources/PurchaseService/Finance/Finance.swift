import PurchaseCore

/// The use cases of people who count money; they change nothing.
package struct Finance: Sendable {
    private let records: any PaidRecordsPort
    private let coverage: any CoveragePort

    /// Bytes that are gathered before they are handed over.
    private static let chunkBytes = 64 << 10

    /// Takes the rows, and what is known of their completeness.
    package init(records: any PaidRecordsPort, coverage: any CoveragePort) {
        self.records = records
        self.coverage = coverage
    }

    /// Makes a query definite and adds up what it selects.
    ///
    /// - Throws: ``ServiceError/asOfNotSettled``, ``ServiceError/invalid(parameter:rule:)``, and the ledger's.
    package func head(of query: PaidRecordsQuery) async throws(ServiceError) -> PaidRecordsHead {
        let (scope, newest) = try await scope(of: query)
        do {
            return PaidRecordsHead(
                scope: scope, totals: try await records.totals(of: scope),
                coverage: try await note(on: scope, newest: newest))
        } catch {
            throw ServiceError(error)
        }
    }

    /// Writes every row of a head's scope, in portions of about 64 KiB, and returns how many rows there were.
    ///
    /// `progress` hears of the rows handed over so far after each portion.
    ///
    /// - Throws: ``ServiceError``, and what `write` throws. What was written by then is not the whole export.
    @discardableResult
    package func write(
        _ head: PaidRecordsHead, as format: PaidRecordsFormat, within limit: Duration,
        progress: (Int64) -> Void = { _ in }, to write: ([UInt8]) async throws -> Void
    ) async throws -> Int64 {
        var chunk = format.prologue
        chunk.reserveCapacity(Self.chunkBytes + 4_096)
        var rows: Int64 = 0
        do {
            try await records.read(head.scope, within: limit) { record in
                format.append(record, to: &chunk)
                rows += 1
                guard chunk.count >= Self.chunkBytes else { return }
                try await write(chunk)
                chunk.removeAll(keepingCapacity: true)
                progress(rows)
            }
        } catch let error as LedgerError {
            throw ServiceError(error)
        }
        guard rows == head.totals.rows else {
            throw ServiceError.fault("an export had \(rows) rows instead of \(head.totals.rows)")
        }
        if !chunk.isEmpty { try await write(chunk) }
        progress(rows)
        return rows
    }

    /// A page of gross, refunded and net; ties out with an export of the same position and period.
    ///
    /// - Throws: as ``head(of:)`` does.
    package func revenue(
        _ query: PaidRecordsQuery, by grouping: RevenueGrouping, after cursor: RevenueCursor?, limit: Int
    ) async throws(ServiceError) -> RevenueReport {
        var query = query
        if let cursor { query.asOf = cursor.asOf }
        let head = try await head(of: query)
        let offset = cursor?.offset ?? 0
        let lines: [RevenueLine]
        do {
            lines = try await records.revenue(of: head.scope, by: grouping, offset: offset, limit: limit + 1)
        } catch {
            throw ServiceError(error)
        }
        let next = lines.count > limit ? RevenueCursor(asOf: head.scope.asOf, offset: offset + Int64(limit)) : nil
        return RevenueReport(head: head, grouping: grouping, lines: Array(lines.prefix(limit)), next: next)
    }

    private func scope(of query: PaidRecordsQuery) async throws(ServiceError) -> (PaidRecordsScope, newest: Int64) {
        let settled: SettledPeriod
        do {
            settled = try await records.settle(query)
        } catch {
            throw ServiceError(error)
        }
        guard let period = settled.period else {
            throw .invalid(parameter: "tz", rule: "Must be an IANA time zone, such as Europe/Berlin or UTC.")
        }
        guard period.from < period.to else { throw .invalid(parameter: "to", rule: "Must be later than from.") }
        let asOf = query.asOf ?? settled.newest
        guard asOf <= settled.newest else { throw .asOfNotSettled }
        let scope = PaidRecordsScope(
            from: period.from, to: period.to, asOf: asOf, environment: query.environment, timeZone: query.timeZone)
        return (scope, settled.newest)
    }

    /// What was complete at the scope's position: less than now where notifications told of the past since then.
    private func note(on scope: PaidRecordsScope, newest: Int64) async throws(LedgerError) -> CoverageNote {
        var note = CoverageNote(environment: scope.environment, completeFrom: nil, completeThrough: nil)
        guard let record = try await coverage.coverage(of: [scope.environment]).first?.record else { return note }
        (note.completeFrom, note.completeThrough) = (record.completeFrom, record.completeThrough)
        guard scope.asOf < newest,
            let earliest = try await records.earliestSignedDate(after: scope.asOf, in: scope.environment),
            earliest < record.completeThrough
        else { return note }
        guard earliest > record.completeFrom else {
            return CoverageNote(environment: scope.environment, completeFrom: nil, completeThrough: nil)
        }
        note.completeThrough = earliest
        return note
    }
}

/// What finance can ask of the service; part of ``UseCases``.
package protocol FinanceUseCases: Sendable {
    /// Makes a query definite and adds up what it selects.
    func paidRecords(_ query: PaidRecordsQuery) async throws(ServiceError) -> PaidRecordsHead
    /// Writes every row of a head's scope; returns how many there were.
    ///
    /// Throws ``ServiceError`` and what `write` throws: what was written by then is not the whole.
    func writePaidRecords(
        _ head: PaidRecordsHead, as format: PaidRecordsFormat, within limit: Duration,
        to write: ([UInt8]) async throws -> Void
    ) async throws -> Int64
    /// A page of gross, refunded and net.
    func revenue(
        _ query: PaidRecordsQuery, by grouping: RevenueGrouping, after cursor: RevenueCursor?, limit: Int
    ) async throws(ServiceError) -> RevenueReport
}

extension VouchService {
    /// The use cases over this service's ledger.
    private var finance: Finance { Finance(records: dependencies.paidRecords, coverage: dependencies.ledger) }

    /// See ``FinanceUseCases/paidRecords(_:)``.
    package func paidRecords(_ query: PaidRecordsQuery) async throws(ServiceError) -> PaidRecordsHead {
        try await finance.head(of: query)
    }

    /// See ``FinanceUseCases/writePaidRecords(_:as:within:to:)``.
    package func writePaidRecords(
        _ head: PaidRecordsHead, as format: PaidRecordsFormat, within limit: Duration,
        to write: ([UInt8]) async throws -> Void
    ) async throws -> Int64 {
        try await finance.write(head, as: format, within: limit, to: write)
    }

    /// See ``FinanceUseCases/revenue(_:by:after:limit:)``.
    package func revenue(
        _ query: PaidRecordsQuery, by grouping: RevenueGrouping, after cursor: RevenueCursor?, limit: Int
    ) async throws(ServiceError) -> RevenueReport {
        try await finance.revenue(query, by: grouping, after: cursor, limit: limit)
    }
}
