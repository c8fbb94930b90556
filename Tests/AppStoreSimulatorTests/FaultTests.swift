import Foundation
import Testing

@testable import AppStoreSimulator

@Suite("Faults")
struct FaultTests {
    private let clock = TestClock()
    private let simulator: AppStoreSimulator
    private let id: String

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.requiresAuthentication = false
        configuration.seed = 1
        simulator = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
        id = try simulator.purchase(SimulatedPurchase(productID: "level", type: .nonConsumable)).transactionID
    }

    private func ask(_ id: String? = nil, in environment: SimulatedEnvironment = .production) -> StoreAnswer {
        simulator.respond(
            to: StoreCall(
                method: "GET", environment: environment, path: "/inApps/v1/transactions/\(id ?? self.id)"))
    }

    private func signed(_ answer: StoreAnswer) throws -> SignedInspection {
        let object = try #require(SimulatorJSON(parsing: answer.body).objectValue)
        return try SignedInspection(object["signedTransactionInfo"]?.stringValue ?? "")
    }

    @Test("a fault happens as often as it says, in the order of injection")
    func timesAndOrder() throws {
        try simulator.inject(SimulatedFault(.unauthorized, times: 2))
        try simulator.inject(SimulatedFault(.notFound(errorCode: 4_040_010)))
        #expect((0..<5).map { _ in ask().status } == [401, 401, 404, 200, 200])
    }

    @Test("a fault without a count stays until it is removed")
    func untilRemoved() throws {
        let fault = try simulator.inject(SimulatedFault(.emptyBody, times: nil))
        #expect((0..<20).allSatisfy { _ in ask().body.isEmpty })
        #expect(simulator.removeFault(fault))
        #expect(!simulator.removeFault(fault))
        #expect(!ask().body.isEmpty)
    }

    @Test("a fault meets only the calls that it names")
    func matching() throws {
        try simulator.inject(SimulatedFault(.unauthorized, transactionID: "1", times: nil))
        try simulator.inject(SimulatedFault(.emptyBody, environment: .sandbox, times: nil))
        try simulator.inject(SimulatedFault(.notJSON, endpoint: .refundHistory, times: nil))
        #expect(ask().status == 200)
        #expect(ask("1").status == 401)
        #expect(ask("2", in: .sandbox).body.isEmpty)
        let refunds = StoreCall(method: "GET", environment: .production, path: "/inApps/v2/refund/lookup/\(id)")
        #expect(simulator.respond(to: refunds).contentType == "text/html")
    }

    @Test("a chance is drawn from the seed")
    func probability() throws {
        func pattern() throws -> [Int] {
            var configuration = AppStoreSimulator.Configuration()
            configuration.requiresAuthentication = false
            configuration.seed = 42
            let simulator = try AppStoreSimulator(configuration: configuration, keys: self.simulator.keys)
            try simulator.inject(SimulatedFault(.unauthorized, times: nil, probability: 0.5))
            return (0..<64).map { _ in
                simulator.respond(to: StoreCall(method: "GET", environment: .production, path: "/x")).status
            }
        }
        let (first, second) = (try pattern(), try pattern())
        #expect(first == second)
        #expect(Set(first) == [401, 404])
    }

    @Test("an outage answers everything with 500 / 5000001 and uses up no fault")
    func outage() throws {
        try simulator.inject(SimulatedFault(.unauthorized))
        simulator.setOutage(true)
        let answer = ask()
        #expect(answer.status == 500)
        #expect(try SimulatorJSON(parsing: answer.body).objectValue?["errorCode"] == 5_000_001)
        simulator.setOutage(false)
        #expect(ask().status == 401)
        #expect(ask().status == 200)
    }

    @Test("Retry-After is a UNIX time in milliseconds")
    func throttled() throws {
        try simulator.inject(SimulatedFault(.throttled(retryAfterMilliseconds: 2500)))
        try simulator.inject(SimulatedFault(.throttled(retryAfterMilliseconds: nil)))
        let answer = ask()
        #expect(answer.status == 429)
        #expect(answer.retryAfter == clock.now + 2500)
        #expect(try SimulatorJSON(parsing: answer.body).objectValue?["errorCode"] == 4_290_000)
        #expect(ask().retryAfter == nil)
    }

    @Test("a stale answer is the one before the last change, signed now or then")
    func stale() throws {
        clock.advance(by: 1000)
        let before = try #require(signed(ask()).integer("signedDate"))
        clock.advance(by: 1000)
        try simulator.refund(id)
        #expect(try signed(ask()).payload["revocationDate"] != nil)
        try simulator.inject(SimulatedFault(.stale(oldSignedDate: false)))
        let fresh = try signed(ask())
        #expect(fresh.payload["revocationDate"] == nil)
        let freshDate = try #require(fresh.integer("signedDate"))
        #expect(freshDate > clock.now)
        try simulator.inject(SimulatedFault(.stale(oldSignedDate: true)))
        let old = try signed(ask())
        #expect(old.payload["revocationDate"] == nil)
        #expect(old.integer("signedDate") == before)
        #expect(try signed(ask()).payload["revocationDate"] != nil)
    }

    @Test("an answer about another transaction is signed correctly")
    func wrongTransaction() async throws {
        let other = try simulator.purchase(SimulatedPurchase(productID: "other", type: .consumable)).transactionID
        try simulator.inject(SimulatedFault(.wrongTransaction(transactionID: nil)))
        try simulator.inject(SimulatedFault(.wrongTransaction(transactionID: other)))
        let invented = try signed(ask())
        #expect(invented.string("transactionId") != id)
        #expect(invented.string("productId") == "level")
        #expect(try await invented.defects(under: simulator.keys.authority.root) == [])
        #expect(try signed(ask()).string("productId") == "other")
    }

    @Test("a forged answer is forged", arguments: [SimulatedForgery.signature, .foreignRoot, .algNone])
    func forged(kind: SimulatedForgery) async throws {
        try simulator.inject(SimulatedFault(.forged(kind)))
        #expect(try await signed(ask()).defects(under: simulator.keys.authority.root) != [])
        #expect(try await signed(ask()).defects(under: simulator.keys.authority.root) == [])
    }

    @Test("impossible faults are refused")
    func impossible() {
        #expect(throws: SimulatorError.self) { try simulator.inject(SimulatedFault(.delay, delayMilliseconds: 60_001)) }
        #expect(throws: SimulatorError.self) { try simulator.inject(SimulatedFault(.delay, times: 0)) }
        #expect(throws: SimulatorError.self) { try simulator.inject(SimulatedFault(.delay, probability: 1.5)) }
    }

    @Test("calls are counted exactly, by id and environment, beyond the length of the list")
    func callsCount() throws {
        for _ in 0..<(CallLog.entriesMax + 500) { _ = ask("77") }
        for _ in 0..<3 { _ = ask("77", in: .sandbox) }
        _ = ask()
        #expect(simulator.callsCount(transactionID: "77") == CallLog.entriesMax + 503)
        #expect(simulator.callsCount(transactionID: "77", environment: .sandbox) == 3)
        #expect(simulator.callsCount(transactionID: id) == 1)
        #expect(simulator.callsCount() == CallLog.entriesMax + 504)
        let entries = simulator.withState { state, _ in
            state.calls.entries(transactionID: nil, environment: nil, limit: .max)
        }
        #expect(entries.count == CallLog.entriesMax)
        #expect(entries.last?.transactionID == id)
        #expect(entries.last?.status == 200)
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.number + 1 == $1.number })
        simulator.removeAllCalls()
        #expect(simulator.callsCount() == 0)
    }

    @Test("100 calls at once are counted, and every signedDate is another")
    func concurrency() async throws {
        let dates = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<100 {
                group.addTask { try #require(signed(ask()).integer("signedDate")) }
            }
            return try await group.reduce(into: [Int64]()) { $0.append($1) }
        }
        #expect(Set(dates).count == 100)
        #expect(simulator.callsCount(transactionID: id) == 100)
    }

    @Test(
        "dates of HTTP headers",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ])
    func httpDate(seconds: Int64, text: String) {
        #expect(HTTPDate.text(secondsSince1970: seconds) == text)
    }
}
