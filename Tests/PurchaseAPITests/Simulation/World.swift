import AppStoreSimulator
import Foundation
import HTTPTypes
import Logging
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

/// A world of customers around a simulated App Store, and a Vouch of two processes that hears of it badly.
///
/// Notifications are lost, doubled, delayed and shuffled; Apple throttles, fails, and gives stale answers; one of the
/// processes is stopped in the middle of its work and started anew. One seed decides everything but thread timing.
struct World {
    let stack: TestStack
    let seed: UInt64
    var generator: EdgeGenerator
    var lives: [Life] = []
    /// The second process; replaced when it "crashes".
    var replica: VouchStack
    var isOut = false
    /// What Apple gives, or gave, one stale answer about.
    private var forgotten: Set<String> = []
    private(set) var deliveries = 0
    private(set) var crashes = 0

    init(_ stack: TestStack, seed: UInt64) async throws {
        self.stack = stack
        self.seed = seed
        generator = EdgeGenerator(seed: seed)
        replica = try await Self.process(stack)
        for environment in SimulatedEnvironment.allCases {
            try stack.simulator.setNotificationURL("http://127.0.0.1:1/apple", in: environment)
        }
        // What was before a deployment began is a backfill's; the first sweep marks the beginning.
        await sweep()
    }

    private static func process(_ stack: TestStack) async throws -> VouchStack {
        try await VouchStack.build(
            settings: stack.settings, logger: TestDatabase.silent, now: { [clock = stack.clock] in clock.now })
    }

    // MARK: Living

    /// Begins so many lives and lets things happen to all of them, a few acts for each.
    mutating func play(lives count: Int, actsPerLife: Int = 4) async throws {
        for faults in [
            NotificationFault(.drop(), times: nil, probability: 0.15),
            NotificationFault(.drop(recordedAs: .success), times: nil, probability: 0.03),
            NotificationFault(.repeated(copies: 3), times: nil, probability: 0.1),
            NotificationFault(.hold, times: nil, probability: 0.15),
            NotificationFault(.delay(milliseconds: 7_200_000), times: nil, probability: 0.1),
        ] { try stack.simulator.injectNotificationFault(faults) }
        for kind in [
            SimulatedFault.Kind.throttled(retryAfterMilliseconds: 30_000),
            .serverError(errorCode: 5_000_001, status: 500),
            .notFound(errorCode: 4_040_010), .cutBody,
        ] {
            _ = try stack.simulator.inject(
                SimulatedFault(kind, endpoint: .transactionInfo, times: nil, probability: 0.04))
        }

        for step in 0..<(count * (actsPerLife + 1)) {
            // A new life every few steps, so that young and old ones mix.
            if step % (actsPerLife + 1) == 0 { try begin() } else { try await act() }
            stack.clock.advance(.seconds(Int64.random(in: 1...900, using: &generator)))
            if generator.oneIn(12) { try await deliver() }
            if generator.oneIn(6) { try forget() }
            if generator.oneIn(40) { stack.simulator.releaseHeldNotifications(shuffled: true) }
            if generator.oneIn(60) { _ = await stack.service.recheckWorker.tick() }
            if generator.oneIn(200) { _ = await stack.service.recheckWorker.tick(sweeps: true) }
            if generator.oneIn(150) { await sweep() }
            if generator.oneIn(250) { try await crash() }
            if generator.oneIn(isOut ? 8 : 120) {
                isOut.toggle()
                stack.simulator.setOutage(isOut)
            }
        }
    }

    private mutating func begin() throws {
        let (productID, type) = Life.products.randomElement(using: &generator) ?? ("pro", .nonConsumable)
        var purchase = SimulatedPurchase(productID: productID, type: type)
        purchase.environment = generator.oneIn(6) ? .sandbox : .production
        purchase.price = Int64.random(in: 1...99_999, using: &generator) * 10
        purchase.quantity = type == .consumable ? Int64.random(in: 1...3, using: &generator) : 1
        let id = try stack.simulator.purchase(purchase).transactionID
        let life = Life(
            account: "player-\(lives.count)", productID: productID, type: type, environment: purchase.environment,
            ids: [id])
        lives.append(life)
    }

    /// Apple will answer once about something as it was before its last change; one wrong answer must never last.
    private mutating func forget() throws {
        guard let life = lives.randomElement(using: &generator), let id = life.allIDs.randomElement(using: &generator),
            forgotten.insert(id).inserted
        else { return }
        _ = try stack.simulator.inject(
            SimulatedFault(
                .stale(oldSignedDate: generator.oneIn(2)), transactionID: id, endpoint: .transactionInfo))
    }

    private mutating func act() async throws {
        guard let index = lives.indices.randomElement(using: &generator),
            let act = Act.weighted.randomElement(using: &generator)
        else { return }
        var life = lives[index]
        do {
            try await perform(act, on: &life)
        } catch is SimulatorError {
            // The world doesn't allow it now: a refund of what is refunded, a renewal of what doesn't renew.
        }
        lives[index] = life
    }

