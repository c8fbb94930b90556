import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("Sweeps of what is paid, end to end")
struct RefundSweepTests {
    @Test("a refund that nobody told of is found by a sweep, and a planned sweep is no wait of the customer's")
    func findsRefund() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
                .transactionID
            let posted = try await stack.api.post("ada", id)
            #expect(posted.state == "paid" && posted.json?["nextCheckAt"] == .null)
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE sweep AND due_at > now()") == 1)
            #expect(await stack.service.recheckWorker.tick(sweeps: true) == 0, "not due yet")

            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            stack.clock.advance(.days(2))
            #expect(await stack.service.recheckWorker.tick() == 0, "the other loop leaves it alone")
            #expect(await stack.service.recheckWorker.tick(sweeps: true) == 1)
            let refunded = try await stack.api.get("/v1/transactions/\(id)")
            #expect(refunded.stateAndReason == "refunded/refund_full")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            // So great a change is confirmed once more; what is refunded is not swept.
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE sweep") == 0)
            stack.clock.advance(.minutes(3))
            await stack.recheckUntilQuiet()
            #expect(try await stack.api.get("/v1/transactions/\(id)").state == "refunded")
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE due_at IS NOT NULL") == 0)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a sweep during an outage stays one and changes nothing; a recheck that support asks for is none")
    func outage() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
                .transactionID
            _ = try await stack.api.post("ada", id)
            stack.simulator.setOutage(true)
            stack.clock.advance(.days(2))
            #expect(await stack.service.recheckWorker.tick(sweeps: true) == 1)
            let after = try await stack.api.get("/v1/transactions/\(id)")
            #expect(after.stateAndReason == "paid/confirmed" && after.json?["nextCheckAt"] == .null)
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE sweep AND lease_holder IS NULL") == 1)

            let asked = try await stack.api.recheck(id)
            #expect(asked.json?["nextCheckAt"]?.text != nil, "support waits for this one")
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE sweep") == 0)
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            #expect(try await stack.api.get("/v1/transactions/\(id)").json?["nextCheckAt"] == .null)
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE sweep") == 1)
        }
    }

    @Test("a thousand due sweeps that hang don't delay a pending purchase", .timeLimit(.minutes(15)))
    func thousand() async throws {
        try await TestStack.with { stack in
            let appStore = HangingSweeps()
            let (service, configuration) = stack.service(asking: appStore)
            try await stack.storePaid(1_000, at: stack.clock.now)
            stack.clock.advance(.days(2))
            let pending = TransactionID("999999")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await service.pool.run() }
                group.addTask { try await service.recheckWorker.run() }
                // From here on every place that sweeps have is taken, and never given back.
                var swept = appStore.swept.makeAsyncIterator()
                for _ in 0..<configuration.asks(in: .sweep) { _ = await swept.next() }

                let account = try await stack.store.register(
                    AccountID("ada"), statedToken: nil, ruleToken: nil
                ).number
                try await stack.store(
                    .claimed(pending, by: account, at: stack.clock.now), to: Chain(identity: .provisional(pending)))
                var retried = appStore.retried.makeAsyncIterator()
                let first = await retried.next()
                #expect(first == pending, "it is asked about, and nothing else in this lane")
                group.cancelAll()
            }
            #expect(try await stack.count("SELECT count(*) FROM checks WHERE sweep") == 1_000)
        }
    }
}

/// An App Store that never answers a sweep, and knows nothing of what it is asked about otherwise.
private final class HangingSweeps: AppStorePort {
    /// What was asked about in the lane of sweeps, and in that of the other rechecks.
    let swept: AsyncStream<TransactionID>
    let retried: AsyncStream<TransactionID>
    private let sweptInput: AsyncStream<TransactionID>.Continuation
    private let retriedInput: AsyncStream<TransactionID>.Continuation

    init() {
        (swept, sweptInput) = AsyncStream.makeStream()
        (retried, retriedInput) = AsyncStream.makeStream()
    }

    func transactionInfo(
        _ id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreAnswer {
        guard lane == .sweep else {
            retriedInput.yield(id)
            return .notFound(errorCode: 4_040_010)
        }
        sweptInput.yield(id)
        // Ends when the task is cancelled, and never before.
        for await _ in AsyncStream<Never>.makeStream().stream {}
        return .unavailable(.cancelled)
    }

    func subscriptionStatuses(
        of id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SubscriptionStatuses> { .notFound(errorCode: 4_040_010) }

    func transactionHistory(
        of id: TransactionID, revision: String?, in environment: StoreEnvironment, lane: RequestLane,
        deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> { .notFound(errorCode: 4_040_010) }
}

extension TestStack {
    /// A service over this stack's database and another App Store, with a worker that looks for work without a pause.
    fileprivate func service(asking appStore: any AppStorePort) -> (VouchService, ServiceConfiguration) {
        var configuration = ServiceConfiguration()
        configuration.pollEvery = .milliseconds(1)
        var dependencies = service.dependencies
        dependencies.appStore = appStore
        dependencies.processName = "sweeper"
        return (VouchService(dependencies: dependencies, configuration: configuration), configuration)
    }

    /// Paid transactions of chains of their own, charged and confirmed at an instant; nothing here verifies signatures.
    fileprivate func storePaid(_ count: Int, at instant: Instant) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...count {
                let id = TransactionID("\(number)")
                let original = OriginalTransactionID("\(number)")
                var facts = TransactionFacts(
                    transactionID: id, originalTransactionID: original, environment: .production, signedDate: instant)
                facts.bundleID = settings.app.bundleID
                facts.productID = ProductID("pro")
                facts.type = .nonConsumable
                facts.inAppOwnershipType = .purchased
                (facts.purchaseDate, facts.originalPurchaseDate) = (instant, instant)
                let digits = String(number)
                let sha256 = String(repeating: "0", count: 64 - digits.count) + digits
                let evidence = Evidence(
                    id: EvidenceID(sha256: sha256, source: .appStore), facts: facts, seenAt: instant)
                group.addTask { [facts] in
                    try await store(
                        .evidenceVerified(evidence, absorbing: nil),
                        to: Chain(identity: .original(facts.environment, original)),
                        body: EvidenceBody(jws: "a.\(number).b", appAccountToken: nil, appTransactionID: nil))
                }
            }
            try await group.waitForAll()
        }
    }

    /// Decides and commits, as of now.
    fileprivate func store(_ input: Input, to chain: Chain, body: EvidenceBody? = nil) async throws {
        let now = clock.now
        guard case .record(let recorded) = decide(chain, input, policy: service.dependencies.policy, now: now) else {
            Issue.record("the input is new")
            return
        }
        let id = try await store.commit(
            CommittableDecision(
                recorded: recorded, before: chain, actor: nil, requestID: nil, recordedAt: now, body: body,
                process: "test", lease: nil))
        #expect(id != nil)
    }
}
