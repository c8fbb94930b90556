/// What a policy would change, added up over any number of decisions: who gains and who loses what.
///
/// Bounded by the products and keys that occur, whatever the number of chains. Counts are of purchases, not of accounts:
/// one account may have a key by several purchases, and keeps it until the last one ends.
package struct PolicyEffect: Equatable, Sendable {
    /// One key of one product.
    package struct Right: Hashable, Comparable, Sendable {
        /// The product whose purchase entitles.
        package var productID: ProductID
        /// What it entitles to.
        package var key: String

        /// Takes both parts.
        package init(productID: ProductID, key: String) {
            self.productID = productID
            self.key = key
        }

        /// By product, then key.
        package static func < (left: Self, right: Self) -> Bool {
            (left.productID.rawValue, left.key) < (right.productID.rawValue, right.key)
        }
    }

    /// What becomes of purchases with one right.
    package struct Rights: Equatable, Sendable {
        /// Access that is not there now, and would be.
        package var gained = Cases()
        /// Access that would end.
        package var lost = Cases()
        /// Access that goes on, and would end later than it does now, or never.
        package var lengthened = Cases()
        /// Access that goes on, and would end earlier than it does now.
        package var shortened = Cases()
    }

    /// What becomes of a product's deliveries.
    package struct Deliveries: Equatable, Sendable {
        /// Deliveries that would be added, of any kind but reversals.
        package var added = Cases()
        /// The units in them.
        package var units: Int64 = 0
        /// Deliveries that would be cancelled or taken back.
        package var takenBack = Cases()
    }

    /// How many, and the first few by name.
    package struct Cases: Equatable, Sendable {
        /// How many purchases.
        package var count: Int64 = 0
        /// The transactions that speak for the first of them, with the account's number, in the order of the chains.
        package var examples: [Example] = []

        mutating func add(_ example: @autoclosure () -> Example, examplesMax: Int) {
            count += 1
            if examples.count < examplesMax { examples.append(example()) }
        }
    }

    /// One purchase.
    package struct Example: Hashable, Sendable {
        /// The transaction that speaks for it.
        package var transactionID: TransactionID
        /// Whose it is.
        package var account: AccountNumber

        /// Takes both.
        package init(transactionID: TransactionID, account: AccountNumber) {
            self.transactionID = transactionID
            self.account = account
        }
    }

    /// How many examples each count keeps.
    package let examplesMax: Int
    /// Rights that change.
    package private(set) var rights: [Right: Rights] = [:]
    /// Products whose deliveries change.
    package private(set) var deliveries: [ProductID: Deliveries] = [:]
    /// Transactions that become `paid`, because a settlement hold ends with the policy that asked for it.
    package private(set) var paid: Int64 = 0
    /// Chains that were decided.
    package private(set) var decided: Int64 = 0
    /// Chains that would get an event.
    package private(set) var changed: Int64 = 0

    /// Nothing yet.
    package init(examplesMax: Int) { self.examplesMax = examplesMax }

    /// Whether anybody gains or loses anything.
    package var isEmpty: Bool { rights.isEmpty && deliveries.isEmpty && paid == 0 }

    /// Adds what one decision does to a chain; `now` says which access is active.
    package mutating func add(_ decision: Decision, to before: Chain, now: Instant) {
        decided += 1
        guard case .record(let recorded) = decision else { return }
        changed += 1
        addRights(from: before, to: recorded.chain, now: now)
        addDeliveries(from: before, to: recorded.chain)
        for (id, transaction) in recorded.chain.transactions
        where transaction.state.name == .paid && before.transactions[id]?.state.name != .paid { paid += 1 }
    }

    private mutating func addRights(from before: Chain, to after: Chain, now: Instant) {
        for id in Set(before.entitlements.keys).union(after.entitlements.keys).sorted() {
            let was = before.entitlements[id].flatMap { $0.isActive(at: now) ? $0 : nil }
            let will = after.entitlements[id].flatMap { $0.isActive(at: now) ? $0 : nil }
            guard let either = will ?? was else { continue }
            let right = Right(productID: either.productID, key: id.key)
            let example = Example(transactionID: id.transactionID, account: either.account)
            switch (was, will) {
            case (nil, _?): rights[right, default: Rights()].gained.add(example, examplesMax: examplesMax)
            case (_?, nil): rights[right, default: Rights()].lost.add(example, examplesMax: examplesMax)
            case (let was?, let will?) where Self.ends(was, before: will):
                rights[right, default: Rights()].lengthened.add(example, examplesMax: examplesMax)
            case (let was?, let will?) where Self.ends(will, before: was):
                rights[right, default: Rights()].shortened.add(example, examplesMax: examplesMax)
            case (_, _): break
            }
        }
    }

    private static func ends(_ one: Entitlement, before other: Entitlement) -> Bool {
        guard let end = one.until else { return false }
        return other.until.map { end < $0 } ?? true
    }

    private mutating func addDeliveries(from before: Chain, to after: Chain) {
        for (id, grant) in after.grants.sorted(by: { $0.key < $1.key }) where before.grants[id] != grant {
            let example = Example(transactionID: grant.transactionID, account: grant.account)
            var tally = deliveries[grant.productID] ?? Deliveries()
            if grant.kind == .reversal || grant.status == .cancelled {
                tally.takenBack.add(example, examplesMax: examplesMax)
            } else {
                tally.added.add(example, examplesMax: examplesMax)
                let (sum, overflow) = tally.units.addingReportingOverflow(grant.amount)
                tally.units = overflow ? .max : sum
            }
            deliveries[grant.productID] = tally
        }
    }
}
