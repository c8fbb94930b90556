import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

/// Customers with subscriptions, an App Store where these go on by themselves, and a service that hears of it somehow.
///
/// Time goes from one interesting instant to the next: whatever happens, whatever the service has planned, and the
/// milliseconds around every end of a period, a grace period and a leeway. At each of them the service's answer is held
/// against what the App Store knows. One seed decides everything.
struct SubscriptionWorld {
    /// An instant at which something happens to a life, or at which it is looked at.
    struct Moment: Comparable {
        let at: Int64
        let life: Int
        let act: SubscriptionAct?

        static func < (left: Self, right: Self) -> Bool { (left.at, left.life) < (right.at, right.life) }
    }

    static let leeway = SubscriptionLife.hour

    let stack: TestStack
    /// Reads the service's plans behind its back.
    let client: PostgresClient
    let seed: UInt64
    let hearing: Hearing
    var generator: EdgeGenerator
    var lives: [SubscriptionLife] = []
    let start: Int64
    private var agenda: [Moment] = []
    private(set) var looks = 0
    var isOut = false

    var now: Int64 { stack.clock.now.millisecondsSince1970 }

    init(_ stack: TestStack, client: PostgresClient, seed: UInt64, hearing: Hearing) throws {
        (self.stack, self.client, self.seed, self.hearing) = (stack, client, seed, hearing)
        generator = EdgeGenerator(seed: seed)
        stack.clock.stand(at: stack.clock.now)
        start = stack.clock.now.millisecondsSince1970
        guard hearing == .notifications || hearing == .disorder else { return }
        try stack.simulator.setNotificationURL("http://127.0.0.1:1/apple", in: .production)
        guard hearing == .disorder else { return }
        for fault in [
            NotificationFault(.drop(), times: nil, probability: 0.2),
            NotificationFault(.repeated(copies: 2), times: nil, probability: 0.2),
            NotificationFault(.hold, times: nil, probability: 0.2),
            NotificationFault(.delay(milliseconds: 3 * SubscriptionLife.day), times: nil, probability: 0.2),
        ] { try stack.simulator.injectNotificationFault(fault) }
    }

    // MARK: Time

    /// Plays so many lives to the end of the world.
    mutating func play(lives count: Int) async throws {
        for _ in 0..<count { try await begin() }
        let end = start + SubscriptionLife.days * SubscriptionLife.day
        while let moment = try await next(), moment.at < end {
            stack.clock.stand(at: Instant(millisecondsSince1970: moment.at))
            try await step(moment)
        }
    }

    /// The next moment of any kind; one without a life is a question that the service has planned.
    private mutating func next() async throws -> Moment? {
        var candidates: [Moment] = agenda.min().map { [$0] } ?? []
        if let event = stack.simulator.nextSubscriptionEventAt {
            candidates.append(Moment(at: event, life: -1, act: nil))
        }
        if let delivery = stack.simulator.nextNotificationAt {
            candidates.append(Moment(at: delivery, life: -1, act: nil))
        }
        let due = try await client.query("SELECT floor(extract(epoch FROM min(due_at)) * 1000)::bigint FROM checks")
        if let at = try due.first?.decode(0, as: Int64?.self) { candidates.append(Moment(at: at, life: -1, act: nil)) }
        // What is overdue was tried just now, and is tried again at the next moment.
        guard let first = candidates.filter({ $0.at > now || $0.life >= 0 }).min() else { return nil }
        if first.life >= 0 { agenda.removeAll { $0 == first && $0.act == first.act } }
        return first
    }

    private mutating func step(_ moment: Moment) async throws {
        try await switchOutage()
        if moment.life >= 0 {
            if let act = moment.act {
                try await perform(act, on: moment.life)
            } else {
                try await look(at: moment.life, isSettled: false)
            }
        }
        try await settle()
        // An event of one subscription can be its family's too; looking at all costs less than finding out.
        for life in lives.indices where moment.life < 0 || life == moment.life || lives[life].isMember {
            if try noticeChange(of: life) || life == moment.life { try await look(at: life, isSettled: true) }
        }
    }

