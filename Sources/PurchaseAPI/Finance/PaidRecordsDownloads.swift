import HTTPTypes
package import Hummingbird
import Logging
import NIOCore
import PurchaseCore
package import PurchaseService

/// Answers with exports, so many at once; the API and the console share one of these, and so the bound.
package struct PaidRecordsDownloads: Sendable {
    /// Exports under way; they hold their places until the last byte.
    private let limiter: ConcurrencyLimiter
    private let timeout: Duration
    private let stallTimeout: Duration

    /// Seconds after which another export may find a place.
    private static let retryAfterSeconds = 30

    /// Takes the bounds on exports: how many at once, how long a whole one may take, and a reader for 64 KiB.
    package init(_ configuration: APIConfiguration) {
        limiter = ConcurrencyLimiter(max: configuration.concurrentExportsMax)
        timeout = configuration.exportTimeout
        stallTimeout = configuration.exportStallTimeout
    }

    /// The rows, streamed in constant memory; what they add up to goes ahead of them in header fields.
    ///
    /// `actor` is the name of the key, for the log.
    ///
    /// - Throws: ``PurchaseService/ServiceError/overloaded(retryAfterSeconds:)`` without a place, and what the use case throws.
    package func answer(
        _ query: PaidRecordsQuery, as format: PaidRecordsFormat, for actor: String, _ context: VouchRequestContext,
        from useCases: some FinanceUseCases
    ) async throws -> Response {
        guard let place = ExportPlace(limiter) else {
            throw ServiceError.overloaded(retryAfterSeconds: Self.retryAfterSeconds)
        }
        let head = try await useCases.paidRecords(query)
        return Response(
            status: .ok, headers: Self.headers(of: head, as: format),
            body: ResponseBody { writer in
                try await write(head, as: format, to: writer, context, actor: actor, from: useCases)
                place.keep()
            })
    }

    /// Writes the rows and then the end of the body.
    ///
    /// An export that fails in the middle has no end: the connection is closed, so that no reader takes the part for the
    /// whole.
    private func write(
        _ head: PaidRecordsHead, as format: PaidRecordsFormat, to writer: any ResponseBodyWriter,
        _ context: VouchRequestContext, actor: String, from useCases: some FinanceUseCases
    ) async throws {
        let (channel, stall) = (context.channel, TimeAmount(stallTimeout))
        let metadata: Logger.Metadata = [
            LogKey.actor.rawValue: .string(Syntax.printable(actor, maximumCharacters: 100)),
            LogKey.asOf.rawValue: .stringConvertible(head.scope.asOf),
            LogKey.rows.rawValue: .stringConvertible(head.totals.rows),
        ]
        var body = SoleWriter(writer)
        do {
            _ = try await useCases.writePaidRecords(head, as: format, within: timeout) { bytes in
                // A reader that takes nothing would hold a connection to the database for as long as it likes.
                let alarm = channel.eventLoop.scheduleTask(in: stall) { channel.close(promise: nil) }
                defer { alarm.cancel() }
                try await body.write(ByteBuffer(bytes: bytes))
            }
            try await body.finish()
        } catch {
            // The status is long gone; the reader learns of it from the missing end.
            let cause = (error as? ServiceError).map { "\($0)" } ?? "the reader went away or took too long"
            context.logger.warning(
                "export broke off",
                metadata: metadata.merging([
                    LogKey.cause.rawValue: .string(Syntax.printable(cause, maximumCharacters: 500))
                ]) { $1 })
            throw error
        }
        context.logger.info("export written", metadata: metadata)
    }

    private static func headers(of head: PaidRecordsHead, as format: PaidRecordsFormat) -> HTTPFields {
        let scope = head.scope
        let (mediaType, suffix) =
            switch format {
            case .csv: ("text/csv; charset=utf-8; header=present", "csv")
            case .ndjson: ("application/x-ndjson", "ndjson")
            }
        let days = [scope.from, scope.to].map { RFC3339.text($0).prefix(10) }.joined(separator: "_")
        let name = "paid-records_\(scope.environment.rawValue)_\(days)_as-of-\(scope.asOf).\(suffix)"
        var headers: HTTPFields = [
            .contentType: mediaType, .cacheControl: "no-store",
            .contentDisposition: #"attachment; filename="\#(name)""#,
        ]
        headers[.asOf] = String(scope.asOf)
        headers[.periodFrom] = RFC3339.text(scope.from)
        headers[.periodTo] = RFC3339.text(scope.to)
        headers[.rowCount] = String(head.totals.rows)
        headers[.unpricedRowCount] = String(head.totals.unpricedRows)
        headers[.totals] = head.totals.currencies.map { part in
            "\(part.currency);rows=\(part.sums.rows);gross=\(part.sums.gross);refunded=\(part.sums.refunded)"
                + ";net=\(part.sums.net)"
        }.joined(separator: ", ")
        headers[.coverageFrom] = head.coverage.completeFrom.map(RFC3339.text) ?? "none"
        headers[.coverageThrough] = head.coverage.completeThrough.map(RFC3339.text) ?? "none"
        return headers
    }
}

/// The writer of one response's body.
// SAFETY: one task uses it, one call after the other; only the type of what it wraps doesn't say so.
private struct SoleWriter: @unchecked Sendable {
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws { try await writer.write(buffer) }

    @concurrent consuming func finish() async throws { try await writer.finish(nil) }
}

/// A place among the exports; given back when nothing refers to it any more, also when a response is never written.
private final class ExportPlace: Sendable {
    private let limiter: ConcurrencyLimiter

    /// Takes a place; `nil` when there is none.
    init?(_ limiter: ConcurrencyLimiter) {
        guard limiter.enter() else { return nil }
        self.limiter = limiter
    }

    /// Holds the place up to here.
    func keep() {}

    deinit { limiter.leave() }
}
