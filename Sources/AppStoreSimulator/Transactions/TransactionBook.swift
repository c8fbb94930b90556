/// All transactions of the simulated store, with the indices that its endpoints need.
struct TransactionBook: Sendable {
    /// A bound against a test that never ends: about 2 GB of payloads.
    static let transactionsMax = 1_000_000

    struct Customer: Hashable, Sendable {
        let environment: SimulatedEnvironment
        let appTransactionID: String
    }

    let bundleID: String
    var ids: IdentifierSource
    private(set) var transactions: [TransactionKey: SimulatedTransaction] = [:]
    private(set) var byCustomer: [Customer: [TransactionKey]] = [:]
    private(set) var byOriginal: [TransactionKey: [TransactionKey]] = [:]
    private(set) var byOrder: [String: [TransactionKey]] = [:]
    private var byPurchase: [Int: [TransactionKey]] = [:]
    private var familyCopies: [Int: [TransactionKey]] = [:]
    /// What is known of a subscription's next renewal, where a test set it: fields of the renewal info.
    private(set) var renewalFields: [TransactionKey: SimulatorJSONObject] = [:]
    /// The newest `signedDate` of each subscription's renewal info.
    private var renewalSignedDates: [TransactionKey: Int64] = [:]
    /// How each subscription goes on, by its chain's first transaction.
    private(set) var plans: [TransactionKey: SubscriptionPlan] = [:]
    /// When something happens next to each subscription that goes on by itself.
    private(set) var dueDates: [TransactionKey: Int64] = [:]
    /// The subscriptions whose due date has to be found anew.
    private var changedChains: Set<TransactionKey> = []
    /// The chains of family members, by the purchaser's chain, and the other way round.
    private var familyChains: [TransactionKey: [TransactionKey]] = [:]
    private var payingChains: [TransactionKey: TransactionKey] = [:]
    /// What was given back, and what of it was undone, in the order in which it happened.
    private(set) var moneyBack: [SimulatedMoneyBack] = []
    private var purchasesCount = 0
    private var revision: Int64 = 0

    init(bundleID: String, ids: IdentifierSource) {
        self.bundleID = bundleID
        self.ids = ids
    }

    /// Finds a transaction; without an environment, production is looked at first.
    func find(_ id: String, in environment: SimulatedEnvironment?) throws(SimulatorError) -> TransactionKey {
        let candidates = environment.map { [$0] } ?? SimulatedEnvironment.allCases
        for environment in candidates {
            let key = TransactionKey(environment: environment, id: id)
            if transactions[key] != nil { return key }
        }
        throw .unknownTransaction(id)
    }

    /// The transaction under a key that ``find(_:in:)`` returned.
    func transaction(_ key: TransactionKey) throws(SimulatorError) -> SimulatedTransaction {
        guard let transaction = transactions[key] else { throw .unknownTransaction(key.id) }
        return transaction
    }

    /// The next `signedDate` of a transaction; strictly increasing.
    mutating func takeSignedDate(_ key: TransactionKey, now: Int64) -> Int64 {
        transactions[key]?.takeSignedDate(now: now) ?? now
    }

    /// Changes a payload; the former one is kept for stale answers.
    mutating func change(
        _ key: TransactionKey, now: Int64, keepsFormer: Bool = true, _ body: (inout SimulatorJSONObject) -> Void
    ) {
        guard var fields = transactions[key]?.fields else { return }
        body(&fields)
        changedChains.insert(chain(of: key))
        revision += 1
        transactions[key]?.replaceFields(fields, now: now, revision: revision, keepsFormer: keepsFormer)
    }

    mutating func setSignedDate(_ key: TransactionKey, _ signedDate: SimulatedTransaction.SignedDate) {
        transactions[key]?.signedDate = signedDate
    }

    mutating func setRenewalFields(_ key: TransactionKey, _ fields: SimulatorJSONObject) {
        renewalFields[key] = fields
        changedChains.insert(key)
    }

    mutating func setPlan(_ plan: SubscriptionPlan, of chain: TransactionKey) {
        plans[chain] = plan
        changedChains.insert(chain)
    }

    /// Finds out anew when something happens next to what has changed.
    mutating func refreshDueDates() {
        guard !changedChains.isEmpty else { return }
        for chain in changedChains where plans[chain] != nil { dueDates[chain] = nextEvent(of: chain)?.at }
        changedChains.removeAll(keepingCapacity: true)
    }

    /// Remembers that a family member's subscription follows the purchaser's.
    mutating func link(member: TransactionKey, toChain payer: TransactionKey) {
        familyChains[payer, default: []].append(member)
        payingChains[member] = payer
    }

    /// The subscriptions of family members that follow a purchaser's, by their first transactions.
    func members(ofChain chain: TransactionKey) -> [TransactionKey] { familyChains[chain, default: []] }

