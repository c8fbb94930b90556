import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

extension TestStack {
    /// Something that a customer of Apple's bought; its transactionId.
    ///
    /// Nobody hears of it: no notification is delivered.
    func bought(
        _ productID: String, _ type: SimulatedProductType = .nonConsumable, by customer: String,
        in environment: SimulatedEnvironment = .production, _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) throws -> String {
        var purchase = SimulatedPurchase(productID: productID, type: type, environment: environment)
        purchase.appTransactionID = customer
        change(&purchase)
        return try simulator.purchase(purchase).transactionID
    }

    /// One call of a restore; afterwards the simulator counts what it asked.
    func restore(
        _ account: String, _ body: String? = nil, at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        simulator.removeAllCalls()
        return try await api.send(.post, "/v1/accounts/\(account)/restore", json: body, at: location)
    }

    /// Calls until nothing is left to read; at most ten times.
    func restoreAll(
        _ account: String, _ body: String? = nil, at location: SourceLocation = #_sourceLocation
    ) async throws -> [EdgeAnswer] {
        var answers = [try await restore(account, body, at: location)]
        while let cursor = answers.last?.nextCursor, answers.count < 10 {
            answers.append(try await restore(account, #"{"cursor":"\#(cursor)"}"#, at: location))
        }
        return answers
    }

    /// What an account may use now, sorted.
    func keys(of account: String) async throws -> [String] {
        try await api.get("/v1/accounts/\(account)/entitlements").activeKeys.sorted()
    }

    /// Lets the calls of one endpoint succeed so many times, and then fail.
    func fail(
        _ endpoint: StoreEndpointName, after calls: Int, _ kind: SimulatedFault.Kind, times: Int = 1
    ) throws {
        if calls > 0 { _ = try simulator.inject(SimulatedFault(.delay, endpoint: endpoint, times: calls)) }
        _ = try simulator.inject(SimulatedFault(kind, endpoint: endpoint, times: times))
    }
}

extension EdgeAnswer {
    var nextCursor: String? { json?["nextCursor"]?.text }
    func number(_ name: String) -> Int64? {
        guard case .integer(let value)? = json?[name] else { return nil }
        return value
    }
    /// `transactionId state claim` of each transaction of a restore.
    var restored: [String] {
        (json?["transactions"]?.items ?? []).map {
            "\($0["transactionId"]?.text ?? "-") \($0["state"]?.text ?? "-") \($0["claim"]?["status"]?.text ?? "-")"
        }
    }
}
