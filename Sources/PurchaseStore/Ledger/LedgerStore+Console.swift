import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    private typealias Bounds = ConsoleSessionBounds

    /// Rows past their time that one sign-in takes away, of each table: more than it adds.
    static let consoleRowsSwept: Int64 = 16

    /// See ``ConsoleSessionPort/noteSignIn(from:now:)``.
    package func noteSignIn(from network: String, now: Instant) async throws(LedgerError) -> SignInAdmission {
        let at = PostgresTimestamp(now)
        let since = PostgresTimestamp(now - Bounds.window)
        let row = try await row(
            """
            WITH recent AS (
                SELECT network, attempted_at FROM console_sign_ins WHERE attempted_at > \(since)
                ORDER BY attempted_at DESC LIMIT \(Bounds.attemptsInAll)),
            full_since AS (
                SELECT greatest(
                    CASE WHEN count(*) FILTER (WHERE network = \(network)) >= \(Bounds.attemptsPerNetwork)
                        THEN min(attempted_at) FILTER (WHERE network = \(network)) END,
                    CASE WHEN count(*) >= \(Bounds.attemptsInAll) THEN min(attempted_at) END) AS since
                FROM recent),
            noted AS (
                INSERT INTO console_sign_ins (network, attempted_at)
                SELECT \(network), \(at) FROM full_since WHERE since IS NULL RETURNING attempt),
            swept AS (
                DELETE FROM console_sign_ins WHERE attempt IN (
                    SELECT attempt FROM console_sign_ins WHERE attempted_at <= \(since)
                    ORDER BY attempted_at LIMIT \(Self.consoleRowsSwept) FOR UPDATE SKIP LOCKED))
            SELECT (SELECT attempt FROM noted) AS attempt, since + (\(at) - \(since)) AS until FROM full_since
            """)
        guard let row else { throw LedgerError(.refused, "noting a sign-in gave no row") }
        if let attempt = try decode(row, "attempt", as: Int64?.self) { return .admitted(attempt: attempt) }
        return .heldUp(until: try decode(row, "until", as: PostgresTimestamp.self).instant)
    }

    /// See ``ConsoleSessionPort/openSession(_:attempt:replacing:now:)``.
    package func openSession(
        _ session: NewConsoleSession, attempt: Int64, replacing replaced: [UInt8]?, now: Instant
    ) async throws(LedgerError) -> Bool {
        let at = PostgresTimestamp(now)
        let (idleSince, bornSince) = (PostgresTimestamp(now - Bounds.idle), PostgresTimestamp(now - Bounds.life))
        let row = try await row(
            """
            WITH forgiven AS (DELETE FROM console_sign_ins WHERE attempt = \(attempt)),
            crowded AS (
                SELECT token_sha256 FROM console_sessions WHERE key_id = \(session.keyID)
                ORDER BY created_at DESC, token_sha256 OFFSET \(Bounds.perKey - 1)),
            old AS (
                SELECT token_sha256 FROM console_sessions WHERE last_used_at <= \(idleSince) OR created_at <= \(bornSince)
                ORDER BY last_used_at LIMIT \(Self.consoleRowsSwept) FOR UPDATE SKIP LOCKED),
            ended AS (
                DELETE FROM console_sessions WHERE token_sha256 = \(replaced.postgresValue)
                    OR token_sha256 IN (SELECT token_sha256 FROM crowded UNION ALL SELECT token_sha256 FROM old)),
            opened AS (
                INSERT INTO console_sessions (token_sha256, key_id, csrf_secret, created_at, last_used_at)
                SELECT \(session.tokenSHA256), key_id, \(session.csrfSecret), \(at), \(at) FROM keys
                WHERE key_id = \(session.keyID) AND revoked_at IS NULL RETURNING key_id)
            SELECT count(*) AS opened FROM opened
            """)
        guard let row else { throw LedgerError(.refused, "opening a session gave no row") }
        return try decode(row, "opened", as: Int64.self) == 1
    }

    /// See ``ConsoleSessionPort/session(ofToken:takesNotice:now:)``.
    package func session(
        ofToken sha256: [UInt8], takesNotice: Bool, now: Instant
    ) async throws(LedgerError) -> StoredConsoleSession? {
        let at = PostgresTimestamp(now)
        let (idleSince, bornSince) = (PostgresTimestamp(now - Bounds.idle), PostgresTimestamp(now - Bounds.life))
        let row = try await row(
            """
            WITH live AS (
                SELECT s.token_sha256, s.csrf_secret, s.notice, k.key_id, k.name, k.roles
                FROM console_sessions s JOIN keys k USING (key_id)
                WHERE s.token_sha256 = \(sha256) AND k.revoked_at IS NULL
                    AND s.last_used_at > \(idleSince) AND s.created_at > \(bornSince)),
            used AS (
                UPDATE console_sessions s SET last_used_at = greatest(s.last_used_at, \(at)),
                    notice = CASE WHEN \(takesNotice) THEN NULL ELSE s.notice END
                FROM live WHERE s.token_sha256 = live.token_sha256
                    AND (s.last_used_at <= \(PostgresTimestamp(now - Bounds.noted))
                        OR \(takesNotice) AND s.notice IS NOT NULL))
            SELECT csrf_secret, CASE WHEN \(takesNotice) THEN notice END AS notice, key_id, name, roles FROM live
            """)
        guard let row else { return nil }
        let roles: [String] = try decode(row, "roles")
        return StoredConsoleSession(
            key: AccessKey(
                id: try decode(row, "key_id"), name: try decode(row, "name"),
                roles: Set(roles.compactMap(Role.init(rawValue:)))),
            csrfSecret: try decode(row, "csrf_secret"), notice: try decode(row, "notice"))
    }

    /// See ``ConsoleSessionPort/keepNotice(_:forToken:)``.
    package func keepNotice(_ code: String, forToken sha256: [UInt8]) async throws(LedgerError) {
        _ = try await run("UPDATE console_sessions SET notice = \(code) WHERE token_sha256 = \(sha256)")
    }

    /// See ``ConsoleSessionPort/endSession(ofToken:)``.
    package func endSession(ofToken sha256: [UInt8]) async throws(LedgerError) {
        _ = try await run("DELETE FROM console_sessions WHERE token_sha256 = \(sha256)")
    }

    /// See ``ConsoleSessionPort/reasons(numbered:)``.
    package func reasons(numbered numbers: [Int64]) async throws(LedgerError) -> [Int64: String] {
        var words: [Int64: String] = [:]
        for row in try await run("SELECT reason_number, words FROM reasons WHERE reason_number = ANY(\(numbers))") {
            words[try decode(row, "reason_number")] = try decode(row, "words", as: String.self)
        }
        return words
    }
}