    private mutating func perform(_ act: Act, on life: inout Life) async throws {
        let simulator = stack.simulator
        let first = life.ids[0]
        let newest = life.ids[life.ids.count - 1]
        let some = life.allIDs.randomElement(using: &generator) ?? first
        switch act {
        case .post:
            life.keepsakes.append(try simulator.signedTransaction(some, in: life.environment))
            let account = life.members.first { $0.id == some }?.account ?? life.account
            let answer = try await stack.api.post(account, some)
            #expect([200, 202, 409].contains(answer.status), "SEED=\(seed)")
            life.claimants.insert(account)
        case .postOldSigned:
            guard let jws = life.keepsakes.randomElement(using: &generator) else { return }
            let answer = try await stack.api.post(life.account, signed: jws)
            #expect([200, 202, 409, 422].contains(answer.status), "SEED=\(seed)")
        case .foreignPost:
            let answer = try await stack.api.post("thief", first)
            #expect([200, 202, 409].contains(answer.status), "SEED=\(seed)")
        case .renew:
            guard life.type == .autoRenewable else { return }
            life.ids.append(try simulator.renew(newest, in: life.environment).transactionID)
        case .restore:
            guard life.type == .nonConsumable else { return }
            life.ids.append(try simulator.restore(first, in: life.environment).transactionID)
        case .share:
            guard life.type == .nonConsumable || life.type == .autoRenewable, life.members.count < 3 else { return }
            let copy = try simulator.shareWithFamily(newest, in: life.environment).transactionID
            life.members.append(("\(life.account)-member-\(life.members.count)", copy))
        case .stopSharing:
            guard let member = life.members.randomElement(using: &generator) else { return }
            try simulator.stopSharing(member.id, in: life.environment)
        case .refund:
            try simulator.refund(life.ids.randomElement(using: &generator) ?? first, in: life.environment)
        case .refundInPart:
            let part = SimulatedRefund(kind: .prorated, percentage: Int64.random(in: 0...100_000, using: &generator))
            try simulator.refund(newest, part, in: life.environment)
        case .reverseRefund:
            try simulator.reverseRefund(life.ids.randomElement(using: &generator) ?? first, in: life.environment)
        case .declineRefund: try simulator.declineRefund(newest, in: life.environment)
        case .requestConsumption: try simulator.requestConsumption(newest, in: life.environment)
        case .changeRenewal: try simulator.setAutoRenew(generator.oneIn(2), of: newest, in: life.environment)
        case .recheck: _ = try? await stack.api.recheck(some)
        case .acknowledge:
            let open = try await stack.api.get("/v1/accounts/\(life.account)/grants").grants
            guard let grant = open.first else { return }
            _ = try await stack.api.send(.post, "/v1/grants/\(grant.id)/acknowledge")
        }
    }

    // MARK: Hearing of it

    /// What is due arrives in any order, at either process; a few deliveries end in a fault and are sent again.
    mutating func deliver() async throws {
        let due = try stack.simulator.takeDueNotifications().shuffled(using: &generator)
        for delivery in due {
            deliveries += 1
            let service = generator.oneIn(2) ? stack.service : replica.service
            // Lost on the way in, or the answer on the way back: Apple can't tell the two apart.
            let isLostBefore = generator.oneIn(25)
            let isLostAfter = generator.oneIn(25)
            if !isLostBefore {
                let result = try await service.notificationIntake.receive(delivery.signedPayload, origin: .delivery)
                if case .refused(let detail) = result { Issue.record("refused: \(detail), SEED=\(seed)") }
            }
            stack.simulator.finish(delivery, with: isLostBefore || isLostAfter ? .timedOut : .success)
        }
    }

    private func sweep() async {
        for environment in StoreEnvironment.allCases { _ = await stack.sweeper().sweep(environment) }
    }

    /// Stops a process in the middle of taking in notifications, wherever it is, and starts another.
    private mutating func crash() async throws {
        crashes += 1
        let due = try stack.simulator.takeDueNotifications()
        let service = replica.service
        let work = Task {
            for delivery in due {
                _ = try? await service.notificationIntake.receive(delivery.signedPayload, origin: .delivery)
            }
        }
        for _ in 0..<Int.random(in: 0...200, using: &generator) { await Task.yield() }
        work.cancel()
        await work.value
        // Apple heard no answer to any of them.
        for delivery in due { stack.simulator.finish(delivery, with: .prematureClose) }
        await replica.close()
        replica = try await Self.process(stack)
    }

    // MARK: Coming to rest

    /// Ends every fault and lets Apple's retries, the sweeps and the checks run out.
    mutating func settle() async throws {
        stack.simulator.setOutage(false)
        stack.simulator.removeAllFaults()
        stack.simulator.removeAllNotificationFaults()
        stack.simulator.releaseHeldNotifications(shuffled: true)
        // The longest contradiction lasts a day and its extensions; Apple's last retry comes after 157 hours.
        for hours in [0, 1, 1, 2, 3, 6, 12, 24, 24, 48, 72, 72] as [Int64] {
            stack.clock.advance(.hours(hours) + .minutes(7))
            try await deliver()
            await sweep()
            for _ in 0..<30 {
                _ = await stack.service.notificationWorker.tick()
                guard await stack.service.recheckWorker.tick() > 0 else { break }
            }
        }
        await replica.close()
    }
}
