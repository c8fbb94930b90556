import AppStoreSimulator
import Postgres
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

/// The simulator's App Store, with a word of the test's in each answer about subscriptions.
final class AlteredStatuses: AppStorePort {
    private let base: any AppStorePort
    private let alter: @Sendable (SubscriptionStatuses) -> AppStoreReply<SubscriptionStatuses>

    init(
        _ base: any AppStorePort,
        _ alter: @escaping @Sendable (SubscriptionStatuses) -> AppStoreReply<SubscriptionStatuses>
    ) {
        self.base = base
        self.alter = alter
    }

    func transactionInfo(
        _ id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreAnswer {
        await base.transactionInfo(id, in: environment, lane: lane, deadline: deadline)
    }

    func transactionHistory(
        of id: TransactionID, revision: String?, in environment: StoreEnvironment, lane: RequestLane,
        deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> {
        await base.transactionHistory(
            of: id, revision: revision, in: environment, lane: lane, deadline: deadline)
    }

    func subscriptionStatuses(
        of id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SubscriptionStatuses> {
        let reply = await base.subscriptionStatuses(of: id, in: environment, lane: lane, deadline: deadline)
        guard case .answered(let statuses) = reply else { return reply }
        return alter(statuses)
    }
}

extension SubscriptionStatuses {
    /// The same answer with each subscription changed.
    func mapping(_ change: (LastTransaction) -> LastTransaction) -> Self {
        let groups = groups.map { group in
            Group(
                subscriptionGroupIdentifier: group.subscriptionGroupIdentifier,
                lastTransactions: group.lastTransactions.map(change))
        }
        return Self(environment: environment, bundleID: bundleID, groups: groups)
    }
}

extension TestStack {
    /// A subscription that is posted for an account, 30 days long; its transactionId.
    func subscribe(
        _ account: String, to productID: String = "gold", by customer: String = "ada-at-apple",
        at location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let id = try bought(productID, .autoRenewable, by: customer)
        #expect(try await api.post(account, id).state == "paid", sourceLocation: location)
        return id
    }

    /// Lets time pass, asks what is then due, and says how many calls that took.
    func pass(_ span: Span) async -> Int {
        simulator.removeAllCalls()
        clock.advance(span)
        await recheckUntilQuiet()
        return simulator.callsCount()
    }

    /// The one entitlement of an account: active or not, and why.
    func access(of account: String) async throws -> String {
        let rows = try await api.get("/v1/accounts/\(account)/entitlements").json?["entitlements"]?.items ?? []
        return rows.map { "\($0["active"] == .bool(true)) \($0["reason"]?.text ?? "-")" }.joined(separator: ", ")
    }

    /// `source autoRenewStatus` of the stored renewal infos, in the order in which they were signed.
    func storedRenewals() async throws -> [String] {
        try await rows(
            "SELECT source || ' ' || coalesce(facts ->> 'autoRenewStatus', '-') FROM renewals ORDER BY signed_date"
        )
        .compactMap { $0[0] }
    }

    /// What this stack does with other answers about subscriptions.
    func withStatuses(
        _ alter: @escaping @Sendable (SubscriptionStatuses) -> AppStoreReply<SubscriptionStatuses>
    ) -> TransactionChecker {
        var dependencies = service.dependencies
        dependencies.appStore = AlteredStatuses(dependencies.appStore, alter)
        return TransactionChecker(dependencies: dependencies, configuration: service.configuration)
    }
}
