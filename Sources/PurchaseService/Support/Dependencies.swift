package import AppStoreJWS
package import Logging
package import PurchaseCore

/// The wall clock, as a leaf to replace in tests.
package struct WallClock: Sendable {
    /// The time now.
    package let now: @Sendable () -> Instant

    /// Takes a source of time.
    package init(now: @escaping @Sendable () -> Instant) { self.now = now }
}

/// The small computations that need cryptography, which this module does not import.
package struct ServiceCryptography: Sendable {
    /// SHA-256, 32 bytes.
    package let sha256: @Sendable ([UInt8]) -> [UInt8]
    /// The app account token that an account has by rule: its own UUID, or one derived in the configured namespace.
    package let accountToken: @Sendable (AccountID) -> AppAccountToken?
    /// The token that lets a device read back the transaction that it posted for an account.
    package let claimToken: @Sendable (TransactionID, AccountNumber) -> String
    /// The account that a claim token was made for; `nil` for a forged one or one of another transaction.
    package let claimant: @Sendable (String, TransactionID) -> AccountNumber?
    /// A keyed digest of a name, 32 lower-case hexadecimal digits: tells names apart without holding one.
    package let pseudonym: @Sendable (String) -> String

    /// Takes every computation.
    package init(
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        accountToken: @escaping @Sendable (AccountID) -> AppAccountToken?,
        claimToken: @escaping @Sendable (TransactionID, AccountNumber) -> String,
        claimant: @escaping @Sendable (String, TransactionID) -> AccountNumber?,
        pseudonym: @escaping @Sendable (String) -> String
    ) {
        self.sha256 = sha256
        self.accountToken = accountToken
        self.claimToken = claimToken
        self.claimant = claimant
        self.pseudonym = pseudonym
    }
}

/// Bounds and times of the use cases.
package struct ServiceConfiguration: Sendable {
    /// The longest that a post waits for Apple (`VOUCH_ANSWER_WITHIN`).
    package var answerWithin: Duration = .seconds(8)
    /// How long a settled answer is given without asking Apple again (`VOUCH_FRESH_FOR`).
    package var freshFor: Span = .days(1)
    /// Whether Production's 401 counts as its "not found" (`VOUCH_APP_UNRELEASED`).
    package var appUnreleased = false
    /// The app's number in the store (`VOUCH_APP_APPLE_ID`); `nil` accepts any.
    package var appAppleID: Int64?
    /// Questions to Apple under way at once in this process and lane; see ``asks(in:)``.
    package var asksMax = 64
    /// Questions that may wait for one of those places, per lane; beyond, the recheck worker takes over.
    package var asksQueuedMax = 1_024
    /// Posts that may wait for Apple at once in this process, and a quarter of that for bare ids of devices and users; one
    /// more is answered from the ledger, unsettled, at once.
    ///
    /// Beyond what Apple's budget answers within ``answerWithin``, waiting helps nobody: the post is recorded, its check
    /// is queued, and its place at the edge is free for the next.
    package var postsWaitingMax = 512
    /// How long a post may take into the ledger, before Apple is asked; when it takes longer, fewer are let in at once.
    package var recordWithin: Duration = .milliseconds(200)
    /// The least and the most of them that are let in at once, with the commits of Apple's answers; beyond is 503.
    ///
    /// The least fills two statements of decisions, the one that is committed and the next.
    package var recordingsAtOnce = 128...1_024
    /// Accounts that may claim one chain; a publishable key could invent them without end.
    package var claimsPerChainMax = 50
    /// Restores under way at once in this process; each holds some hundred signed transactions in memory.
    package var restoresMax = 32
    /// The longest that one store is waited for, the budget included; at most two are asked.
    package var askTimeout: Duration = .seconds(20)
    /// How long other processes leave a question to this one: longer than both stores together may take.
    package var leaseFor: Span = .seconds(60)
    /// How often the recheck worker looks for due checks when it found none.
    package var pollEvery: Duration = .seconds(1)
    /// After how long every process has noticed a new catalogue, a slow decision under the old one included.
    package var policySettles: Duration = .seconds(15)
    /// The longest pause before what could not be decided again under a new policy is tried once more.
    package var policyRetryMax: Duration = .seconds(3_600)
    /// Keys remembered after a successful look-up.
    package var cachedKeysMax = 1_024
    /// How long a revoked key may still work.
    package var cachedKeysFor: Span = .seconds(5)
    /// Attempts at a decision when others change the same chain meanwhile.
    package var decisionAttemptsMax = 32

    /// The defaults of the design.
    package init() {}

    /// Places of a lane: guesses posted by publishable keys can't take those of paying customers.
    package func asks(in lane: RequestLane) -> Int {
        switch lane {
        case .interactive: asksMax
        case .retry: max(1, asksMax / 2)
        case .unproven, .sweep: max(1, asksMax / 5)
        }
    }
}

/// Everything that the use cases work with, put together at the root.
package struct ServiceDependencies: Sendable {
    /// The ledger.
    package var ledger: any LedgerPort
    /// The ledger's money rows, on connections of their own.
    package var paidRecords: any PaidRecordsPort
    /// Apple, or the simulator.
    package var appStore: any AppStorePort
    /// Apple's memory of orders.
    package var orders: any OrderLookupPort
    /// Apple's own history of its notifications.
    package var history: any NotificationHistoryPort
    /// What the client for Apple knows of itself.
    package var health: any AppStoreHealthPort
    /// Checks signatures.
    package var verifier: JWSVerifier
    /// Judges users' tokens; `nil` while no identity provider is set up.
    package var userTokens: (any UserTokenPort)?
    /// Where the policy in force is kept; a change of the catalogue replaces it while the process runs.
    package var policies: PolicyHolder
    /// Settings and catalogue as they are now: to be read once per decision.
    ///
    /// Setting it gives this copy of the dependencies a policy of its own.
    package var policy: Policy {
        get { policies.current }
        set { policies = PolicyHolder(newValue) }
    }
    /// The wall clock.
    package var clock: WallClock
    /// Hashes and tokens.
    package var cryptography: ServiceCryptography
    /// A name of this process, unique per start: who holds a lease.
    package var processName: String
    /// Where alarms and faults are told.
    package var logger: Logger
    /// Where things are counted.
    package var metrics: ServiceMetrics

    /// Takes every part.
    package init(
        ledger: any LedgerPort, paidRecords: any PaidRecordsPort, appStore: any AppStorePort,
        orders: any OrderLookupPort, history: any NotificationHistoryPort, health: any AppStoreHealthPort,
        verifier: JWSVerifier, policies: PolicyHolder, clock: WallClock,
        cryptography: ServiceCryptography, processName: String, logger: Logger,
        metrics: ServiceMetrics = ServiceMetrics(), userTokens: (any UserTokenPort)? = nil
    ) {
        self.ledger = ledger
        self.paidRecords = paidRecords
        self.appStore = appStore
        self.orders = orders
        self.history = history
        self.health = health
        self.verifier = verifier
        self.policies = policies
        self.clock = clock
        self.cryptography = cryptography
        self.processName = processName
        self.logger = logger
        self.metrics = metrics
        self.userTokens = userTokens
    }
}
