import Crypto
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("Coverage and backfills in the ledger")
struct CoverageStoreTests {
    private let now = LedgerFixture.start

    private func begin(
        _ ledger: LedgerFixture, _ holder: String, at instant: Instant, in environment: StoreEnvironment = .production
    ) async throws -> CoverageRecord? {
        try await ledger.store.beginSweep(
            of: environment, holder: holder, firstStart: instant - .minutes(15), until: instant + .minutes(3),
            now: instant)
    }

    private func notification(
        _ uuid: String, _ environment: StoreEnvironment?, signedAt: Instant, waits: Bool, respondBy: Instant? = nil
    ) -> NotificationRecord {
        let jws = "header.\(uuid).signature"
        var record = NotificationRecord(
            uuid: uuid, environment: environment,
            notificationType: respondBy == nil ? "REFUND" : "CONSUMPTION_REQUEST", subtype: nil, signedDate: signedAt,
            receivedAt: signedAt, origin: .delivery, outcome: waits ? .waiting : .kept, jws: jws,
            sha256: Array(SHA256.hash(data: Array(jws.utf8))))
        record.retryAt = waits ? signedAt + .minutes(1) : nil
        record.respondBy = respondBy
        return record
    }

    @Test("coverage begins where it is told to, and of many processes one may sweep")
    func onlyOne() async throws {
        try await LedgerFixture.with { ledger in
            let taken = try await withThrowingTaskGroup(of: CoverageRecord?.self) { group in
                for number in 0..<16 { group.addTask { try await begin(ledger, "process-\(number)", at: now) } }
                return try await group.reduce(into: [CoverageRecord]()) { all, record in
                    if let record { all.append(record) }
                }
            }
            #expect(
                taken == [
                    CoverageRecord(
                        completeFrom: now - .minutes(15), completeThrough: now - .minutes(15), sweptAt: nil, fault: nil,
                        failingSince: nil)
                ])
            #expect(try await begin(ledger, "other store", at: now, in: .sandbox) != nil)
        }
    }

    @Test("who has lost the lease can neither advance nor end what another one does")
    func lostLease() async throws {
        try await LedgerFixture.with { ledger in
            let later = now + .minutes(4)
            _ = try #require(try await begin(ledger, "a", at: now))
            #expect(try await ledger.store.renewSweep(of: .production, holder: "a", until: later))
            #expect(try await begin(ledger, "b", at: later - .seconds(1)) == nil)
            _ = try #require(try await begin(ledger, "b", at: later))

            #expect(try await !ledger.store.renewSweep(of: .production, holder: "a", until: later + .minutes(9)))
            #expect(
                try await !ledger.store.advanceCoverage(
                    of: .production, holder: "a", completeFrom: nil, completeThrough: later, until: later + .minutes(9))
            )
            try await ledger.store.finishSweep(of: .production, holder: "a", sweptAt: later, dueAt: later)
            try await ledger.store.failSweep(
                of: .production, holder: "a", fault: "timed_out", failedAt: later, dueAt: later)
            let reports = try await ledger.store.coverage(of: [.production])
            #expect(reports.first?.record?.completeThrough == now - .minutes(15))
            #expect(reports.first?.record?.sweptAt == nil && reports.first?.record?.fault == nil)
            #expect(try await ledger.store.renewSweep(of: .production, holder: "b", until: later + .minutes(3)))
        }
    }

    @Test("coverage never moves back, and a sweep is due again only when it said so")
    func advance() async throws {
        try await LedgerFixture.with { ledger in
            _ = try #require(try await begin(ledger, "a", at: now))
            for through in [now, now - .minutes(10)] {
                #expect(
                    try await ledger.store.advanceCoverage(
                        of: .production, holder: "a", completeFrom: nil, completeThrough: through,
                        until: now + .minutes(3)))
            }
            try await ledger.store.finishSweep(
                of: .production, holder: "a", sweptAt: now, dueAt: now + .minutes(5))
            #expect(try await begin(ledger, "b", at: now + .minutes(4)) == nil)
            let record = try #require(try await begin(ledger, "b", at: now + .minutes(5)))
            #expect(record.completeThrough == now && record.sweptAt == now)
        }
    }

    @Test("of several failures in a row the first moment is kept, and a success forgets it")
    func failures() async throws {
        try await LedgerFixture.with { ledger in
            for minute in [0, 1, 2] as [Int64] {
                let at = now + .minutes(minute)
                _ = try #require(try await begin(ledger, "a", at: at))
                try await ledger.store.failSweep(
                    of: .production, holder: "a", fault: "fault_\(minute)", failedAt: at, dueAt: at + .seconds(30))
            }
            let failing = try #require(try await begin(ledger, "a", at: now + .minutes(3)))
            #expect(failing.fault == "fault_2" && failing.failingSince == now)
            try await ledger.store.finishSweep(of: .production, holder: "a", sweptAt: now, dueAt: now)
            let healed = try #require(try await begin(ledger, "a", at: now + .minutes(4)))
            #expect(healed.fault == nil && healed.failingSince == nil)
        }
    }

    @Test("a waiting notification holds back what is called complete, unless it is older than all of that")
    func waitingHoldsBack() async throws {
        try await LedgerFixture.with { ledger in
            _ = try #require(try await begin(ledger, "a", at: now))
            _ = try await ledger.store.advanceCoverage(
                of: .production, holder: "a", completeFrom: nil, completeThrough: now, until: now + .minutes(3))
            func report() async throws -> CoverageReport {
                try #require(try await ledger.store.coverage(of: [.production]).first)
            }
            try await ledger.store.keep(notification("old", .production, signedAt: now - .days(1), waits: true))
            try await ledger.store.keep(notification("other", .sandbox, signedAt: now - .minutes(9), waits: true))
            try await ledger.store.keep(notification("done", .production, signedAt: now - .minutes(8), waits: false))
            #expect(try await report().record?.completeThrough == now)
            #expect(try await report().waiting == 1)
            try await ledger.store.keep(notification("waits", .production, signedAt: now - .minutes(3), waits: true))
            #expect(try await report().record?.completeThrough == now - .minutes(3))
            try await ledger.store.keep(notification("nameless", nil, signedAt: now - .minutes(4), waits: true))
            #expect(try await report().record?.completeThrough == now - .minutes(4))
            #expect(try await report().waiting == 3)
            // What is stored hasn't moved: once nothing waits, it is told again.
            let stored = try await ledger.store.beginSweep(
                of: .production, holder: "b", firstStart: now, until: now + .minutes(9), now: now + .minutes(5))
            #expect(stored?.completeThrough == now)
        }
    }

    @Test("backfilled slices join what is complete only without a gap, whatever their order")
    func joining() async throws {
        try await LedgerFixture.with { ledger in
            _ = try #require(try await begin(ledger, "a", at: now))
            let start = now - .minutes(15)
            func from() async throws -> Instant? {
                try await ledger.store.coverage(of: [.production]).first?.record?.completeFrom
            }
            func finish(_ from: Instant, _ to: Instant, _ environment: StoreEnvironment = .production) async throws {
                try await ledger.store.finishBackfill(
                    of: HistorySlice(from: from, to: to), in: environment, notifications: 1, at: now)
                try await ledger.store.joinBackfills(in: .production)
            }
            try await finish(start - .days(3), start - .days(2))
            try await finish(start - .days(1), start, .sandbox)
            #expect(try await from() == start)
            try await finish(start - .days(1), start + .minutes(2))
            #expect(try await from() == start - .days(1))
            try await finish(start - .days(2), start - .days(1))
            #expect(try await from() == start - .days(3), "the last one closed the gap to the first")
            try await finish(start - .days(2), start - .days(1))
            #expect(
                try await ledger.store.finishedBackfills(
                    touching: HistorySlice(from: start - .days(2), to: start - .days(1)), in: .production)
                    == [HistorySlice(from: start - .days(2), to: start - .days(1))])
        }
    }

    @Test("the workload counts what is due by kind, what waits, and the open consumption requests")
    func workload() async throws {
        try await LedgerFixture.with { ledger in
            #expect(try await ledger.store.workload(at: now) == Workload())
            let account = try await ledger.account("ada")
            for id in ["1", "2"] {
                _ = try await ledger.apply(
                    .claimed(TransactionID(id), by: account, at: now),
                    to: Chain(identity: .provisional(TransactionID(id))))
            }
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query("UPDATE checks SET sweep = true WHERE transaction_id = '2'")
            }
            try await ledger.store.keep(notification("waits", .sandbox, signedAt: now - .minutes(3), waits: true))
            for (uuid, deadline) in [("past", now), ("soon", now + .hours(2)), ("later", now + .hours(11))] {
                try await ledger.store.keep(
                    notification(uuid, .production, signedAt: now - .minutes(1), waits: false, respondBy: deadline))
            }
            let workload = try await ledger.store.workload(at: now + .days(1))
            #expect(workload.retry.due == 1 && workload.sweep.due == 1)
            #expect(workload.retry.oldestDueAt != nil && workload.sweep.oldestDueAt != nil)
            #expect(workload.consumptionRequestsOpen == 0 && workload.nextConsumptionDeadline == nil)
            let earlier = try await ledger.store.workload(at: now)
            #expect(earlier.consumptionRequestsOpen == 2 && earlier.nextConsumptionDeadline == now + .hours(2))
            #expect(earlier.notificationsWaiting == 1)
            #expect(earlier.notificationReceivedAt == now - .minutes(1))
        }
    }

    @Test("levels of the budget are what the last draw left")
    func levels() async throws {
        try await LedgerFixture.with { ledger in
            #expect(try await ledger.store.budgetLevels() == [])
            _ = try await RequestBudgetStore(client: ledger.client).takeTokens(
                BudgetRequest(
                    environment: .sandbox, endpointClass: .lookup, count: 3, tokensPerHour: 1, capacity: 10))
            let level = try #require(try await ledger.store.budgetLevels().first)
            #expect(level.environment == .sandbox && level.endpointClass == .lookup && level.tokens == 7)
            #expect(level.age >= .zero)
        }
    }
}
