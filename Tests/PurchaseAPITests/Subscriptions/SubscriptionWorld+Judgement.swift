import AppStoreSimulator
import Foundation
import Postgres
import PurchaseCore
import TestSupport
import Testing

extension SubscriptionWorld {
    /// What the service says of an account.
    private struct Said {
        var isEntitled: Bool
        var reason: String
        /// Milliseconds since 1970 UTC.
        var until: Int64?
    }

    /// Takes in what has changed in the App Store since the last time; whether anything has.
    mutating func noticeChange(of index: Int) throws -> Bool {
        let before = lives[index].truth
        let truth = try stack.simulator.truth(ofSubscription: lives[index].id)
        guard truth != before else { return false }
        lives[index].truth = truth
        tell(index, "truth: \(truth.reason) until \(date(truth.until))")
        if let before, !before.isEntitled, truth.isEntitled {
            // A failed charge is asked about once a day, once the first hours have passed. What was revoked or has lapsed
            // nobody asks about: who subscribes anew posts it, and what members hear is lost at times in this world,
            // where no history is swept.
            let isUnheard = lives[index].isMember && before.reason != .billingRetry
            lives[index].mayLagUntil = isUnheard ? truth.until : now + 25 * SubscriptionLife.hour
        }
        if let before, before.isEntitled, truth.reason == .revoked || truth.until < before.until {
            lives[index].believedUntil = max(lives[index].believedUntil, before.until)
        }
        try plan(looksAt: index)
        return true
    }

    /// Holds the service's answer against the truth.
    ///
    /// `isSettled`: it has heard and asked what it could at this instant.
    mutating func look(at index: Int, isSettled: Bool) async throws {
        let life = lives[index]
        guard !life.isOver else { return }
        let truth = try stack.simulator.truth(ofSubscription: life.id)
        // Before it has settled, something may have happened at this very instant.
        guard isSettled || life.truth == truth else { return }
        count()
        let said = try await said(of: life.account)
        let fault = life.promise.map { broken($0, said) } ?? disagreement(life, truth, said, isSettled: isSettled)
        guard let fault else { return }
        lives[index].isOver = true
        let story = try await evidence(of: life)
        Issue.record(
            """
            \(fault): \(life.account) (\(life.id)) at \(date(now)), \(isSettled ? "settled" : "before it settles"), \
            hearing \(hearing), SEED=\(seed)
            truth: \(truth.reason) until \(date(truth.until)) by \(truth.transactionID); service: \(text(said))
            \(life.story.joined(separator: "\n"))
            \(story)
            """)
    }

    /// What the service says that the App Store contradicts; `nil`: nothing.
    private func disagreement(
        _ life: SubscriptionLife, _ truth: SubscriptionTruth, _ said: Said, isSettled: Bool
    ) -> String? {
        switch (truth.isEntitled, said.isEntitled) {
        case (false, false): return nil
        case (true, true): return wrongEnd(truth, said)
        case (true, false):
            // Nobody told of a recovery: it is found out with the next question.
            let isLate = hearing.isExact ? !isSettled : now < life.mayLagUntil
            return isLate ? nil : "cut off"
        case (false, true):
            let paidUntil = truth.until
            // In the leeway, and only until the answer of the question that is due five seconds after the end.
            let answer = isSettled ? (hearing.isExact ? 0 : 5_001) : Self.leeway
            if said.reason == "renewal_unconfirmed", now >= paidUntil, now < paidUntil + answer { return nil }
            if !hearing.isExact, now < life.believedUntil + 5_001 { return nil }
            return "served for nothing"
        }
    }

    /// Whoever hears everything knows the end too, and the reason.
    private func wrongEnd(_ truth: SubscriptionTruth, _ said: Said) -> String? {
        guard hearing.isExact else { return nil }
        // The row of a period that will be renewed ends with the leeway.
        let ends = [truth.until, truth.until + Self.leeway]
        return said.until.map(ends.contains) == true ? nil : "another end"
    }

    private func broken(_ promise: OutagePromise, _ said: Said) -> String? {
        if let least = promise.atLeastUntil, now < least, !said.isEntitled { return "cut off in an outage" }
        return said.isEntitled && now >= promise.atMostUntil ? "served for nothing in an outage" : nil
    }

    private func text(_ said: Said) -> String {
        said.isEntitled ? "\(said.reason) until \(said.until.map(date) ?? "-")" : "nothing"
    }

    /// What an outage that begins now may not change.
    func promise(to index: Int) async throws -> OutagePromise {
        let life = lives[index]
        let truth = try stack.simulator.truth(ofSubscription: life.id)
        let payload = try stack.simulator.payload(of: truth.transactionID)
        let (begin, end) = (payload["purchaseDate"]?.integerValue ?? 0, payload["expiresDate"]?.integerValue ?? 0)
        // A period that was charged ahead, or that nobody has told of yet, is known by nobody but Apple.
        let isSure = truth.reason == .paid && begin + 2 * SubscriptionLife.hour < now && now >= life.mayLagUntil
        let isKnown = try await said(of: life.account).isEntitled
        return OutagePromise(
            atLeastUntil: isSure && isKnown ? end : nil,
            atMostUntil: max(max(end, truth.until) + Self.leeway, life.believedUntil + Self.leeway))
    }

    private func said(of account: String) async throws -> Said {
        let answer = try await stack.api.get("/v1/accounts/\(account)/entitlements")
        let row = answer.json?["entitlements"]?.items?.first { $0["key"]?.text == "plus" }
        return Said(
            isEntitled: row?["active"] == .bool(true), reason: row?["reason"]?.text ?? "-",
            until: row?["until"]?.text.flatMap(Self.milliseconds))
    }

    /// Reads an instant of the API.
    private static func milliseconds(_ text: String) -> Int64? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? style.parse(text)).map { Int64(($0.timeIntervalSince1970 * 1_000).rounded()) }
    }

    /// What the service knows and plans, for whoever reads a failure.
    private func evidence(of life: SubscriptionLife) async throws -> String {
        let rows = try await stack.rows(
            """
            SELECT t.transaction_id, t.state, e.until::text, e.paid_until::text, e.extension, c.due_at::text,
                c.progress::text
            FROM transactions t LEFT JOIN entitlements e USING (transaction_id) LEFT JOIN checks c USING (transaction_id)
            WHERE t.chain_id = (SELECT chain_id FROM transactions WHERE transaction_id = \(life.id))
            ORDER BY t.transaction_id
            """)
        let sent = try stack.simulator.notifications(in: .production).filter { $0.originalTransactionID == life.id }
            .map { "\(date($0.createdAt)) \($0.notificationType)/\($0.subtype ?? "") of \($0.transactionID ?? "")" }
        let known = rows.map { $0.map { $0 ?? "-" }.joined(separator: "  ") }
        return (sent + known + ["the world began at \(start)"]).joined(separator: "\n")
    }
}
