package import Logging

/// What went wrong between us and PostgreSQL, as one typed error.
///
/// `description` is safe to show anybody: it holds the code, the SQLSTATE and the constraint's name, never a value
/// and never the server's text (which quotes values). `debugDescription` is full and belongs in a protected log.
package struct PostgresError: Error, Sendable, Hashable {
    /// The kind of a failure; stable names, usable as metric labels.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        fileprivate enum Kind: String, Sendable {
            case connectionFailed, connectionLost, commitOutcomeUnknown, poolExhausted, queueFull, deadlineExceeded
            case cancelled, server, decodingFailed, statementInvalid, transactionLeftOpen, shuttingDown
        }

        fileprivate let kind: Kind

        /// No connection could be made: refused, name unknown, TLS or login failed, no host fits.
        package static let connectionFailed = Code(kind: .connectionFailed)
        /// The connection broke under a statement; whether an autocommitted statement took effect is not known.
        package static let connectionLost = Code(kind: .connectionLost)
        /// The connection broke after COMMIT (or the batch's Sync) was sent: re-read, or resend if idempotent.
        package static let commitOutcomeUnknown = Code(kind: .commitOutcomeUnknown)
        /// No connection became free within `acquireTimeout`; the statement was not sent.
        package static let poolExhausted = Code(kind: .poolExhausted)
        /// `queueMax` requests were waiting already; the statement was not sent.
        package static let queueFull = Code(kind: .queueFull)
        /// The deadline or the server's `statement_timeout` passed; the statement was not sent or was rolled back,
        /// unless the server did not even answer the cancel, and then the connection was closed. (A plain read that
        /// waited on the wire behind another may still run, unheard.)
        package static let deadlineExceeded = Code(kind: .deadlineExceeded)
        /// The calling task was cancelled, and the statement was not sent or was rolled back.
        package static let cancelled = Code(kind: .cancelled)
        /// The server refused the statement; see `sqlState`.
        package static let server = Code(kind: .server)
        /// A row did not have the column or the type that the caller asked for.
        package static let decodingFailed = Code(kind: .decodingFailed)
        /// The statement can't be sent at all: a NUL in its text, more than 65,535 values, an empty batch, COPY, or
        /// transaction control where the client does that itself.
        package static let statementInvalid = Code(kind: .statementInvalid)
        /// A statement opened a transaction where only autocommit is allowed; it was rolled back.
        package static let transactionLeftOpen = Code(kind: .transactionLeftOpen)
        /// The client is closing or closed; the statement was not sent.
        package static let shuttingDown = Code(kind: .shuttingDown)

        /// The code's stable name.
        package var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    package var code: Code
    /// The server's five-character SQLSTATE (PostgreSQL manual, appendix A), if the server said anything.
    package var sqlState: String?
    /// The full text, possibly with values in it: for protected logs, never for clients.
    package var message: String
    /// The server's DETAIL line, which quotes values.
    package var detail: String?
    /// The violated constraint's name, if the server named one.
    package var constraint: String?
    /// The table the server named, if any.
    package var table: String?

    /// Makes an error; `message` may hold values, `description` will not repeat it.
    package init(
        _ code: Code, sqlState: String? = nil, message: String, detail: String? = nil, constraint: String? = nil,
        table: String? = nil
    ) {
        self.code = code
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.constraint = constraint
        self.table = table
    }

    /// Whether the very same call may be made again, after a pause, without a second effect.
    ///
    /// `connectionLost` and `commitOutcomeUnknown` are not retryable by this measure: only a caller who knows that
    /// the statement is idempotent may resend it.
    package var retryable: Bool {
        switch code.kind {
        case .connectionFailed, .poolExhausted, .queueFull, .deadlineExceeded: true
        case .server: isConflict || Self.transientStates.contains(sqlState ?? "")
        case .connectionLost, .commitOutcomeUnknown, .cancelled, .decodingFailed, .statementInvalid,
            .transactionLeftOpen, .shuttingDown:
            false
        }
    }

    /// The level this failure deserves in a log.
    package var logLevel: Logger.Level {
        switch code.kind {
        case .cancelled, .shuttingDown: .debug
        case .connectionFailed, .connectionLost, .commitOutcomeUnknown, .poolExhausted, .queueFull, .deadlineExceeded:
            .warning
        case .server, .decodingFailed, .statementInvalid, .transactionLeftOpen: retryable ? .warning : .error
        }
    }

    /// Whether it lost against a concurrent transaction: 40001 or 40P01, which a repeat of the transaction cures.
    package var isConflict: Bool { sqlState == "40001" || sqlState == "40P01" }

    /// Lock not available, too many connections, out of memory or disk, shutting down, read-only (a failover).
    private static let transientStates: Set<String> = [
        "55P03", "53000", "53100", "53200", "53300", "57P01", "57P02", "57P03", "25006",
    ]
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Code, SQLSTATE and constraint name; nothing that a user or the server's text brought in.
    package var description: String {
        var parts = ["PostgresError.\(code)"]
        if let sqlState { parts.append("SQLSTATE \(sqlState)") }
        if let constraint { parts.append("constraint \(constraint)") }
        return parts.joined(separator: ", ")
    }

    /// Everything that is known, values included.
    package var debugDescription: String {
        var text = "\(description): \(message)"
        if let detail { text += " (\(detail))" }
        if let table { text += " [table \(table)]" }
        return text
    }
}
