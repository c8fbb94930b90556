import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseStore

/// 50,000 signed texts, each with a token of its own, and as many notifications.
@Suite("Deleting signed texts by their token")
struct EraseTextsPlanTests {
    /// Foreign keys are off while the rows come in: what they refer to is of no interest here.
    private static let fill: SQL = """
        DO $fill$ BEGIN
            SET LOCAL session_replication_role = replica;
            INSERT INTO evidence_bodies (sha256, source, header_sha256, rest, app_account_token)
                SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'app_store', decode(repeat('00', 32), 'hex'), 'a.b',
                    '00000000-0000-4000-8000-' || lpad(n::text, 12, '0') FROM generate_series(1, 50000) n;
            INSERT INTO renewal_bodies (sha256, source, header_sha256, rest, app_account_token)
                SELECT sha256, source, header_sha256, rest, app_account_token FROM evidence_bodies;
            INSERT INTO notifications (notification_uuid, environment, notification_type, signed_date, received_at,
                    origin, outcome, transaction_id, original_transaction_id, sha256)
                SELECT n::text, 'Production', 'REFUND', now(), now(), 'delivery',
                    CASE WHEN n % 20 = 0 THEN 'kept' ELSE 'applied' END, n::text, n::text,
                    decode(lpad(to_hex(n), 64, '0'), 'hex') FROM generate_series(1, 50000) n;
        END $fill$
        """

    @Test("no text and no notification is looked at that has nothing to do with the token")
    func plan() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.database.withOwnerClient { client in
                let analyze: SQL = "ANALYZE evidence_bodies, renewal_bodies, notifications"
                for statement in [Self.fill, analyze] { _ = try await client.query(statement) }
            }
            let token = try #require(AppAccountToken(validating: "00000000-0000-4000-8000-000000000007"))
            let statement = LedgerStore.eraseTextsStatement(carrying: [token], of: nil, limit: 200)
            let rows = try await ledger.client.query("EXPLAIN \(fragment: statement)")
            let plan = try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
            for index in [
                "evidence_bodies_token", "renewal_bodies_token", "notifications_transaction", "notifications_original",
            ] {
                #expect(plan.contains(" \(index)"), "\(plan)")
            }
            for table in ["evidence_bodies", "renewal_bodies", "notifications"] {
                #expect(!plan.contains("Seq Scan on \(table)"), "\(plan)")
            }
        }
    }
}