    /// Lets the service hear and ask what it can at this instant.
    private mutating func settle() async throws {
        if hearing == .disorder, generator.oneIn(12) {
            stack.simulator.releaseHeldNotifications(in: .production, shuffled: true)
        }
        let due = try stack.simulator.takeDueNotifications(in: .production)
        for delivery in hearing == .disorder ? due.shuffled(using: &generator) : due {
            let result = try await stack.service.notificationIntake.receive(delivery.signedPayload, origin: .delivery)
            if case .refused(let detail) = result { Issue.record("refused: \(detail), SEED=\(seed)") }
            stack.simulator.finish(delivery, with: .success)
        }
        for _ in 0..<8 {
            let asked = await stack.service.recheckWorker.tick()
            let swept = isOut ? 0 : await stack.service.recheckWorker.tick(sweeps: true)
            guard asked + swept > 0 else { break }
        }
    }

    private mutating func switchOutage() async throws {
        guard hearing == .outage else { return }
        let (from, until) = (start + 47 * SubscriptionLife.day, start + 107 * SubscriptionLife.day)
        if !isOut, now >= from, now < until {
            for life in lives.indices { lives[life].promise = try await promise(to: life) }
            isOut = true
            stack.simulator.setOutage(true)
        } else if isOut, now >= until {
            isOut = false
            stack.simulator.setOutage(false)
            for life in lives.indices {
                lives[life].promise = nil
                // Questions that failed for so long are repeated at longer distances.
                lives[life].mayLagUntil = now + SubscriptionLife.day + SubscriptionLife.hour
            }
        }
    }

    // MARK: Lives

    private mutating func begin() async throws {
        let (purchase, terms) = SubscriptionLife.beginning(&generator)
        let account = "account-\(lives.count)"
        let id = try stack.simulator.purchase(purchase).transactionID
        try stack.simulator.run(id, terms)
        let grace = terms.gracePeriodMilliseconds.map { "\($0 / SubscriptionLife.day) days" } ?? "none"
        let offer = purchase.offer.map { "\($0.discount)" } ?? "no offer"
        try await add(
            SubscriptionLife(
                account: account, id: id,
                story: ["0 begins: \(offer), grace \(grace), \(terms.renewsAheadMilliseconds) ms ahead"]))
        let plan = SubscriptionLife.plan(hearing, &generator)
        agenda += plan.map { Moment(at: start + $0.at, life: lives.count - 1, act: $0.act) }
    }

    /// Takes up a life whose first transaction the app has just posted.
    mutating func add(_ life: SubscriptionLife) async throws {
        lives.append(life)
        try await post(life.id, lives.count - 1)
        try await settle()
        _ = try noticeChange(of: lives.count - 1)
        try await look(at: lives.count - 1, isSettled: true)
    }

    /// What a device does after every purchase.
    func post(_ id: String, _ life: Int) async throws {
        let answer = try await stack.api.post(lives[life].account, id)
        #expect(answer.status == 200 || isOut, "\(answer.text), SEED=\(seed)")
    }

    /// Plans looks around the ends that are known now.
    mutating func plan(looksAt life: Int) throws {
        guard let truth = lives[life].truth else { return }
        let paid = try stack.simulator.payload(of: truth.transactionID)["expiresDate"]?.integerValue ?? truth.until
        let (leeway, hour) = (Self.leeway, SubscriptionLife.hour)
        var instants: Set<Int64> = []
        for end in Set([paid, truth.until]) {
            instants.formUnion([-24 * hour, -600_000, -1, 0, 1, 5_001, 61_000].map { end + $0 })
            instants.formUnion([leeway - 1, leeway, leeway + 1, 25 * hour].map { end + $0 })
        }
        for at in instants where at > now {
            let moment = Moment(at: at, life: life, act: nil)
            if !agenda.contains(where: { $0 == moment && $0.act == nil }) { agenda.append(moment) }
        }
    }

    mutating func count() { looks += 1 }
}
