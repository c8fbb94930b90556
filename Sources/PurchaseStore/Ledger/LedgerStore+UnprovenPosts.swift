import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// Rows past their time that one post takes away: more than it adds, so the table never outgrows an hour's posts.
    static let unprovenPostsSwept: Int64 = 16

    /// See ``UnprovenPostPort/noteUnprovenPost(of:by:now:)``.
    ///
    /// One statement. What it reads of each poster is bounded by the poster's own bounds: rows of ids that turned out to be
    /// genuine are gone, and rows beyond the bounds are never written.
    package func noteUnprovenPost(
        of transaction: TransactionID, by posters: [UnprovenPoster], now: Instant
    ) async throws(LedgerError) -> Instant? {
        let id = transaction.rawValue
        let (at, digests) = (PostgresTimestamp(now), posters.map(\.digest))
        let (misses, unanswered) = (posters.map(\.kind.missesMax), posters.map(\.kind.unansweredMax))
        let missesSince = PostgresTimestamp(now - UnprovenPoster.Window.misses)
        let unansweredSince = PostgresTimestamp(now - UnprovenPoster.Window.unanswered)
        let row = try await row(
            """
            WITH posters AS (
                SELECT * FROM unnest(\(digests), \(misses), \(unanswered)) AS p(poster, misses_max, unanswered_max)),
            proven AS (SELECT FROM transactions WHERE transaction_id = \(id) AND environment IS NOT NULL),
            counted AS (
                SELECT p.poster, u.posted_at, t.refusal = 'not_found' OR t.reason = 'not_found_yet' AS missed
                FROM posters p JOIN unproven_posts u ON u.poster = p.poster AND u.posted_at > \(missesSince)
                    LEFT JOIN transactions t ON t.transaction_id = u.transaction_id
                WHERE t.environment IS NULL
                    -- A repeat of what counts already asks for no further place.
                    AND NOT EXISTS (SELECT FROM unproven_posts own WHERE own.poster = p.poster
                        AND own.transaction_id = \(id) AND own.posted_at > \(missesSince))),
            full_since AS (
                SELECT CASE WHEN count(*) FILTER (WHERE c.missed) >= p.misses_max
                        THEN min(c.posted_at) FILTER (WHERE c.missed) END AS misses,
                    CASE WHEN count(*) FILTER (WHERE c.missed IS NOT TRUE AND c.posted_at > \(unansweredSince))
                            >= p.unanswered_max
                        THEN min(c.posted_at) FILTER (WHERE c.missed IS NOT TRUE AND c.posted_at > \(unansweredSince))
                        END AS unanswered
                FROM posters p JOIN counted c ON c.poster = p.poster
                GROUP BY p.poster, p.misses_max, p.unanswered_max),
            held_up AS (
                SELECT max(greatest(misses + (\(at) - \(missesSince)), unanswered + (\(at) - \(unansweredSince)))) AS until
                FROM full_since),
            noted AS (
                INSERT INTO unproven_posts AS u (poster, transaction_id, posted_at)
                SELECT p.poster, \(id), \(at) FROM posters p, held_up h
                WHERE h.until IS NULL AND NOT EXISTS (SELECT FROM proven)
                ON CONFLICT (poster, transaction_id) DO UPDATE SET posted_at = excluded.posted_at
                    WHERE u.posted_at <= \(missesSince)),
            swept AS (
                DELETE FROM unproven_posts WHERE (poster, transaction_id) IN (
                    SELECT poster, transaction_id FROM unproven_posts
                    WHERE posted_at <= \(missesSince) AND transaction_id <> \(id)
                    ORDER BY posted_at LIMIT \(Self.unprovenPostsSwept) FOR UPDATE SKIP LOCKED))
            SELECT CASE WHEN NOT EXISTS (SELECT FROM proven) THEN until END AS until FROM held_up
            """)
        guard let row else { throw LedgerError(.refused, "noting a post gave no row") }
        let until: PostgresTimestamp? = try decode(row, "until")
        return until?.instant
    }

    /// See ``UnprovenPostPort/forgetUnprovenPost(of:by:)``.
    package func forgetUnprovenPost(
        of transaction: TransactionID, by posters: [UnprovenPoster]
    ) async throws(LedgerError) {
        _ = try await run(
            """
            DELETE FROM unproven_posts
            WHERE transaction_id = \(transaction.rawValue) AND poster = ANY(\(posters.map(\.digest)))
            """)
    }
}
