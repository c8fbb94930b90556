import Postgres
import PurchaseCore
import PurchaseService

/// What a decision adds to the erasable tables besides signed texts, and what it takes away from them.
///
/// Both happen in the statement that decides: a crash leaves either everything or nothing of one chain.
extension DecisionStatement {
    /// Keeps the words of the person who acted.
    ///
    /// Once, also when a commit of unknown outcome is decided again: the number was drawn for this action alone.
    mutating func reason(_ reason: GivenReason) {
        let (number, words) = (bind(.int8(reason.number)), bind(.text(reason.words)))
        add(
            "reason",
            """
            INSERT INTO reasons (reason_number, words) OVERRIDING SYSTEM VALUE SELECT \(number), \(words) FROM cas
            ON CONFLICT (reason_number) DO NOTHING
            """)
    }

    /// Takes away what goes with an erased account, or with a claim that one lets go of.
    mutating func erase(_ decision: CommittableDecision) {
        for entry in decision.recorded.entries {
            switch entry {
            case .accountErased(let erasure): erase(erasure)
            case .claimReleased(let account): release(account, decision)
            case .identified, .absorbed, .transaction, .evidence, .renewal, .claim, .claimCase, .grant, .entitlement,
                .entitlementEnded, .movement, .checkRequested, .staffOverride:
                continue
            }
        }
    }

    /// How long others leave an erasing to the request that asked for it.
    private static let leaseFor = "interval '1 minute'"

    private mutating func erase(_ erasure: Erasure) {
        let account = bind(.int8(erasure.account.rawValue))
        let at = bind(.timestamptz(PostgresTimestamp(erasure.requestedAt)))
        let reason = bind(.int8(erasure.reasonNumber))
        add(
            "erasure",
            """
            INSERT INTO erasures (account_number, chain_id, chain_version, requested_at, reason_number, lease_until)
            SELECT \(account), chain_id, version, \(at), \(reason), \(at) + \(Self.leaseFor) FROM cas
            """)
        // What this very statement ends refers to the words of the erasing, which are no words about the account.
        add(
            "erased_reasons",
            """
            DELETE FROM reasons w USING cas WHERE w.reason_number IN (
                SELECT unnest(ARRAY[o.reason_number, o.end_reason_number]) FROM overrides o
                WHERE o.account_number = \(account))
            """)
    }

    /// Signed texts, order ids and words that are about the account's part in the chain.
    ///
    /// Where the purchase is, or may be, another account's, the texts are that one's proof: only those go that carry the
    /// token of the account that leaves, and the words that were said since it claimed.
    private mutating func release(_ account: AccountNumber, _ decision: CommittableDecision) {
        guard let id = decision.before.id else { return }
        let isShared = Self.isOthers(decision.before, than: account)
        let chain = bind(.int8(id.rawValue))
        let number = bind(.int8(account.rawValue))
        let shared = bind(.bool(isShared))
        let isOwn = "(NOT \(shared) OR b.app_account_token IN (SELECT token FROM own_tokens))"
        add("released", "DELETE FROM claims l USING cas WHERE l.chain_id = \(chain) AND l.account_number = \(number)")
        add(
            "own_tokens",
            """
            SELECT o.token FROM accounts a, unnest(ARRAY[a.stated_token, a.rule_token]) AS o(token)
            WHERE a.account_number = \(number) AND \(ErasingSQL.isNobodyElses("o.token", than: number))
            """)
        for (kind, table) in [("evidence", "evidence"), ("renewal", "renewals")] {
            add(
                "erased_\(kind)",
                """
                DELETE FROM \(kind)_bodies b USING cas, \(table) e
                WHERE e.chain_id = \(chain) AND b.sha256 = e.sha256 AND b.source = e.source AND \(isOwn)
                """)
        }
        add(
            "erased_subjects",
            """
            SELECT t.transaction_id FROM transactions t WHERE t.chain_id = \(chain) AND (NOT \(shared) OR EXISTS (
                SELECT FROM evidence e JOIN evidence_bodies b USING (sha256, source)
                WHERE e.chain_id = \(chain) AND e.transaction_id = t.transaction_id AND \(isOwn)))
            UNION SELECT c.original_transaction_id FROM chains c WHERE c.chain_id = \(chain) AND NOT \(shared)
            """)
        add(
            "erased_notifications",
            """
            DELETE FROM notification_bodies b USING cas
            WHERE b.notification_uuid IN (\(ErasingSQL.notifications(about: "erased_subjects")))
            """)
        add(
            "erased_orders",
            """
            DELETE FROM orders o USING cas WHERE o.order_id IN (
                SELECT r.order_id FROM order_transactions r JOIN erased_subjects s USING (transaction_id))
            """)
        add(
            "erased_words",
            """
            DELETE FROM reasons w USING cas WHERE w.reason_number IN (
                SELECT (n #>> '{}')::bigint FROM events v, jsonb_path_query(v.entries, '$.**.reasonNumber') n
                WHERE v.chain_id IN (SELECT \(chain)::bigint UNION ALL
                        SELECT c.chain_id FROM chains c WHERE c.absorbed_by = \(chain))
                    AND v.input = 'staff_action' AND v.rule <> 'claim_released'
                    AND (NOT \(shared) OR v.recorded_at >= (SELECT l.claimed_at FROM claims l
                        WHERE l.chain_id = \(chain) AND l.account_number = \(number))))
                AND NOT EXISTS (SELECT FROM erasures x WHERE x.reason_number = w.reason_number)
            """)
    }

    /// Whether a chain is, or may be, another's than this claimant's: another one holds it, nobody holds it and others
    /// claim it too, or this one was refused it.
    private static func isOthers(_ chain: Chain, than account: AccountNumber) -> Bool {
        if let owner = chain.owner { return owner != account }
        if chain.claims.keys.contains(where: { $0 != account }) { return true }
        return chain.claims[account]?.status == .refused
    }
}
