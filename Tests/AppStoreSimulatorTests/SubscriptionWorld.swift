import Testing

@testable import AppStoreSimulator

/// One simulated store whose clock a test moves, and what its notifications and its Statuses call say of a subscription.
struct SubscriptionWorld {
    static let day: Int64 = 86_400_000

    let clock = TestClock()
    let simulator: AppStoreSimulator
    /// When the world began.
    let start: Int64

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.requiresAuthentication = false
        simulator = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
        start = clock.now
    }

    /// A subscription of 30 days under these terms; the id of its first transaction.
    func subscribe(
        _ terms: SubscriptionTerms? = SubscriptionTerms(), _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) throws -> String {
        var purchase = SimulatedPurchase(productID: "gold", type: .autoRenewable)
        change(&purchase)
        let id = try simulator.purchase(purchase).transactionID
        if let terms { try simulator.run(id, terms) }
        return id
    }

    /// Moves the clock to so many days after the beginning, and a few milliseconds.
    func moveTo(day: Int64, milliseconds: Int64 = 0) {
        clock.advance(by: start + day * Self.day + milliseconds - clock.now)
    }

    /// Every notification so far as "day type/subtype", those of one transaction's chain or all.
    func story() throws -> [String] {
        try simulator.notifications(in: .production).map { notification in
            let (days, rest) = (notification.createdAt - start).quotientAndRemainder(dividingBy: Self.day)
            // Signatures of one instant are some milliseconds apart.
            let time = rest < 1_000 ? "\(days)" : "\(days)+\(rest / 1_000)s"
            let name = [notification.notificationType, notification.subtype].compactMap { $0 }.joined(separator: "/")
            return "\(time) \(name)"
        }
    }

    /// Status and renewal info of the customer's only subscription.
    func status(of id: String) throws -> (status: Int64?, renewal: SignedInspection, transaction: SignedInspection) {
        let call = StoreCall(method: "GET", environment: .production, path: "/inApps/v1/subscriptions/\(id)")
        let body = try #require(SimulatorJSON(parsing: simulator.respond(to: call).body).objectValue)
        let group = body["data"]?.arrayValue?.first?.objectValue
        let item = try #require(group?["lastTransactions"]?.arrayValue?.first?.objectValue)
        return (
            item["status"]?.integerValue, try SignedInspection(item["signedRenewalInfo"]?.stringValue ?? ""),
            try SignedInspection(item["signedTransactionInfo"]?.stringValue ?? "")
        )
    }

    /// "reason day": the truth now, and the day on which it ends, or has ended.
    func truth(of id: String, atDay day: Int64? = nil, milliseconds: Int64 = 0) throws -> String {
        let instant = day.map { start + $0 * Self.day + milliseconds }
        let truth = try simulator.truth(ofSubscription: id, at: instant)
        let (days, rest) = (truth.until - start).quotientAndRemainder(dividingBy: Self.day)
        return "\(truth.reason.rawValue) \(days)" + (rest == 0 ? "" : "+\(rest)ms")
    }
}
