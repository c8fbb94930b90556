import AppStoreSimulator
import Foundation
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

/// A few accounts that buy, post each other's purchases, are refunded and get the money charged again.
struct FeedLife {
    static let accounts = (0..<5).map { "player-\($0)" }
    private static let products: [(String, SimulatedProductType)] = [
        ("coins", .consumable), ("coins", .consumable), ("pro", .nonConsumable), ("season", .nonRenewing),
        ("gold", .autoRenewable),
    ]

    /// Something that was bought.
    struct Purchase: Sendable {
        let id: String
        let type: SimulatedProductType
        let environment: SimulatedEnvironment
    }

    let stack: TestStack
    /// The processes that it talks to, drawn anew for each act.
    private let replicas: [StackClient]
    /// What was bought, by all lives that share it.
    private let market: Box<[Purchase]>
    private var generator: EdgeGenerator

    init(stack: TestStack, replicas: [StackClient]? = nil, market: Box<[Purchase]> = Box([]), seed: UInt64) {
        self.stack = stack
        self.replicas = replicas ?? [stack.api]
        self.market = market
        generator = EdgeGenerator(seed: seed)
    }

    /// Lets one thing happen.
    mutating func act() async throws {
        stack.clock.advance(.hours(Int64.random(in: 0...30, using: &generator)))
        let api = replicas.randomElement(using: &generator) ?? stack.api
        let roll = Int.random(in: 0..<26, using: &generator)
        if roll >= 20 { return try await decide(roll, api) }
        let account = Self.accounts.randomElement(using: &generator) ?? "player-0"
        guard roll >= 6, let some = market.value.randomElement(using: &generator) else {
            return try await buy(account, api)
        }
        do {
            switch roll {
            case 6...9:
                try stack.simulator.refund(some.id, in: some.environment)
                _ = try await api.recheck(some.id)
            case 10...12:
                // The App Store tells of it; one clean answer alone would not count.
                try stack.simulator.reverseRefund(some.id, in: some.environment)
                let reversal = try stack.newest("REFUND_REVERSED", in: some.environment)
                _ = try await stack.deliver(reversal)
            case 13...15:
                let open = try await api.get("/v1/accounts/\(account)/grants").grants
                guard let grant = open.randomElement(using: &generator) else { return }
                _ = try await api.send(.post, "/v1/grants/\(grant.id)/acknowledge")
            case 16:
                guard some.type == .autoRenewable else { return }
                let renewal = try stack.simulator.renew(some.id, in: some.environment).transactionID
                let period = Purchase(id: renewal, type: some.type, environment: some.environment)
                market.update { $0.append(period) }
                _ = try await api.post(account, renewal)
            case 17:
                guard some.type == .autoRenewable else { return }
                try stack.simulator.failToRenew(
                    some.id, gracePeriodMilliseconds: 16 * 24 * 3_600_000, in: some.environment)
                _ = try await stack.deliver(stack.newest("DID_FAIL_TO_RENEW", in: some.environment))
            default:
                _ = try await api.post(account, some.id)
            }
        } catch is SimulatorError {
            // The world doesn't allow it now: a refund of what is refunded, a second renewal.
        }
    }

    /// Support gives, takes, ends, and closes a case.
    private mutating func decide(_ roll: Int, _ api: StackClient) async throws {
        let account = Self.accounts.randomElement(using: &generator) ?? "player-0"
        switch roll {
        case 20, 21:
            let open = try await api.get("/v1/cases?status=open", as: .support).json?["cases"]?.items ?? []
            let closed = try await api.get("/v1/cases?status=resolved", as: .support).json?["cases"]?.items ?? []
            guard let id = (open + closed.prefix(2)).randomElement(using: &generator)?["id"]?.text else { return }
            let outcome = generator.oneIn(3) ? "refused" : "transferred"
            _ = try await api.send(
                .post, "/v1/cases/\(id)/resolve", as: .support, json: #"{"outcome":"\#(outcome)","why":"a test"}"#)
        case 22:
            let all = try await api.get("/v1/accounts/\(account)/overrides", as: .support)
            guard let id = all.json?["overrides"]?.items?.randomElement(using: &generator)?["id"]?.text else { return }
            _ = try await api.send(
                .delete, "/v1/accounts/\(account)/overrides", as: .support,
                json: #"{"overrideId":"\#(id)","why":"a test"}"#)
        default:
            let key = Self.products.randomElement(using: &generator)?.0 ?? "pro"
            let effect = generator.oneIn(3) ? "withhold" : "grant"
            let end = stack.clock.now + .hours(Int64.random(in: 1...900, using: &generator))
            let until = generator.oneIn(2) ? #","until":"\#(Self.text(end))""# : ""
            _ = try await api.send(
                .post, "/v1/accounts/\(account)/overrides", as: .support,
                json: #"{"key":"\#(key)","effect":"\#(effect)","why":"a test"\#(until)}"#)
        }
    }

    private static func text(_ instant: Instant) -> String {
        Date(timeIntervalSince1970: Double(instant.millisecondsSince1970) / 1_000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private mutating func buy(_ account: String, _ api: StackClient) async throws {
        let (productID, type) = Self.products.randomElement(using: &generator) ?? ("pro", .nonConsumable)
        var purchase = SimulatedPurchase(productID: productID, type: type)
        purchase.environment = generator.oneIn(4) ? .sandbox : .production
        purchase.quantity = type == .consumable ? Int64.random(in: 1...3, using: &generator) : 1
        let id = try stack.simulator.purchase(purchase).transactionID
        let bought = Purchase(id: id, type: type, environment: purchase.environment)
        market.update { $0.append(bought) }
        _ = try await api.post(account, id)
    }

    /// A life in which nothing much happened would prove nothing.
    func expectVariety() async throws {
        let kinds = Set(try await stack.rows("SELECT DISTINCT kind FROM changes").compactMap { $0[0] })
        #expect(kinds == ["state", "entitlement", "grant", "case"])
        let ended = try await stack.count("SELECT count(*) FROM changes WHERE (data ->> 'ended')::boolean")
        let takenBack = try await stack.count(
            "SELECT count(*) FROM grants WHERE kind <> 'grant' OR status <> 'open'")
        #expect(ended > 0 && takenBack > 0)
        let decided = try await stack.count("SELECT count(*) FROM cases WHERE outcome IS NOT NULL")
        let overridden = try await stack.count("SELECT count(DISTINCT effect) FROM overrides")
        #expect(decided > 0 && overridden == 2)
        try await stack.expectReplayEqualsStore()
    }
}
