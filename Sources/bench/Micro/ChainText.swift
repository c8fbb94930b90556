import PurchaseCore
import PurchaseStore

/// The row of a made-up chain as the ledger's statement gives it: one settled purchase, or a subscription's periods.
enum ChainText {
    private static let start: Int64 = 1_790_000_000_000
    private static let month: Int64 = 2_592_000_000

    /// The JSON of each column that has any.
    static func columns(periods: Int) -> [String: String] {
        let numbers = 0..<periods
        var columns = [
            "transactions": list(numbers.map { transaction($0) }),
            "evidence": list(numbers.map { evidence($0, isSubscription: periods > 1) }),
            "claims": list([claim]),
            "entitlements": list(numbers.map { entitlement($0, periods: periods) }),
            "movements": list(numbers.map { movement($0) }),
            "checks": list(numbers.map { object([("id", text(id($0))), ("check", check)]) }),
            "accounts": list([
                object([("number", "1"), ("id", text("bench-1234567")), ("token", "null")])
            ]),
        ]
        if periods > 1 { columns["renewal"] = renewal(periods - 1) }
        return columns
    }

    /// Apple's id of a period's transaction.
    static func id(_ number: Int) -> String { Workshop.transactionID(number) }

    private static func purchase(_ number: Int) -> String { "production.purchased.\(id(number))" }

    private static func evidenceID(_ number: Int) -> String {
        let digest = String(repeating: "5f2a90", count: 10) + String(1_000 + number)
        return object([("sha256", text(digest)), ("source", text("app_store"))])
    }

    private static func transaction(_ number: Int) -> String {
        let state = object([
            ("name", text("paid")), ("reason", text("confirmed")), ("deciding", evidenceID(number)),
        ])
        return object([
            ("id", text(id(number))), ("state", state), ("refusal", "null"), ("purchaseID", text(purchase(number))),
            ("createdAt", at(number)), ("updatedAt", at(number)),
        ])
    }

    private static func evidence(_ number: Int, isSubscription: Bool) -> String {
        let item = object([
            ("id", evidenceID(number)), ("facts", facts(number, isSubscription: isSubscription)),
            ("notificationType", isSubscription ? text("DID_RENEW") : "null"), ("seenAt", at(number)),
        ])
        return object([("item", item), ("token", "null"), ("erased", "false")])
    }

    /// In the order that `jsonb` keeps: shorter names first.
    private static func facts(_ number: Int, isSubscription: Bool) -> String {
        var members = [
            ("type", text(isSubscription ? "Auto-Renewable Subscription" : "Non-Consumable")), ("price", "4990"),
            ("bundleId", text(Payload.bundleID)), ("currency", text("USD")), ("quantity", "1"),
            ("productId", text(Payload.productID)), ("isUpgraded", "false"), ("signedDate", at(number)),
            ("storefront", text("USA")), ("environment", text("Production")),
        ]
        if isSubscription { members.append(("expiresDate", at(number + 1))) }
        members += [("purchaseDate", at(number)), ("transactionId", text(id(number)))]
        members += [("inAppOwnershipType", text("PURCHASED")), ("originalPurchaseDate", at(0))]
        if isSubscription { members.append(("webOrderLineItemId", text("300000000000000\(number)"))) }
        members.append(("originalTransactionId", text(id(0))))
        return object(members)
    }

    private static func renewal(_ number: Int) -> String {
        let facts = object([
            ("productId", text(Payload.productID)), ("signedDate", at(number)), ("environment", text("Production")),
            ("renewalDate", at(number + 1)), ("autoRenewStatus", "1"), ("autoRenewProductId", text(Payload.productID)),
            ("originalTransactionId", text(id(0))), ("isInBillingRetryPeriod", "false"),
        ])
        return object([("id", evidenceID(100 + number)), ("facts", facts), ("seenAt", at(number))])
    }

    private static var claim: String {
        object([
            ("account", "1"), ("status", text("held")), ("refusal", "null"), ("tokenComparison", text("absent")),
            ("caseID", "null"), ("transactionID", text(id(0))), ("claimedAt", at(0)),
        ])
    }

    private static func entitlement(_ number: Int, periods: Int) -> String {
        object([
            ("id", object([("transactionID", text(id(number))), ("key", text(Payload.productID))])),
            ("account", "1"), ("productID", text(Payload.productID)), ("environment", text("Production")),
            ("originalTransactionID", text(id(0))), ("state", text("paid")), ("rule", text("paid")),
            ("since", at(number)), ("until", periods > 1 ? at(number + 1) : "null"), ("extended", "null"),
        ])
    }

    private static func movement(_ number: Int) -> String {
        object([
            ("rowID", text("\(purchase(number)).sale.1.0")), ("kind", text("sale")),
            ("purchaseID", text(purchase(number))), ("generation", "1"), ("step", "0"),
            ("transactionID", text(id(number))), ("occurredAt", at(number)), ("amountMilliunits", "4990"),
            ("currency", text("USD")), ("evidence", evidenceID(number)),
        ])
    }

    private static var check: String {
        object([
            ("isSweep", "true"), ("attempts", "0"), ("lastAskedAt", at(0)), ("nextCheckAt", at(1)),
            ("notFoundFor", "0"), ("notFoundAnswers", "{}"), ("statusesAttempts", "0"), ("contradictionChecks", "0"),
        ])
    }

    private static func at(_ number: Int) -> String { String(start + month * Int64(number)) }

    private static func text(_ value: String) -> String { "\"\(value)\"" }

    private static func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }

    private static func object(_ members: [(name: String, value: String)]) -> String {
        "{\(members.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", "))}"
    }
}

extension MicroOperation {
    static func readingChain(periods: Int) -> () async throws -> Void {
        let rehearsal = ChainRehearsal(
            original: OriginalTransactionID(ChainText.id(0)), in: .production,
            columns: ChainText.columns(periods: periods))
        return {
            let chain = try rehearsal.chain()
            guard chain.transactions.count == periods, chain.evidence.count == periods, chain.movements.count == periods
            else { throw BenchFailure("not read") }
        }
    }
}
