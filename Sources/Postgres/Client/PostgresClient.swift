package import Logging
package import Metrics
import NIOPosix
import ServiceLifecycle

/// A PostgreSQL client over libpq: bounded, pipelined, and alive through restarts of the server.
///
/// Reads and maintenance share up to `readConnectionsMax` connections, writes go through `commit` on their own.
/// Connections are opened when first needed and reopened, with growing pauses, after a loss. It works with or without
/// `run()`; whoever does not run it as a service calls `close()`. Method errors are `PostgresError`.
package final class PostgresClient: Service, Sendable {
    private let reads: Lane
    private let commits: Lane
    private let lookups: Lane
    private let registers: Lane
    private let threadPool: NIOThreadPool
    private let configuration: PostgresConfiguration

    /// Makes a client without connecting; a faulty URI is reported by the first statement.
    ///
    /// Without a metrics factory nothing is counted.
    package init(
        configuration: PostgresConfiguration, logger: Logger,
        metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance
    ) {
        // Name look-ups and PQcancel block for as long as the network likes; nothing else runs here.
        let threadPool = NIOThreadPool(numberOfThreads: 2)
        threadPool.start()
        self.threadPool = threadPool
        self.configuration = configuration
        reads = Lane(
            name: "read", workersMax: configuration.readConnectionsMax,
            portion: .share(max: configuration.queryPipelineMax), configuration: configuration,
            threadPool: threadPool, logger: logger, metricsFactory: metricsFactory)
        var commitConfiguration = configuration
        commitConfiguration.settings = configuration.commitSettings
        commits = Lane(
            name: "commit", workersMax: configuration.commitConnections,
            portion: .group(costMax: configuration.batchMax), configuration: commitConfiguration,
            threadPool: threadPool, logger: logger, metricsFactory: metricsFactory)
        var lookupConfiguration = configuration
        lookupConfiguration.settings.merge(PostgresLookup.sessionSettings) { $1 }
        lookups = Lane(
            name: "lookup", workersMax: configuration.lookupConnectionsMax, portion: .kin,
            configuration: lookupConfiguration, threadPool: threadPool, logger: logger,
            metricsFactory: metricsFactory)
        registers = Lane(
            name: "register", workersMax: 1, portion: .kin, configuration: lookupConfiguration,
            threadPool: threadPool, logger: logger, metricsFactory: metricsFactory)
    }

    private var lanes: [Lane] { [reads, commits, lookups, registers] }

    deinit {
        for lane in lanes { lane.beginShutdown(drainTimeout: .zero) }
        threadPool.shutdownGracefully { _ in }
    }

    /// Waits until it is cancelled or shut down gracefully, then closes as `close()` does.
    package func run() async throws {
        // Cancellation ends the wait like a graceful shutdown; there is nothing else it could mean here.
        try? await gracefulShutdown()
        await close()
    }

    /// Refuses new work, lets queued and running work finish within `drainTimeout`, closes every connection.
    ///
    /// May be called more than once; returns when the last connection is closed.
    package func close() async {
        for lane in lanes { lane.beginShutdown(drainTimeout: configuration.drainTimeout) }
        for lane in lanes { await lane.close() }
    }

    /// Runs one autocommitted statement and returns its rows.
    ///
    /// Meant for reads and for single idempotent writes. `deadline` counts from now and covers waiting for a
    /// connection; it defaults to `statementTimeout`, which the server enforces in any case. Throws every code except
    /// `commitOutcomeUnknown` and `decodingFailed`.
    package func query(_ sql: SQL, deadline: Duration? = nil) async throws(PostgresError) -> [PostgresRow] {
        if let fault = sql.autocommitFault { throw fault }
        let reply = try await reads.perform(.query(sql), deadline: deadline ?? configuration.statementTimeout).get()
        guard case .rows(let rows) = reply else { return [] }
        return rows.first ?? []
    }

    /// Looks one key up, by a statement that is shared with concurrent callers, and returns the key's rows.
    ///
    /// The statement begins after this call, so it sees every commit that was answered before. An error or a cancellation
    /// of one caller never harms another. `deadline` is that of `query`, whose codes it throws.
    package func lookup(
        _ lookup: PostgresLookup, key: [PostgresValue], deadline: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRow] {
        try await look(lookup, key, in: lookups, deadline: deadline)
    }

    /// Finds the rows of one key or makes them, by a statement that is shared with concurrent callers, and returns them.
    ///
    /// A ``lookup(_:key:deadline:)`` whose statement writes what it doesn't find: nobody is answered before that is durable,
    /// and it has a connection of its own, so that no lookup waits for a flush. After a lost connection the statement runs
    /// once more, so it must come to the same.
    package func register(
        _ lookup: PostgresLookup, key: [PostgresValue], deadline: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRow] {
        try await look(lookup, key, in: registers, deadline: deadline)
    }

    private func look(
        _ lookup: PostgresLookup, _ key: [PostgresValue], in lane: Lane, deadline: Duration?
    ) async throws(PostgresError) -> [PostgresRow] {
        if let fault = lookup.fault(of: key) { throw fault }
        let limit = deadline ?? configuration.statementTimeout
        let reply = try await lane.perform(.lookup(lookup, key), deadline: limit).get()
        guard case .rows(let rows) = reply else { return [] }
        return rows.first ?? []
    }

    /// Commits one statement durably, together with those of concurrent callers, and returns its rows.
    ///
    /// The batch's statements are one transaction behind `commitPrelude`, with one flush of the log; an error in one
    /// of them never harms another. Nobody is answered before the commit. Cancelling the task takes the statement
    /// back only while it waits; once sent, the true outcome is returned. Throws `commitOutcomeUnknown` if the
    /// connection broke after the batch was sent, so the statement should be idempotent.
    ///
    /// `acquireTimeout` is the configuration's unless said otherwise; more for what is meant to wait behind other commits.
    package func commit(
        _ statement: SQL, acquireTimeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRow] {
        try await commit([statement], acquireTimeout: acquireTimeout).first ?? []
    }

    /// Commits several statements that must stand or fall together; returns the rows of each, in order.
    ///
    /// Throws like `commit(_:)` for one statement; `statementInvalid` for none.
    package func commit(
        _ statements: [SQL], acquireTimeout: Duration? = nil
    ) async throws(PostgresError) -> [[PostgresRow]] {
        if statements.isEmpty { throw PostgresError(.statementInvalid, message: "nothing to commit") }
        for statement in statements { if let fault = statement.autocommitFault { throw fault } }
        let acquireTimeout = acquireTimeout ?? configuration.acquireTimeout
        let reply = try await commits.perform(
            .commit(statements), deadline: max(acquireTimeout, configuration.statementTimeout),
            acquireTimeout: acquireTimeout
        ).get()
        guard case .rows(let rows) = reply else { return [] }
        return rows
    }

    /// Requests that wait for a connection, and that run on one, of all lanes together: for readiness.
    package var load: (waiting: Int, running: Int) {
        laneLoads.reduce(into: (0, 0)) { $0 = ($0.0 + $1.waiting, $0.1 + $1.running) }
    }

    /// The same by lane (`read`, `commit`, `lookup`, `register`): for metrics.
    package var laneLoads: [(lane: String, waiting: Int, running: Int)] {
        lanes.map { lane in
            let load = lane.load
            return (lane.name, load.waiting, load.running)
        }
    }

    /// Takes a read connection for the caller alone.
    func acquire() async throws(PostgresError) -> SessionChannel {
        let reply = try await reads.perform(.session, deadline: configuration.acquireTimeout).get()
        guard case .session(let channel) = reply else {
            throw PostgresError(.connectionFailed, message: "no session")
        }
        return channel
    }

    var settings: PostgresConfiguration { configuration }
}
