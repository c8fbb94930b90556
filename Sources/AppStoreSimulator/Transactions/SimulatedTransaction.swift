/// Where a transaction is kept: ids are unique within an environment.
struct TransactionKey: Hashable, Sendable {
    let environment: SimulatedEnvironment
    let id: String
}

/// One transaction as the simulated store knows it.
struct SimulatedTransaction: Sendable {
    /// What the payload said before a change.
    struct Version: Sendable {
        let fields: SimulatorJSONObject
        /// The `signedDate` of the last JWS with these fields, or the moment they came to be.
        let signedDate: Int64
    }

    /// How `signedDate` gets into the payload.
    enum SignedDate: Sendable {
        /// The clock's time, strictly increasing.
        case automatic
        /// A value that a test set.
        case fixed(SimulatorJSON)
        /// The field is left out.
        case absent
    }

    static let versionsMax = 8

    let key: TransactionKey
    let originalID: String
    let type: SimulatedProductType
    let orderID: String
    let appTransactionID: String
    /// What was charged once; shared by restored copies.
    let purchase: Int
    /// The purchase that a family member's copy stems from.
    let sharedFrom: Int?
    /// The length of one subscription period in milliseconds.
    let period: Int64?
    /// The payload without `signedDate`.
    private(set) var fields: SimulatorJSONObject
    private(set) var earlier: [Version] = []
    var signedDate = SignedDate.automatic
    /// The newest `signedDate` given out, or the moment the present fields came to be.
    private(set) var lastSignedDate: Int64
    /// Grows with every change in the store: the order of the history.
    private(set) var revision: Int64

    init(
        key: TransactionKey, originalID: String, type: SimulatedProductType, orderID: String, appTransactionID: String,
        purchase: Int, sharedFrom: Int?, period: Int64?, fields: SimulatorJSONObject, now: Int64, revision: Int64
    ) {
        self.key = key
        self.originalID = originalID
        self.type = type
        self.orderID = orderID
        self.appTransactionID = appTransactionID
        self.purchase = purchase
        self.sharedFrom = sharedFrom
        self.period = period
        self.fields = fields
        self.lastSignedDate = now
        self.revision = revision
    }

    var isRevoked: Bool { fields["revocationDate"] != nil }
    var purchaseDate: Int64 { fields["purchaseDate"]?.integerValue ?? 0 }
    var expiresDate: Int64? { fields["expiresDate"]?.integerValue }
    var isFamilyShared: Bool { fields["inAppOwnershipType"] == "FAMILY_SHARED" }

    /// Orders the transactions of one subscription: the greatest is the current one.
    var rank: (Int, Int64, Int64) { (fields["isUpgraded"] == true ? 0 : 1, expiresDate ?? 0, purchaseDate) }

    /// Puts new fields in the place of the present ones, which are kept for stale answers.
    mutating func replaceFields(_ fields: SimulatorJSONObject, now: Int64, revision: Int64, keepsFormer: Bool) {
        if keepsFormer { earlier.append(Version(fields: self.fields, signedDate: lastSignedDate)) }
        if earlier.count > Self.versionsMax { earlier.removeFirst() }
        self.fields = fields
        self.revision = revision
        lastSignedDate = max(now, lastSignedDate + 1)
    }

    /// The next `signedDate`: now, and never the same twice.
    mutating func takeSignedDate(now: Int64) -> Int64 {
        lastSignedDate = max(now, lastSignedDate + 1)
        return lastSignedDate
    }
}
