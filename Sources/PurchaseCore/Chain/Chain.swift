/// Everything under one original transaction: the unit of every decision, with one version.
///
/// A value: it is loaded from the ledger, decided upon, and the entries of the decision, applied to it, are the new one.
package struct Chain: Equatable, Sendable {
    /// What a chain is known by.
    package enum Identity: Hashable, Codable, Sendable {
        /// Only a posted id is known; becomes `.original`, or is absorbed by the chain that has that identity already.
        case provisional(TransactionID)
        /// Verified evidence named the store and the original transaction.
        case original(StoreEnvironment, OriginalTransactionID)
        /// What support decided about an account; no transactions.
        case account(AccountNumber)
    }

    /// The ledger's number; `nil` until the first event is committed.
    package var id: ChainID?
    /// The number of events so far; 0 before the first.
    package var version: Int64
    /// What it is known by.
    package var identity: Identity
    /// The chain that took this one in; nothing moves here any more.
    package var absorbedBy: ChainID?
    /// By transactionId.
    package var transactions: [TransactionID: Transaction]
    /// All verified evidence of the chain's transactions, counted or not.
    package var evidence: [EvidenceID: Evidence]
    /// The newest renewal info of the subscription; `nil` before the first, and where nothing renews.
    package var renewal: RenewalInfo?
    /// One claim per account.
    package var claims: [AccountNumber: Claim]
    /// Deliveries of consumables.
    package var grants: [GrantID: Grant]
    /// What accounts may use because of this chain.
    package var entitlements: [Entitlement.ID: Entitlement]
    /// Money, in the order in which it was recorded.
    package var movements: [Movement]
    /// Disputes.
    package var cases: [CaseID: ClaimCase]
    /// Support's decisions about an account; in a chain of the account alone.
    package var overrides: [OverrideID: Override]
    /// That the account of an account's chain was erased; `nil` in every other chain.
    package var erasure: Erasure?
    /// When Apple is asked next: work in progress, not history, and so no part of replay.
    package var checks: [TransactionID: Check]
    /// Names and tokens from the erasable tables: needed to decide, and no part of replay.
    package var erasable: ErasableFacts

    /// An empty chain that nothing has been recorded of.
    package init(identity: Identity) {
        self.id = nil
        self.version = 0
        self.identity = identity
        self.transactions = [:]
        self.evidence = [:]
        self.claims = [:]
        self.grants = [:]
        self.entitlements = [:]
        self.movements = []
        self.cases = [:]
        self.overrides = [:]
        self.checks = [:]
        self.erasable = ErasableFacts()
    }

    /// The store, once evidence named it.
    package var environment: StoreEnvironment? {
        switch identity {
        case .provisional, .account: nil
        case .original(let environment, _): environment
        }
    }

    /// The account whose claim holds.
    package var owner: AccountNumber? {
        claims.values.first { $0.status == .held }?.account
    }

    /// The evidence that decides a settled state; `nil` while unsettled.
    package func decidingEvidence(of state: PurchaseState) -> Evidence? {
        state.deciding.flatMap { evidence[$0] }
    }

    /// The part that the ledger's append-only rows determine; replay must arrive at exactly this.
    package var replayable: Chain {
        var copy = self
        copy.checks = [:]
        copy.erasable = ErasableFacts()
        return copy
    }
}

/// One transaction as the ledger holds it.
package struct Transaction: Hashable, Codable, Sendable {
    /// Apple's id.
    package var id: TransactionID
    /// What is known.
    package var state: PurchaseState
    /// Why it is not pursued, if it is not.
    package var refusal: TransactionRefusal?
    /// The purchase it belongs to; `nil` until counted evidence names one.
    package var purchaseID: PurchaseID?
    /// When it was recorded.
    package var createdAt: Instant
    /// When its state, refusal or deciding evidence last changed.
    package var updatedAt: Instant

    /// A transaction of which only the id is known.
    package init(id: TransactionID, recordedAt: Instant) {
        self.id = id
        self.state = .received
        self.createdAt = recordedAt
        self.updatedAt = recordedAt
    }
}

