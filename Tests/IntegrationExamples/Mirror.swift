import Foundation

/// One page of `GET /v1/changes`.
struct Page: Decodable, Sendable {
    var changes: [Change]
    var nextCursor: String
}

/// One change; what this backend has no use for is not decoded.
struct Change: Decodable, Sendable {
    var kind: String
    var accountId: String?
    /// Null in what support decides: an override is about no purchase.
    var transactionId: String?
    var data: Details

    struct Details: Decodable, Sendable {
        // Of an entitlement.
        var key: String?
        var ended: Bool?
        var until: Date?
        var environment: String?
        // Of an override, which is an entitlement that support grants or withholds.
        var overrideId: String?
        var effect: String?
        // Of a grant.
        var id: String?
        var kind: String?
        var status: String?
        var productId: String?
        var amount: Int64?
    }
}

/// What the backend keeps in its own database.
///
/// There, `apply` is one database transaction: the rows and the cursor.
struct Mirror: Sendable {
    var cursor = "0"
    /// What accounts may use, by transactionId and key, and what support decided about that, by overrideId and key.
    var rights: [[String]: Change] = [:]
    /// One row per delivery, by its id: a balance is a sum over rows, so a repeat can't credit twice.
    var deliveries: [String: Change] = [:]

    mutating func apply(_ page: Page) {
        for change in page.changes {
            let source = change.data.overrideId ?? change.transactionId
            if change.kind == "entitlement", let source, let key = change.data.key {
                rights[[source, key]] = change.data.ended == true ? nil : change
            } else if change.kind == "grant", let id = change.data.id {
                deliveries[id] = change
            }
        }
        cursor = page.nextCursor
    }

    /// No change tells that time has passed: compare `until` when you are asked.
    func mayUse(_ key: String, _ account: String, at now: Date) -> Bool {
        let live = rights.values.filter { right in
            right.accountId == account && right.data.key == key && (right.data.until.map { now < $0 } ?? true)
        }
        // While support withholds the key, nothing else counts in that environment.
        let withheld = Set(live.filter { $0.data.effect == "withhold" }.map(\.data.environment))
        return live.contains { !withheld.contains($0.data.environment) }
    }

    func balance(of account: String, _ productID: String) -> Int64 {
        deliveries.values.reduce(0) { sum, delivery in
            guard delivery.accountId == account, delivery.data.productId == productID,
                delivery.data.status != "cancelled", let amount = delivery.data.amount
            else { return sum }
            return delivery.data.kind == "reversal" ? sum - amount : sum + amount
        }
    }

    /// Credited here, and not yet acknowledged.
    var open: [String] { deliveries.filter { $0.value.data.status == "open" }.keys.sorted() }
}
