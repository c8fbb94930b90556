package import PurchaseCore

/// What a restore is asked to do.
package struct RestoreRequest: Hashable, Sendable {
    /// Where it begins.
    package enum Beginning: Hashable, Sendable {
        /// With what the ledger knows of the account.
        case account
        /// With a transaction that the caller has in hand; it is posted for the account first.
        case transaction(Submission.Subject)
        /// Where an earlier call stopped.
        case cursor(RestoreCursor)
    }

    /// Where it begins.
    package var beginning: Beginning
    /// Whether consumables that nobody has claimed are claimed too, and so delivered.
    ///
    /// For deployments in which nothing else has delivered them before: Apple lists finished ones as well.
    package var claimsConsumables: Bool
    /// The JWS of a StoreKit 2 transaction that is shown with a cursor; `nil` with any other beginning.
    package var shown: String?

    /// Takes every part.
    package init(beginning: Beginning, claimsConsumables: Bool = false, shown: String? = nil) {
        self.beginning = beginning
        self.claimsConsumables = claimsConsumables
        self.shown = shown
    }

    /// The transaction that the caller has in hand, which is posted first.
    var inHand: Submission.Subject? {
        switch beginning {
        case .account: nil
        case .transaction(let subject): subject
        case .cursor: shown.map(Submission.Subject.signedTransaction)
        }
    }
}

/// Where a restore goes on: nothing in it is trusted, or says more than its caller knows.
package struct RestoreCursor: Hashable, Sendable {
    /// The most histories of one restore: an account has purchases of few customers of Apple's.
    package static let historiesMax = 10

    /// The histories that were read to their end, each by a chain that it was begun from.
    package var done: [Chain.Identity]
    /// The history that is being read, by the chain that it was begun from.
    package var current: Chain.Identity?
    /// Apple's revision of the page before; `nil` before the first.
    package var revision: String?
    /// Whether something in what was read could not be taken in.
    package var hasGaps: Bool

    /// The beginning, unless anything else is said.
    package init(
        done: [Chain.Identity] = [], current: Chain.Identity? = nil, revision: String? = nil, hasGaps: Bool = false
    ) {
        self.done = done
        self.current = current
        self.revision = revision
        self.hasGaps = hasGaps
    }

    /// The current history is read to its end.
    mutating func finish() {
        if let current { done.append(current) }
        current = nil
        revision = nil
    }
}

/// What one call of a restore came to.
package struct Restoration: Sendable {
    /// Whether every history of the account's customers is read to its end, and all in them was taken in.
    package var isComplete = false
    /// Histories that were read to their end, over all calls of the restore.
    package var histories = 0
    /// Transactions that Apple listed in this call.
    package var found = 0
    /// Those of them that nobody had heard of.
    package var recorded = 0
    /// Purchases that are claimed for the account now.
    package var claimed = 0
    /// Transactions that other accounts claim, or that carry another account's token.
    package var others = 0
    /// Transactions that nobody claims: consumables, unless they are asked for.
    package var unclaimed = 0
    /// Entries that did not verify; each has left a trace and an alarm.
    package var unverified = 0
    /// What this call found of the account's own, in Apple's order.
    package var transactions: [TransactionView] = []
    /// Where to go on; `nil` when nothing is left.
    package var next: RestoreCursor?
    /// When to go on; set when Apple could not be asked now.
    package var retryAt: Instant?

    /// Nothing yet.
    package init() {}
}

/// How a restore ended.
package enum RestoreOutcome: Sendable {
    /// The named transaction is refused, or another account's: nothing was restored.
    case notTaken(SubmissionOutcome)
    /// As far as it came; what it found is durable.
    case restored(Restoration)
}