    /// The subscription that a family member's follows; `nil`: it isn't one, or does no longer.
    func payer(ofChain chain: TransactionKey) -> TransactionKey? { payingChains[chain] }

    /// The next `signedDate` of a subscription's renewal info; strictly increasing.
    mutating func takeRenewalSignedDate(_ original: TransactionKey, now: Int64) -> Int64 {
        let date = max(now, (renewalSignedDates[original] ?? now - 1) + 1)
        renewalSignedDates[original] = date
        return date
    }

    /// Cuts a family member's transaction off from the purchase: what happens to it later is none of theirs.
    mutating func unlinkFamilyCopy(_ key: TransactionKey) {
        guard let source = transactions[key]?.sharedFrom, let purchase = transactions[key]?.purchase else { return }
        familyCopies[source]?.removeAll { transactions[$0]?.purchase == purchase }
        let member = chain(of: key)
        if let payer = payingChains.removeValue(forKey: member) { familyChains[payer]?.removeAll { $0 == member } }
    }

    /// Adds to what was given back; a bound against a test that never ends.
    mutating func appendMoneyBack(_ entry: SimulatedMoneyBack) {
        guard moneyBack.count < Self.transactionsMax else { return }
        moneyBack.append(entry)
    }

    /// Takes away what a later entry replaces.
    mutating func removeMoneyBack(at index: Int) { moneyBack.remove(at: index) }

    /// The transaction that was charged, of which the others of the purchase are restored copies.
    func firstTransaction(ofPurchase key: TransactionKey) -> TransactionKey {
        transactions[key].flatMap { byPurchase[$0.purchase]?.first } ?? key
    }

    /// The transactions of the same purchase, `key` first: restored copies are the same sale.
    func copies(of key: TransactionKey) -> [TransactionKey] {
        guard let purchase = transactions[key]?.purchase else { return [] }
        return [key] + byPurchase[purchase, default: []].filter { $0 != key }
    }

    /// Family members' copies of the purchase that a transaction belongs to.
    func familyCopies(of key: TransactionKey) -> [TransactionKey] {
        guard let purchase = transactions[key]?.purchase else { return [] }
        return familyCopies[purchase, default: []].flatMap { copies(of: $0) }
    }

    /// The transaction that decides a subscription's state: not upgraded, and the one that ends last.
    func newest(inChainOf key: TransactionKey) throws(SimulatorError) -> SimulatedTransaction {
        let transaction = try transaction(key)
        let original = TransactionKey(environment: key.environment, id: transaction.originalID)
        var newest = transaction
        for key in byOriginal[original, default: []] {
            if let candidate = transactions[key], newest.rank <= candidate.rank { newest = candidate }
        }
        return newest
    }

    /// A number for something that is charged once.
    mutating func newPurchase() -> Int {
        purchasesCount += 1
        return purchasesCount
    }

    /// An id that is free, or the wanted one if it may be used.
    mutating func claimID(_ wanted: String?, in environment: SimulatedEnvironment) throws(SimulatorError) -> String {
        guard transactions.count < Self.transactionsMax else {
            throw .full("the simulator holds \(Self.transactionsMax) transactions already; reset it")
        }
        guard let wanted else {
            var id = ids.transactionID(in: environment)
            while transactions[TransactionKey(environment: environment, id: id)] != nil {
                id = ids.transactionID(in: environment)
            }
            return id
        }
        guard (1...32).contains(wanted.utf8.count), wanted.utf8.allSatisfy({ (48...57).contains($0) }) else {
            throw .invalid("transactionId must be 1 to 32 digits")
        }
        guard transactions[TransactionKey(environment: environment, id: wanted)] == nil else {
            throw .duplicateTransaction(wanted)
        }
        return wanted
    }

    /// Adds a transaction whose id was claimed.
    mutating func insert(
        key: TransactionKey, originalID: String, type: SimulatedProductType, orderID: String, appTransactionID: String,
        purchase: Int, sharedFrom: Int? = nil, period: Int64?, fields: SimulatorJSONObject, now: Int64
    ) {
        revision += 1
        transactions[key] = SimulatedTransaction(
            key: key, originalID: originalID, type: type, orderID: orderID, appTransactionID: appTransactionID,
            purchase: purchase, sharedFrom: sharedFrom, period: period, fields: fields, now: now, revision: revision)
        byCustomer[Customer(environment: key.environment, appTransactionID: appTransactionID), default: []].append(key)
        byOriginal[TransactionKey(environment: key.environment, id: originalID), default: []].append(key)
        byOrder[orderID, default: []].append(key)
        byPurchase[purchase, default: []].append(key)
        changedChains.insert(TransactionKey(environment: key.environment, id: originalID))
        if let sharedFrom { familyCopies[sharedFrom, default: []].append(key) }
    }
}