/// An account's word that a chain is its own.
package struct Claim: Hashable, Codable, Sendable {
    /// What became of it.
    package enum Status: String, Hashable, Codable, Sendable, CaseIterable {
        /// No claim holds yet; decided when Apple's word is in.
        case waiting
        /// This account owns the chain.
        case held
        /// The purchase carries another account's token.
        case refused
        /// Another account holds the chain; there is a case, open or refused.
        case conflict
    }

    /// Why a claim was refused.
    package enum Refusal: String, Hashable, Codable, Sendable, CaseIterable {
        /// The purchase's appAccountToken is another one than the account's.
        case accountTokenMismatch = "account_token_mismatch"
    }

    /// How the purchase's appAccountToken compares with the account's; the tokens themselves are not kept here.
    package enum TokenComparison: String, Hashable, Codable, Sendable, CaseIterable {
        /// The same.
        case match
        /// Both known, and different.
        case mismatch
        /// The purchase carries none (or an empty or all-zero one).
        case absent
        /// The purchase carries one, but the account's own is not known.
        case notComparable = "not_comparable"
    }

    /// Who claims.
    package var account: AccountNumber
    /// What became of it.
    package var status: Status
    /// Why it was refused, if it was.
    package var refusal: Refusal?
    /// The comparison that decided; `nil` while there was nothing to compare.
    package var tokenComparison: TokenComparison?
    /// The case, for a conflict.
    package var caseID: CaseID?
    /// The transaction that was posted.
    package var transactionID: TransactionID
    /// When it was first made.
    package var claimedAt: Instant

    /// A new claim, waiting.
    package init(account: AccountNumber, transactionID: TransactionID, claimedAt: Instant) {
        self.account = account
        self.status = .waiting
        self.transactionID = transactionID
        self.claimedAt = claimedAt
    }
}

/// A dispute that support resolves: an account claims what another one holds.
package struct ClaimCase: Hashable, Codable, Sendable {
    /// Whether somebody still has to act.
    package enum Status: String, Hashable, Codable, Sendable, CaseIterable {
        /// Waits for support.
        case open
        /// Closed by a person, with a reason.
        case resolved
    }

    /// Derived from the chain and the account, so one per pair.
    package var id: CaseID
    /// Who claims against the holder.
    package var account: AccountNumber
    /// Whether somebody still has to act.
    package var status: Status
    /// When it was opened.
    package var openedAt: Instant
    /// How it was closed; `nil` while it is open.
    package var resolution: Resolution?

    /// A case with every field.
    package init(
        id: CaseID, account: AccountNumber, status: Status, openedAt: Instant, resolution: Resolution? = nil
    ) {
        self.id = id
        self.account = account
        self.status = status
        self.openedAt = openedAt
        self.resolution = resolution
    }
}

