import AppStoreSimulator
import Postgres
import PurchaseCore
import TestSupport
import Testing

extension World {
    private struct Known {
        var state: String
        var purchaseID: String
        var isHeld: Bool
        var isClaimed: Bool
    }

    /// At rest, the ledger says what the simulated App Store knows: states, money, deliveries, entitlements.
    func check() async throws {
        let known = try await knownTransactions()
        var charged: [String: Int64] = [:]
        var isRevoked: [String: Bool] = [:]
        var missing: [String] = []
        for life in lives {
            for id in life.allIDs {
                let truth = try stack.simulator.payload(of: id, in: life.environment)
                let revoked = truth["revocationDate"] != nil
                guard let found = known[id] else {
                    // A restore makes no notification: unless somebody posts it, nobody but Apple knows.
                    if !life.ids.dropFirst().contains(id) || life.type == .autoRenewable { missing.append(id) }
                    continue
                }
                if found.state != (revoked ? "refunded" : "paid") {
                    let story = try await story(of: id)
                    Issue.record("\(id) of \(life.account) is \(found.state), SEED=\(seed)\n\(story)")
                }
                charged[found.purchaseID] = Self.net(of: truth)
                isRevoked[found.purchaseID] = revoked
            }
        }
        #expect(missing.isEmpty, "never heard of \(missing), SEED=\(seed)")
        try await checkMoney(charged)
        try await checkRights(known, isRevoked)
        try await checkBooks()
        try await stack.expectReplayEqualsStore()
    }

    /// The evidence that the ledger has of a transaction, in Apple's order, for whoever reads a failure.
    private func story(of id: String) async throws -> String {
        let rows = try await stack.rows(
            """
            SELECT to_char(signed_date, 'DD HH24:MI:SS.MS'), to_char(seen_at, 'DD HH24:MI:SS'), source,
                coalesce(notification_type, ''), CASE WHEN revoked THEN 'revoked' ELSE 'clean' END, e.transaction_id
            FROM evidence e
            WHERE chain_id = (SELECT chain_id FROM transactions WHERE transaction_id = \(id)) ORDER BY signed_date
            """)
        let checks = try await stack.rows(
            "SELECT due_at::text, progress::text FROM checks WHERE transaction_id = \(id)")
        let sent = SimulatedEnvironment.allCases.flatMap { (try? stack.simulator.notifications(in: $0)) ?? [] }
            .filter { $0.transactionID == id }
            .map { "made \($0.notificationType) at \(Instant(millisecondsSince1970: $0.createdAt))" }
        return (rows + checks).map { $0.map { $0 ?? "-" }.joined(separator: "  ") }.joined(separator: "\n") + "\n"
            + sent.joined(separator: "\n")
    }

    /// What the customer has paid in the end, in milliunits; nothing for a family share.
    private static func net(of truth: SimulatorJSONObject) -> Int64 {
        func integer(_ name: String) -> Int64? {
            if case .integer(let value)? = truth[name] { value } else { nil }
        }
        guard truth["inAppOwnershipType"] == .string("PURCHASED"), let price = integer("price") else { return 0 }
        guard truth["revocationDate"] != nil else { return price }
        guard truth["revocationType"] == .string("REFUND_PRORATED"), let part = integer("revocationPercentage") else {
            return 0
        }
        return price - (price * part + 50_000) / 100_000
    }

    private func knownTransactions() async throws -> [String: Known] {
        var known: [String: Known] = [:]
        for row in try await stack.rows(
            """
            SELECT t.transaction_id, t.state || coalesce('/' || t.refusal, ''), coalesce(t.purchase_id, '-'),
                (EXISTS (SELECT FROM claims c WHERE c.chain_id = t.chain_id AND c.status = 'held'))::text,
                (EXISTS (SELECT FROM claims c WHERE c.chain_id = t.chain_id))::text
            FROM transactions t
            """)
        {
            known[row[0] ?? ""] = Known(
                state: row[1] ?? "", purchaseID: row[2] ?? "", isHeld: row[3] == "true", isClaimed: row[4] == "true")
        }
        return known
    }

    private func checkMoney(_ charged: [String: Int64]) async throws {
        var booked: [String: Int64] = [:]
        for row in try await stack.rows("SELECT purchase_id, sum(amount_milliunits)::text FROM movements GROUP BY 1") {
            booked[row[0] ?? ""] = row[1].flatMap { Int64($0) }
        }
        for (purchase, amount) in charged where booked[purchase] ?? 0 != amount {
            let id = String(purchase.split(separator: ".").last ?? "")
            let story = try await story(of: id)
            Issue.record("\(purchase) is \(booked[purchase] ?? 0), not \(amount), SEED=\(seed)\n\(story)")
        }
        let doubled = try await stack.count(
            "SELECT count(*) FROM (SELECT FROM movements WHERE kind = 'sale' AND step = 0 GROUP BY purchase_id HAVING count(*) > 1) s"
        )
        #expect(doubled == 0, "SEED=\(seed)")
    }

    /// Consumables are delivered once, net, to the holder; all else entitles while it is paid and held, and then alone.
    private func checkRights(_ known: [String: Known], _ isRevoked: [String: Bool]) async throws {
        var delivered: [String: Int64] = [:]
        for row in try await stack.rows(
            """
            SELECT purchase_id, sum(CASE WHEN status = 'cancelled' THEN 0 WHEN kind = 'reversal' THEN -1 ELSE 1 END)::text
            FROM grants GROUP BY 1
            """)
        { delivered[row[0] ?? ""] = row[1].flatMap { Int64($0) } }
        let entitled = Set(
            try await stack.rows(
                "SELECT DISTINCT purchase_id FROM entitlements JOIN transactions USING (transaction_id)"
            ).compactMap { $0[0] })
        for life in lives {
            for id in life.allIDs {
                guard let found = known[id], let revoked = isRevoked[found.purchaseID] else { continue }
                #expect(found.isHeld == found.isClaimed, "somebody holds \(id), SEED=\(seed)")
                switch life.type {
                case .consumable:
                    let expected: Int64 = found.isHeld && !revoked ? 1 : 0
                    #expect(delivered[found.purchaseID] ?? 0 == expected, "delivery of \(id), SEED=\(seed)")
                case .nonConsumable, .nonRenewing:
                    #expect(
                        entitled.contains(found.purchaseID) == (found.isHeld && !revoked),
                        "right to \(id), SEED=\(seed)")
                case .autoRenewable:
                    #expect(!revoked || !entitled.contains(found.purchaseID), "refunded: \(id), SEED=\(seed)")
                }
            }
        }
    }

    /// Each notification is here once, and none is left over.
    private func checkBooks() async throws {
        var made = 0
        for environment in SimulatedEnvironment.allCases {
            made += stack.simulator.notificationsCount(in: environment)
        }
        #expect(try await stack.count("SELECT count(*) FROM notifications") == Int64(made), "SEED=\(seed)")
        #expect(
            try await stack.count("SELECT count(*) FROM notifications WHERE outcome <> 'applied'") == 0, "SEED=\(seed)")
        let open = try await stack.count(
            "SELECT count(*) FROM transactions WHERE state IN ('received', 'pending') OR refusal IS NOT NULL")
        #expect(open == 0, "nothing waits any more, SEED=\(seed)")
    }
}
