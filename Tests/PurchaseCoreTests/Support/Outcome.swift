import PurchaseCore

/// What law 4 promises to be the same in every order: states, claims, entitlements, grant balance and net money.
///
/// Ids of rows, when they were recorded, cancelled grants and rows that net to zero may differ, so they are not in here.
struct Outcome: Equatable {
    struct Right: Hashable {
        var key: String
        var account: AccountNumber
        var productID: ProductID
        var environment: StoreEnvironment
        var state: PurchaseState.Name
        var rule: Entitlement.Rule
        var since: Instant
        var until: Instant?
        var extended: Entitlement.Extended?
    }

    struct Place: Hashable {
        var purchaseID: PurchaseID
        var currency: String
    }

    var transactions: [TransactionID: String]
    var claims: [AccountNumber: Claim.Status]
    var rights: [Right: Int]
    var balances: [AccountNumber: Int64]
    var net: [Place: Int64]

    init(_ chain: Chain) {
        transactions = chain.transactions.mapValues {
            "\($0.state) \($0.refusal?.rawValue ?? "-") \($0.purchaseID?.rawValue ?? "-")"
        }
        claims = chain.claims.mapValues(\.status)
        rights = [:]
        for right in chain.entitlements.values {
            let content = Right(
                key: right.id.key, account: right.account, productID: right.productID, environment: right.environment,
                state: right.state, rule: right.rule, since: right.since, until: right.until, extended: right.extended)
            rights[content, default: 0] += 1
        }
        balances = Dictionary(grouping: chain.grants.values, by: \.account).mapValues(Self.balance)
            .filter { $0.value != 0 }
        net = [:]
        for movement in chain.movements {
            guard let amount = movement.amountMilliunits, let currency = movement.currency else { continue }
            net[Place(purchaseID: movement.purchaseID, currency: currency), default: 0] += amount
        }
        net = net.filter { $0.value != 0 }
    }

    /// What the app's server has to have credited in the end; wraps around, since amounts may be as large as Apple says.
    static func balance(_ grants: some Sequence<Grant>) -> Int64 {
        grants.filter { $0.status != .cancelled }.reduce(0) { sum, grant in
            switch grant.kind {
            case .grant, .reinstatement: sum &+ grant.amount
            case .reversal: sum &- grant.amount
            }
        }
    }
}
