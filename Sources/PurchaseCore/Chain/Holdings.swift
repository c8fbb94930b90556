/// One delivery of a consumable's amount to an account, or its taking back.
package struct Grant: Hashable, Codable, Sendable {
    /// What kind of delivery.
    package enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
        /// The purchase's amount, once.
        case grant
        /// Takes back an acknowledged delivery after a refund.
        case reversal
        /// Delivers again after the refund was undone.
        case reinstatement
    }

    /// Whether the app's server has credited it.
    package enum Status: String, Hashable, Codable, Sendable, CaseIterable {
        /// Listed until acknowledged.
        case open
        /// Credited by the app's server; acknowledging again changes nothing.
        case acknowledged
        /// Refunded before it was acknowledged: must not be credited.
        case cancelled
    }

    /// `<purchase>.<kind>.<number>`.
    package var id: GrantID
    /// What kind of delivery.
    package var kind: Kind
    /// Whether the app's server has credited it.
    package var status: Status
    /// Whose it is.
    package var account: AccountNumber
    /// The purchase it delivers.
    package var purchaseID: PurchaseID
    /// The transaction that led to it.
    package var transactionID: TransactionID
    /// What was bought.
    package var productID: ProductID
    /// Units, always positive; a reversal takes this many away.
    package var amount: Int64
    /// The store it was bought in.
    package var environment: StoreEnvironment
    /// When it was decided.
    package var createdAt: Instant

    /// A grant with every field.
    package init(
        id: GrantID, kind: Kind, status: Status, account: AccountNumber, purchaseID: PurchaseID,
        transactionID: TransactionID, productID: ProductID, amount: Int64, environment: StoreEnvironment,
        createdAt: Instant
    ) {
        self.id = id
        self.kind = kind
        self.status = status
        self.account = account
        self.purchaseID = purchaseID
        self.transactionID = transactionID
        self.productID = productID
        self.amount = amount
        self.environment = environment
        self.createdAt = createdAt
    }
}

/// What an account may use because of one transaction; active while now < `until`.
package struct Entitlement: Hashable, Codable, Sendable {
    /// One row per transaction and key.
    package struct ID: Hashable, Comparable, Codable, Sendable {
        /// The transaction that entitles.
        package var transactionID: TransactionID
        /// What it entitles to.
        package var key: String

        /// Takes both parts.
        package init(transactionID: TransactionID, key: String) {
            self.transactionID = transactionID
            self.key = key
        }

        /// By transaction, then key.
        package static func < (left: Self, right: Self) -> Bool {
            (left.transactionID, left.key) < (right.transactionID, right.key)
        }
    }

    /// Why the row may exist.
    package enum Rule: String, Hashable, Codable, Sendable, CaseIterable {
        /// Its transaction is `paid`.
        case paid
        /// Refunded in part, and the product keeps access then.
        case proratedKeep = "prorated_keep"
    }

    /// Why access lasts beyond the end of the paid period.
    package enum Extension: String, Hashable, Codable, Sendable, CaseIterable {
        /// Apple reports a grace period after a failed charge.
        case gracePeriod = "grace_period"
        /// The renewal is due, and whether it happened is not known yet.
        case renewalUnconfirmed = "renewal_unconfirmed"
    }

    /// The part of the time that nobody has paid for.
    package struct Extended: Hashable, Codable, Sendable {
        /// Why it is served.
        package var reason: Extension
        /// The end of the paid period; the extension lasts until the entitlement's `until`.
        package var from: Instant

        /// Takes both parts.
        package init(reason: Extension, from: Instant) {
            self.reason = reason
            self.from = from
        }
    }

    /// Transaction and key.
    package var id: ID
    /// Who may use it.
    package var account: AccountNumber
    /// What was bought.
    package var productID: ProductID
    /// The store it was bought in.
    package var environment: StoreEnvironment
    /// The chain's original transaction.
    package var originalTransactionID: OriginalTransactionID
    /// The state of its transaction; the database holds the two together.
    package var state: PurchaseState.Name
    /// Why the row may exist.
    package var rule: Rule
    /// From when.
    package var since: Instant
    /// Until when; `nil` until refunded.
    package var until: Instant?
    /// What of that time is not paid for; `nil` when all of it is.
    package var extended: Extended?

    /// An entitlement with every field.
    package init(
        id: ID, account: AccountNumber, productID: ProductID, environment: StoreEnvironment,
        originalTransactionID: OriginalTransactionID, state: PurchaseState.Name, rule: Rule, since: Instant,
        until: Instant?, extended: Extended? = nil
    ) {
        self.id = id
        self.account = account
        self.productID = productID
        self.environment = environment
        self.originalTransactionID = originalTransactionID
        self.state = state
        self.rule = rule
        self.since = since
        self.until = until
        self.extended = extended
    }

    /// Whether it may be used at an instant.
    package func isActive(at now: Instant) -> Bool { until.map { now < $0 } ?? true }

    /// Why it may still be used at an instant after the paid period; `nil` within it, and after the end.
    package func extensionReason(at now: Instant) -> Extension? {
        guard isActive(at: now), let extended, now >= extended.from else { return nil }
        return extended.reason
    }
}

/// One movement of money of a purchase, a row of finance's export: customer price, never proceeds.
package struct Movement: Hashable, Codable, Sendable {
    /// What moved.
    package enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
        /// The charge; once per purchase.
        case sale
        /// Money back; once per generation.
        case refund
        /// The difference to a refund's new amount.
        case refundAdjustment = "refund_adjustment"
        /// A refund undone.
        case reversal
    }

    /// `<purchase>.<kind>.<generation>.<step>`.
    package var rowID: String
    /// What moved.
    package var kind: Kind
    /// The purchase.
    package var purchaseID: PurchaseID
    /// 1, and one more after each counted reversal.
    package var generation: Int64
    /// 0, and one more for each adjustment within a generation.
    package var step: Int64
    /// The transaction whose evidence told of it.
    package var transactionID: TransactionID
    /// originalPurchaseDate (auto-renewables: purchaseDate), revocationDate, or the reversal's signedDate.
    package var occurredAt: Instant
    /// What is added: negative for refunds; `nil` when Apple gave no price.
    package var amountMilliunits: Int64?
    /// ISO 4217; `nil` when Apple gave no price.
    package var currency: String?
    /// The evidence that told of it.
    package var evidence: EvidenceID

    /// A movement with every field.
    package init(
        rowID: String, kind: Kind, purchaseID: PurchaseID, generation: Int64, step: Int64,
        transactionID: TransactionID, occurredAt: Instant, amountMilliunits: Int64?, currency: String?,
        evidence: EvidenceID
    ) {
        self.rowID = rowID
        self.kind = kind
        self.purchaseID = purchaseID
        self.generation = generation
        self.step = step
        self.transactionID = transactionID
        self.occurredAt = occurredAt
        self.amountMilliunits = amountMilliunits
        self.currency = currency
        self.evidence = evidence
    }
}