/// Where the asking of Apple about one transaction stands: bookkeeping of work, not of facts.
package struct Check: Hashable, Codable, Sendable {
    /// When Apple is asked next; `nil` when nothing is to be asked.
    package var nextCheckAt: Instant?
    /// Whether the planned question is a sweep: nobody waits for the answer to a settled purchase, so it is asked with
    /// what the others leave of the request budget.
    ///
    /// False where nothing is planned.
    package var isSweep: Bool
    /// When Apple last gave any answer, or failed to.
    package var lastAskedAt: Instant?
    /// Fruitless attempts since the last progress.
    package var attempts: Int64
    /// Definitive "not found" answers, by store.
    package var notFoundAnswers: [StoreEnvironment: Int64]
    /// Time spent between consecutive definitive answers; outages don't count.
    package var notFoundFor: Span
    /// When the last definitive "not found" came, if nothing else came since.
    package var notFoundSince: Instant?
    /// The first contradiction that is still open, and how many of its checks are done.
    package var contradictedAt: Instant?
    /// Checks done for the open contradiction.
    package var contradictionChecks: Int64
    /// When Apple is asked for the subscription's status next; a question of its own, beside ``nextCheckAt``.
    ///
    /// On the newest period's transaction alone.
    package var statusesAt: Instant?
    /// When Apple last answered that question.
    package var statusesAskedAt: Instant?
    /// Fruitless attempts at it since the last answer.
    package var statusesAttempts: Int64
    /// Not before then, after a fruitless attempt.
    package var statusesRetryAt: Instant?

    /// Nothing asked, nothing planned.
    package init() {
        self.isSweep = false
        self.attempts = 0
        self.notFoundAnswers = [:]
        self.notFoundFor = .zero
        self.contradictionChecks = 0
        self.statusesAttempts = 0
    }

    /// When the next question of either kind is due.
    package var dueAt: Instant? {
        guard let nextCheckAt, let statusesAt else { return nextCheckAt ?? statusesAt }
        return min(nextCheckAt, statusesAt)
    }

    /// Whether the question that is due first is a sweep.
    package var isSweepDueFirst: Bool {
        guard isSweep, let nextCheckAt else { return false }
        return statusesAt.map { nextCheckAt < $0 } ?? true
    }

    /// Whether the question to ask now is Get All Subscription Statuses, not Get Transaction Info.
    package func asksStatuses(at now: Instant) -> Bool {
        guard let statusesAt, statusesAt <= now else { return false }
        return nextCheckAt.map { statusesAt <= $0 || $0 > now } ?? true
    }

    /// Reads a stored row; one that was written before there were sweeps is none.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nextCheckAt = try container.decodeIfPresent(Instant.self, forKey: .nextCheckAt)
        isSweep = try container.decodeIfPresent(Bool.self, forKey: .isSweep) ?? false
        lastAskedAt = try container.decodeIfPresent(Instant.self, forKey: .lastAskedAt)
        attempts = try container.decode(Int64.self, forKey: .attempts)
        notFoundAnswers = try container.decode([StoreEnvironment: Int64].self, forKey: .notFoundAnswers)
        notFoundFor = try container.decode(Span.self, forKey: .notFoundFor)
        notFoundSince = try container.decodeIfPresent(Instant.self, forKey: .notFoundSince)
        contradictedAt = try container.decodeIfPresent(Instant.self, forKey: .contradictedAt)
        contradictionChecks = try container.decode(Int64.self, forKey: .contradictionChecks)
        statusesAt = try container.decodeIfPresent(Instant.self, forKey: .statusesAt)
        statusesAskedAt = try container.decodeIfPresent(Instant.self, forKey: .statusesAskedAt)
        statusesAttempts = try container.decodeIfPresent(Int64.self, forKey: .statusesAttempts) ?? 0
        statusesRetryAt = try container.decodeIfPresent(Instant.self, forKey: .statusesRetryAt)
    }
}

/// What the erasable tables add for a decision: names and tokens, never written into events.
package struct ErasableFacts: Equatable, Sendable {
    /// What is known of an account that claims.
    package struct Account: Equatable, Sendable {
        /// The app's own name for it; `nil` when erased.
        package var id: AccountID?
        /// Its app account token, where one is known.
        package var token: AppAccountToken?

        /// Takes what is known.
        package init(id: AccountID?, token: AppAccountToken?) {
            self.id = id
            self.token = token
        }
    }

    /// By the ledger's number.
    package var accounts: [AccountNumber: Account] = [:]
    /// The app account token that an item of evidence carries; no entry when it carries none.
    package var tokens: [EvidenceID: AppAccountToken] = [:]
    /// Evidence whose signed text is gone, and with it what it said of a token.
    package var erased: Set<EvidenceID> = []

    /// Nothing known.
    package init() {}

    /// Both together; the other's values win where both know something.
    mutating func merge(_ other: ErasableFacts) {
        accounts.merge(other.accounts) { _, new in new }
        tokens.merge(other.tokens) { _, new in new }
        erased.formUnion(other.erased)
    }
}
