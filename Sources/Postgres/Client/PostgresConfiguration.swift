/// How a `PostgresClient` connects and where its bounds are.
package struct PostgresConfiguration: Sendable {
    /// libpq connection URI or keyword/value string (libpq chapter 34.1.1); holds the password, never logged.
    ///
    /// Several hosts are allowed, and then `target_session_attrs` defaults to `read-write`.
    package var uri: String
    /// Connections for `query`, `stream`, `withTransaction` and `withSession`, opened on demand.
    package var readConnectionsMax = 8
    /// Connections for `commit`; one is the measured best while a prelude takes a database-wide lock.
    package var commitConnections = 1
    /// Connections for `lookup`; while all of them are busy, keys gather for the next statement.
    package var lookupConnectionsMax = 2
    /// Requests that may wait per lane (reads, commits, lookups, registrations); one more is refused with `queueFull`.
    package var queueMax = 1024
    /// The server's `statement_timeout`, and the deadline of a statement that names none.
    package var statementTimeout: Duration = .seconds(15)
    /// Time for one host to be connected and logged in to; the next host then gets as much.
    package var connectTimeout: Duration = .seconds(5)
    /// Time a request may wait for a connection before `poolExhausted`.
    package var acquireTimeout: Duration = .seconds(5)
    /// The server's `idle_in_transaction_session_timeout`: how long a transaction's body may do other things.
    package var idleInTransactionTimeout: Duration = .seconds(60)
    /// Time a whole `stream` may take when it names no deadline.
    package var streamTimeout: Duration = .seconds(600)
    /// Time the server gets to answer after a cancel, and after `statementTimeout`; then the connection is closed.
    package var cancelGrace: Duration = .seconds(2)
    /// Time that queued and running work gets when the client closes.
    package var drainTimeout: Duration = .seconds(10)
    /// Prepared statements kept per connection; the least recently used goes first.
    package var preparedStatementsMax = 128
    /// Plain reads of different callers that may share one trip on one connection; 1 turns it off.
    ///
    /// Only while more wait than there are connections. They then wait for each other.
    package var queryPipelineMax = 4
    /// Statements in one group commit.
    package var batchMax = 128
    /// How often one unit that lost with 40001 or 40P01 is redone alone.
    package var conflictRedosMax = 5
    /// Memory that one portion of a `stream` may take, in bytes; a single larger row still passes.
    package var streamPortionBytesMax = 256 * 1024
    /// First pause between attempts to reconnect; the pause doubles, with jitter.
    package var reconnectPauseMin: Duration = .milliseconds(50)
    /// Largest pause between attempts to reconnect.
    package var reconnectPauseMax: Duration = .seconds(3)
    /// Shown in `pg_stat_activity`.
    package var applicationName = "vouch"
    /// Role taken with SET ROLE as the first statement of every new connection.
    package var sessionRole: String?
    /// Statement sent first in every group commit, such as taking the ledger lock.
    package var commitPrelude: SQL?
    /// Settings of the connections for `commit`, by name; values without spaces.
    ///
    /// The operator's own `options` win.
    package var commitSettings: [String: String] = [:]
    /// Settings of one lane's connections.
    var settings: [String: String] = [:]

    /// Makes a configuration with default bounds.
    package init(uri: String) { self.uri = uri }
}
