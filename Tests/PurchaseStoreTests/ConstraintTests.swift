import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

/// The database as the second line of defence: what the laws forbid fails by itself, at the faulty statement.
@Suite("Constraints of the ledger")
struct ConstraintTests {
    /// Runs a statement with the owner's rights and returns its SQLSTATE; `nil` when it went through.
    private func state(_ ledger: LedgerFixture, _ statement: String) async throws -> String? {
        try await ledger.database.withOwnerClient { client -> String? in
            do throws(PostgresError) {
                _ = try await client.query(SQL(unsafe: statement))
                return nil
            } catch {
                return error.sqlState ?? error.description
            }
        }
    }

    private static let checkViolation = "23514"
    private static let foreignKeyViolation = "23503"
    private static let uniqueViolation = "23505"

    @Test(
        "append-only tables refuse UPDATE, DELETE and TRUNCATE, also from their owner",
        arguments: ["events", "evidence", "purchases", "movements", "changes"])
    func appendOnly(table: String) async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("1")
            #expect(try await ledger.count(SQL(unsafe: "SELECT count(*) FROM \(table)")) > 0)
            let column =
                ["events": "rule", "evidence": "environment", "purchases": "environment", "movements": "kind"][table]
                ?? "kind"
            for statement in [
                "UPDATE \(table) SET \(column) = \(column)", "DELETE FROM \(table)", "TRUNCATE \(table) CASCADE",
            ] {
                #expect(try await state(ledger, statement) == "23001", "\(statement)")
            }
            // The service's own role lacks the right to begin with.
            for statement in ["UPDATE \(table) SET \(column) = \(column)", "DELETE FROM \(table)"] {
                await #expect { _ = try await ledger.client.query(SQL(unsafe: statement)) } throws: { error in
                    (error as? PostgresError)?.sqlState == "42501"
                }
            }
        }
    }

    @Test("a state without its deciding evidence, ownership, revocation date or reason is refused")
    func states() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("1")
            try await ledger.settled("2", isRevoked: true)
            try await ledger.settled("3", ownership: nil)
            let faulty = [
                "UPDATE transactions SET deciding_sha256 = NULL, deciding_source = NULL, deciding_authoritative = NULL, deciding_revoked = NULL WHERE transaction_id = '1'",
                "UPDATE transactions SET in_app_ownership_type = NULL WHERE transaction_id = '1'",
                "UPDATE transactions SET revocation_date = now() WHERE transaction_id = '1'",
                "UPDATE transactions SET reason = 'refund' WHERE transaction_id = '1'",
                "UPDATE transactions SET refusal = 'not_found' WHERE transaction_id = '1'",
                "UPDATE transactions SET state = 'received', reason = 'new' WHERE transaction_id = '2'",
                "UPDATE transactions SET revocation_date = NULL WHERE transaction_id = '2'",
                "UPDATE transactions SET reason = 'confirmed' WHERE transaction_id = '2'",
                "UPDATE transactions SET state = 'paid', reason = 'confirmed', revocation_date = NULL WHERE transaction_id = '2'",
                "UPDATE transactions SET state = 'paid', reason = 'confirmed' WHERE transaction_id = '3'",
                "UPDATE transactions SET reason = 'because' WHERE transaction_id = '3'",
                "UPDATE transactions SET state = 'settled' WHERE transaction_id = '3'",
            ]
            for statement in faulty {
                #expect(try await state(ledger, statement) == Self.checkViolation, "\(statement)")
            }
        }
    }

    @Test("evidence that says otherwise can't decide: a refund under paid, the device's word under anything")
    func deciding() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await ledger.settled("1")
            let (device, body) = LedgerFixture.evidence("1", source: .device, signedAfter: .hours(2))
            _ = try await ledger.apply(.evidenceVerified(device, absorbing: nil), to: chain, body: body)
            let claim = "UPDATE transactions SET deciding_sha256 = '\\x\(device.id.sha256)', deciding_source = 'device'"
            #expect(try await state(ledger, claim) == Self.foreignKeyViolation)
            #expect(try await state(ledger, claim + ", deciding_authoritative = false") == Self.checkViolation)
            #expect(try await state(ledger, "UPDATE transactions SET deciding_revoked = true") == Self.checkViolation)
            #expect(
                try await state(
                    ledger,
                    """
                    UPDATE transactions SET state = 'refunded', reason = 'refund', deciding_revoked = true,
                        revocation_date = now()
                    """) == Self.foreignKeyViolation)
        }
    }

    @Test("an entitlement lives only with a paid transaction")
    func entitlements() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("1")
            try await ledger.settled("2", isRevoked: true)
            let add = """
                INSERT INTO entitlements SELECT '2', 'more', chain_id, chain_version, 1, 'product', 'Production', '2',
                    %, now(), NULL FROM transactions WHERE transaction_id = '2'
                """
            #expect(
                try await state(ledger, add.replacing("%", with: "'paid', 'paid'")) == Self.foreignKeyViolation)
            #expect(
                try await state(ledger, add.replacing("%", with: "'refunded', 'paid'")) == Self.checkViolation)
            // The state can't be taken from under an entitlement either.
            #expect(
                try await state(
                    ledger,
                    """
                    UPDATE transactions SET state = 'pending', reason = 'revocation_unconfirmed', deciding_sha256 = NULL,
                        deciding_source = NULL, deciding_authoritative = NULL, deciding_revoked = NULL
                    WHERE transaction_id = '1'
                    """) == Self.foreignKeyViolation)
        }
    }

    @Test("a version without its event, a second holder, a second grant, and revenue of a family share are refused")
    func others() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("1", type: .consumable)
            try await ledger.settled("2", by: "eve", ownership: .familyShared)
            #expect(try await state(ledger, "UPDATE chains SET version = version + 1") == Self.foreignKeyViolation)
            _ = try await ledger.account("bob")
            #expect(
                try await state(
                    ledger,
                    """
                    INSERT INTO claims SELECT chain_id, (SELECT max(account_number) FROM accounts), chain_version,
                        'held', NULL, NULL, NULL, transaction_id, now() FROM claims WHERE transaction_id = '1'
                    """) == Self.uniqueViolation)
            #expect(
                try await state(
                    ledger,
                    """
                    INSERT INTO grants SELECT grant_id || '1', kind, status, account_number, purchase_id, transaction_id,
                        product_id, amount, environment, created_at, chain_id, chain_version FROM grants
                    """) == Self.uniqueViolation)
            #expect(try await ledger.count("SELECT count(*) FROM movements WHERE transaction_id = '2'") == 0)
            #expect(
                try await state(
                    ledger,
                    """
                    INSERT INTO movements (row_id, purchase_id, kind, generation, step, transaction_id, occurred_at,
                        amount_milliunits, currency, evidence_sha256, evidence_source, evidence_revoked, chain_id,
                        chain_version)
                    SELECT purchase_id || '.sale.1.0', purchase_id, 'sale', 1, 0, transaction_id, now(), 1, 'USD',
                        deciding_sha256, deciding_source, false, chain_id, chain_version
                    FROM transactions WHERE transaction_id = '2'
                    """) == Self.foreignKeyViolation)
            // The id says which movement it is, so that the primary key alone keeps movements from being doubled.
            #expect(
                try await state(
                    ledger,
                    """
                    INSERT INTO movements (row_id, purchase_id, kind, generation, step, transaction_id, occurred_at,
                        amount_milliunits, currency, evidence_sha256, evidence_source, evidence_revoked, chain_id,
                        chain_version)
                    SELECT row_id || '1', purchase_id, kind, generation, step, transaction_id, now(), 1, 'USD',
                        evidence_sha256, evidence_source, false, chain_id, chain_version FROM movements
                    """) == Self.checkViolation)
            #expect(
                try await state(ledger, "UPDATE grants SET chain_version = 99") == Self.foreignKeyViolation)
            #expect(try await state(ledger, "UPDATE claims SET status = 'refused'") == Self.checkViolation)
        }
    }

    @Test("personal data can't be written into append-only evidence")
    func personal() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("1")
            #expect(
                try await state(
                    ledger,
                    """
                    INSERT INTO evidence (sha256, source, revoked, transaction_id, environment, signed_date, seen_at, facts,
                        chain_id, chain_version)
                    SELECT sha256, 'history', revoked, transaction_id, environment, signed_date, seen_at,
                        facts || '{"appAccountToken": "x"}', chain_id, chain_version FROM evidence
                    """) == Self.checkViolation)
        }
    }
}
