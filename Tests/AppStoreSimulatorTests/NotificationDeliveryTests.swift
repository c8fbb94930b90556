import Synchronization
import Testing

@testable import AppStoreSimulator

@Suite("Delivery of notifications")
struct NotificationDeliveryTests {
    private static let hour: Int64 = 3_600_000

    private let clock = TestClock()
    private let simulator: AppStoreSimulator

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.seed = 11
        configuration.notificationURLs = [
            .production: "https://app.example/production", .sandbox: "https://app.example/sandbox",
        ]
        simulator = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
    }

    /// A receiver that remembers what it got and answers as it is told.
    private final class Receiver: Sendable {
        private let deliveries = Mutex<[NotificationDelivery]>([])
        private let result: @Sendable (NotificationDelivery) -> SendAttemptResult

        init(_ result: @escaping @Sendable (NotificationDelivery) -> SendAttemptResult = { _ in .success }) {
            self.result = result
        }

        var received: [NotificationDelivery] { deliveries.withLock { $0 } }
        var uuids: [String] { received.map(\.notificationUUID) }

        var send: NotificationSender {
            { delivery in
                self.deliveries.withLock { $0.append(delivery) }
                return self.result(delivery)
            }
        }
    }

    @discardableResult
    private func buy(_ count: Int = 1, in environment: SimulatedEnvironment = .production) throws -> [String] {
        let before = simulator.notificationsCount(in: environment)
        for _ in 0..<count {
            try simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable, environment: environment))
        }
        return try simulator.notifications(in: environment, after: before).map(\.notificationUUID)
    }

    @Test("each environment's notifications go to its own URL, in order, once")
    func urls() async throws {
        let receiver = Receiver()
        let production = try buy(3)
        let sandbox = try buy(2, in: .sandbox)
        #expect(try await simulator.deliverDue(concurrencyMax: 1, using: receiver.send) == 5)
        #expect(receiver.uuids == production + sandbox)
        #expect(receiver.received.map(\.url).filter { $0.hasSuffix("/sandbox") }.count == 2)
        #expect(try await simulator.deliverDue(using: receiver.send) == 0)
        #expect(try simulator.pendingNotifications(in: .production).isEmpty)
        let first = try simulator.notification(production[0])
        #expect(first.isDelivered)
        #expect(first.attempts == [SendAttempt(attemptDate: clock.now, result: .success)])
        let body = try SimulatorJSON(parsing: receiver.received[0].body).objectValue
        #expect(body?.names == ["signedPayload"])
        #expect(body?["signedPayload"] == .string(first.signedPayload))
    }

    @Test("production tries again after 1, 12, 24, 48 and 72 hours, each counted from the attempt before")
    func productionSchedule() async throws {
        let receiver = Receiver { _ in .unsuccessfulHTTPResponseCode }
        let uuid = try buy()[0]
        let start = clock.now
        try await simulator.deliverDue(using: receiver.send)
        for hours: Int64 in [1, 12, 24, 48, 72] {
            clock.advance(by: hours * Self.hour - 1)
            #expect(try await simulator.deliverDue(using: receiver.send) == 0)
            #expect(simulator.nextNotificationAt == clock.now + 1)
            clock.advance(by: 1)
            #expect(try await simulator.deliverDue(using: receiver.send) == 1)
        }
        #expect(simulator.nextNotificationAt == nil)
        clock.advance(by: 1000 * Self.hour)
        #expect(try await simulator.deliverDue(using: receiver.send) == 0)
        #expect(receiver.uuids == Array(repeating: uuid, count: 6), "one UUID in all attempts")
        #expect(Set(receiver.received.map(\.signedPayload)).count == 1)
        let hours = try simulator.notification(uuid).attempts.map { ($0.attemptDate - start) / Self.hour }
        #expect(hours == [0, 1, 13, 37, 85, 157])
        #expect(try simulator.pendingNotifications(in: .production).isEmpty)
    }

    @Test("a retry that is taken ends the matter")
    func recovery() async throws {
        let isUp = Mutex(false)
        let uuid = try buy()[0]
        let receiver = Receiver { _ in isUp.withLock { $0 } ? .success : .timedOut }
        try await simulator.deliverDue(using: receiver.send)
        isUp.withLock { $0 = true }
        clock.advance(by: Self.hour)
        try await simulator.deliverDue(using: receiver.send)
        #expect(try simulator.notification(uuid).attempts.map(\.result) == [.timedOut, .success])
        #expect(try simulator.notification(uuid).isDelivered)
        #expect(simulator.nextNotificationAt == nil)
    }

    @Test("the sandbox tries once")
    func sandbox() async throws {
        let receiver = Receiver { _ in .noResponse }
        let uuid = try buy(in: .sandbox)[0]
        try await simulator.deliverDue(using: receiver.send)
        #expect(simulator.nextNotificationAt == nil)
        let seen = try simulator.notification(uuid)
        #expect(seen.attempts.map(\.result) == [.noResponse])
        #expect(!seen.isDelivered && seen.nextAttemptAt == nil)
    }

    @Test("hours can be compressed")
    func compressed() async throws {
        var configuration = simulator.configuration
        configuration.retryHourMilliseconds = 1000
        let quick = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
        try quick.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        let receiver = Receiver { _ in .other }
        try await quick.deliverDue(using: receiver.send)
        #expect(quick.nextNotificationAt == clock.now + 1000)
    }

    @Test("without a URL everything waits, and comes when there is one")
    func noURL() async throws {
        let receiver = Receiver()
        try simulator.setNotificationURL(nil, in: .production)
        let uuids = try buy(2)
        #expect(try await simulator.deliverDue(using: receiver.send) == 0)
        #expect(simulator.nextNotificationAt == nil)
        #expect(try simulator.pendingNotifications(in: .production).count == 2)
        try simulator.setNotificationURL("https://app.example/later", in: .production)
        try await simulator.deliverDue(concurrencyMax: 1, using: receiver.send)
        #expect(receiver.uuids == uuids)
    }

    @Test("dropped ones are never sent, and what was recorded of them is what the fault says")
    func drop() async throws {
        try simulator.injectNotificationFault(NotificationFault(.drop(), times: 2))
        try simulator.injectNotificationFault(NotificationFault(.drop(recordedAs: .success), times: 3))
        let uuids = try buy(4)
        let receiver = Receiver()
        try await simulator.deliverDue(using: receiver.send)
        #expect(receiver.uuids == [uuids[3]])
        let seen = try uuids.map { try simulator.notification($0) }
        #expect(seen.map(\.isDropped) == [true, true, true, false])
        #expect(seen.map(\.attempts.count) == [1, 1, 1, 1], "a notification meets every fault that matches it")
        simulator.removeAllNotificationFaults()
        try simulator.injectNotificationFault(NotificationFault(.drop()))
        #expect(try simulator.notification(buy()[0]).attempts.isEmpty)
    }

    @Test("a fault meets only what it names")
    func faultFilters() async throws {
        try simulator.injectNotificationFault(
            NotificationFault(.drop(), environment: .sandbox, notificationType: "ONE_TIME_CHARGE", times: nil))
        try buy(2)
        let dropped = try buy(2, in: .sandbox)
        try simulator.notify(.init("TEST", environment: .sandbox))
        let seen = try simulator.notifications(in: .sandbox)
        #expect(seen.filter(\.isDropped).map(\.notificationUUID) == dropped)
        #expect(try simulator.notifications(in: .production).filter(\.isDropped).isEmpty)
        let id = try simulator.purchase(SimulatedPurchase(productID: "a", type: .nonConsumable)).transactionID
        try simulator.injectNotificationFault(NotificationFault(.drop(), transactionID: id))
        try buy()
        try simulator.refund(id)
        #expect(try simulator.notifications(in: .production).filter(\.isDropped).map(\.transactionID) == [id])
    }

    @Test("a repeated one arrives several times under one UUID and is one attempt")
    func repeated() async throws {
        try simulator.injectNotificationFault(NotificationFault(.repeated(copies: 3)))
        let uuid = try buy()[0]
        let receiver = Receiver()
        #expect(try await simulator.deliverDue(using: receiver.send) == 3)
        #expect(receiver.uuids == [uuid, uuid, uuid])
        #expect(try simulator.notification(uuid).attempts.count == 1)
    }

    @Test("held ones wait for their release, and are shuffled by the seed")
    func held() async throws {
        let id = try simulator.injectNotificationFault(NotificationFault(.hold, times: nil))
        let uuids = try buy(20)
        #expect(simulator.removeNotificationFault(id))
        let receiver = Receiver()
        #expect(try await simulator.deliverDue(using: receiver.send) == 0)
        #expect(try simulator.notifications(in: .production).allSatisfy(\.isHeld))
        #expect(simulator.releaseHeldNotifications(in: .sandbox) == 0)
        #expect(simulator.releaseHeldNotifications(shuffled: true) == 20)
        try await simulator.deliverDue(concurrencyMax: 1, using: receiver.send)
        #expect(receiver.uuids.sorted() == uuids.sorted())
        #expect(receiver.uuids != uuids)
        #expect(simulator.releaseHeldNotifications() == 0)
    }

    @Test("a delayed one comes late, and a later one before it")
    func delayed() async throws {
        try simulator.injectNotificationFault(NotificationFault(.delay(milliseconds: 5000)))
        let uuids = try buy(2)
        let receiver = Receiver()
        try await simulator.deliverDue(using: receiver.send)
        clock.advance(by: 5000)
        try await simulator.deliverDue(using: receiver.send)
        #expect(receiver.uuids == [uuids[1], uuids[0]])
    }

    @Test("an altered one is sent in place of the genuine one, in each attempt")
    func altered() async throws {
        try simulator.injectNotificationFault(NotificationFault(.altered(.bundleID("com.example.other"))))
        let uuid = try buy()[0]
        let receiver = Receiver { _ in .unsuccessfulHTTPResponseCode }
        try await simulator.deliverDue(using: receiver.send)
        clock.advance(by: Self.hour)
        try await simulator.deliverDue(using: receiver.send)
        for delivery in receiver.received {
            let seen = try NotificationInspection(delivery.signedPayload)
            #expect(seen.member()["bundleId"] as? String == "com.example.other")
        }
        #expect(receiver.received.count == 2)
        let genuine = try NotificationInspection(simulator.notification(uuid).signedPayload)
        #expect(genuine.member()["bundleId"] as? String == "com.example.app")
    }

    @Test("senseless faults are refused")
    func refusedFaults() {
        let faults = [
            NotificationFault(.repeated(copies: 1)), NotificationFault(.repeated(copies: 101)),
            NotificationFault(.delay(milliseconds: -1)), NotificationFault(.hold, times: 0),
            NotificationFault(.hold, probability: 1.5),
        ]
        for fault in faults {
            #expect(throws: SimulatorError.self) { try simulator.injectNotificationFault(fault) }
        }
    }

    @Test("whoever delivers by hand decides order and outcome")
    func byHand() throws {
        let uuids = try buy(3)
        let taken = try simulator.takeDueNotifications(limit: 2)
        #expect(taken.map(\.notificationUUID) == [uuids[0], uuids[1]])
        #expect(try simulator.takeDueNotifications().map(\.notificationUUID) == [uuids[2]])
        #expect(try simulator.pendingNotifications(in: .production).count == 3, "in flight is not done")
        simulator.finish(taken[1], with: .success)
        simulator.finish(taken[0], with: .prematureClose)
        simulator.finish(taken[0], with: .success)
        #expect(try simulator.notification(uuids[1]).isDelivered)
        #expect(try simulator.notification(uuids[0]).attempts.map(\.result) == [.prematureClose], "told twice")
        #expect(try simulator.notification(uuids[0]).nextAttemptAt == clock.now + Self.hour)
        simulator.reset()
        try buy(3)
        simulator.finish(taken[0], with: .success)
        #expect(try simulator.notifications(in: .production).allSatisfy { $0.attempts.isEmpty }, "of another life")
    }

    @Test("what is due first comes first, whatever was scheduled when")
    func scheduleOrder() {
        var schedule = DeliverySchedule()
        var generator = SeededGenerator(seed: 3)
        let times = (0..<500).map { _ in Int64.random(in: 0..<50, using: &generator) }
        for (number, time) in times.enumerated() { schedule.add(number, at: time) }
        var popped: [Int] = []
        while let entry = schedule.popFirst() { popped.append(entry.number) }
        #expect(popped == times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
    }
}
