import Synchronization

/// An open transaction (or, from `withSession`, a bare session) on one connection; one statement at a time.
///
/// Valid only inside the closure it was handed to.
package final class PostgresTransaction: Sendable {
    private let channel: SessionChannel
    private let configuration: PostgresConfiguration
    private let ranScript = Atomic(false)

    init(channel: SessionChannel, configuration: PostgresConfiguration) {
        self.channel = channel
        self.configuration = configuration
    }

    /// Whether text of unknown effect ran, such as a SET that outlives the transaction.
    var isTainted: Bool { ranScript.load(ordering: .relaxed) }

    /// Runs one statement inside the transaction and returns its rows.
    ///
    /// `deadline` defaults to `statementTimeout`. After an error the transaction only accepts its end. Throws
    /// `server`, `deadlineExceeded`, `cancelled`, `connectionLost`, `statementInvalid`, `shuttingDown`.
    @discardableResult
    package func query(_ sql: SQL, deadline: Duration? = nil) async throws(PostgresError) -> [PostgresRow] {
        if let fault = sql.fault { throw fault }
        return try await channel.perform(.query(sql), deadline: deadline ?? configuration.statementTimeout)
    }

    /// Runs a script of several statements that has no values and returns no rows: for migrations.
    ///
    /// The connection is closed afterwards, because a script may leave session settings behind. `deadline` defaults
    /// to no limit of ours; the server's `statement_timeout` still applies unless the script lifts it.
    package func execute(script: SQL, deadline: Duration? = nil) async throws(PostgresError) {
        if let fault = script.fault { throw fault }
        if !script.values.isEmpty {
            throw PostgresError(.statementInvalid, message: "a script takes no values")
        }
        ranScript.store(true, ordering: .relaxed)
        _ = try await channel.perform(.script(script.text), deadline: deadline ?? .seconds(86_400))
    }

    /// Hands the rows of one statement over one by one, with constant memory.
    ///
    /// While the body is busy nothing more is read, so a slow consumer slows the server down. `deadline` covers the
    /// whole stream and defaults to `streamTimeout`. A thrown error ends the statement on the server and the
    /// transaction.
    package func stream(
        _ sql: SQL, deadline: Duration? = nil, _ body: (PostgresRow) async throws -> Void
    ) async throws {
        if let fault = sql.fault { throw fault }
        let limit = deadline ?? configuration.streamTimeout
        let end = ContinuousClock.now + limit
        // The server counts the time it waits for us as the statement's.
        try await query(SQL(text: "SET LOCAL statement_timeout = \(max(1, limit.milliseconds))", values: []))
        _ = try await channel.perform(.startStream(sql), deadline: limit)
        do {
            while true {
                let portion = SessionCommand.nextRows(bytesMax: configuration.streamPortionBytesMax)
                let rows = try await channel.perform(portion, deadline: ContinuousClock.now.duration(to: end))
                if rows.isEmpty { break }
                for row in rows { try await body(row) }
            }
        } catch {
            _ = try? await channel.perform(.abandonStream, deadline: configuration.cancelGrace, isFinal: true)
            throw error
        }
        let usual = "SET LOCAL statement_timeout = \(configuration.statementTimeout.milliseconds)"
        try await query(SQL(text: usual, values: []))
    }

    /// Runs clean-up, which the task's cancellation must not stop.
    func finish(_ sql: SQL) async throws(PostgresError) {
        _ = try await channel.perform(.query(sql), deadline: configuration.statementTimeout, isFinal: true)
    }
}

/// What a transaction sees of others, and whether it may write (PostgreSQL manual, 13.2).
package enum PostgresIsolation: Sendable, Hashable {
    case readCommitted
    case repeatableRead
    case serializable
    /// One snapshot for all its statements; refuses writes. What exports read in.
    case repeatableReadReadOnly

    var begin: SQL {
        switch self {
        case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        case .repeatableReadReadOnly: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        }
    }
}
