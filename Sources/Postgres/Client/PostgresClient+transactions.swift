extension PostgresClient {
    /// Runs the body in an explicit transaction and commits it: for maintenance, not for the write path.
    ///
    /// Rolls back when the body throws. When the transaction loses against another (40001, 40P01) it is rolled back
    /// and the body runs again, up to `conflictRedosMax` times, so the body must be repeatable. Throws what the body
    /// throws, and `PostgresError`; `commitOutcomeUnknown` if the connection broke during COMMIT.
    package func withTransaction<Value>(
        isolation: PostgresIsolation = .readCommitted, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        var redos = 0
        while true {
            do {
                return try await transactOnce(isolation, body)
            } catch let error as PostgresError where error.isConflict && redos < settings.conflictRedosMax {
                redos += 1
                try await Task.sleep(for: .milliseconds(2 << redos) * Double.random(in: 1..<2))
            }
        }
    }

    /// Streams the rows of one statement to the body, in a transaction of its own, with constant memory.
    ///
    /// While the body is busy nothing more is read from the server. `deadline` covers the whole stream and defaults
    /// to `streamTimeout`. Throws what the body throws, and `PostgresError`; rows seen before an error stay seen.
    package func stream(
        _ sql: SQL, isolation: PostgresIsolation = .repeatableReadReadOnly, deadline: Duration? = nil,
        _ body: (PostgresRow) async throws -> Void
    ) async throws {
        try await transactOnce(isolation) { transaction in
            try await transaction.stream(sql, deadline: deadline, body)
        }
    }

    /// Lends a bare connection without a transaction, and closes it afterwards.
    ///
    /// For session-wide locks and for statements that refuse transactions, such as CREATE INDEX CONCURRENTLY.
    package func withSession<Value>(_ body: (PostgresTransaction) async throws -> Value) async throws -> Value {
        let channel = try await acquire()
        defer { channel.release(discard: true) }
        return try await body(PostgresTransaction(channel: channel, configuration: settings))
    }

    private func transactOnce<Value>(
        _ isolation: PostgresIsolation, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        let channel = try await acquire()
        let transaction = PostgresTransaction(channel: channel, configuration: settings)
        // Whatever is still open at the release is rolled back or closed by the connection's thread.
        defer { channel.release(discard: transaction.isTainted) }
        try await transaction.query(isolation.begin)
        let value: Value
        do {
            value = try await body(transaction)
        } catch {
            try? await transaction.finish("ROLLBACK")
            throw error
        }
        try await commit(transaction)
        return value
    }

    private func commit(_ transaction: PostgresTransaction) async throws(PostgresError) {
        do {
            try await transaction.finish("COMMIT")
        } catch {
            var outcome = error
            if error.code == .connectionLost || error.code == .deadlineExceeded || error.code == .shuttingDown {
                outcome.code = .commitOutcomeUnknown
            }
            throw outcome
        }
    }
}
