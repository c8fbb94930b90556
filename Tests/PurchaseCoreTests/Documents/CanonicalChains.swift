import PurchaseCore

/// One chain for each way in which the design tells states apart; the transition table starts from these.
struct CanonicalChain: Sendable {
    let name: String
    let story: String
    let history: History

    private init(_ name: String, _ story: String, policy: Policy = .standard, _ tell: (inout History) -> Void) {
        self.name = name
        self.story = story
        var history = History(policy: policy)
        history.chain.erasable.accounts[alice] = ErasableFacts.Account(id: AccountID("alice"), token: token(1))
        history.claim(alice)
        tell(&history)
        history.now = max(history.now, .minute(200))
        self.history = history
    }

    static let held = Policy.standard.with(product: "coins") { $0.settlementHold = .hours(24) }
    static let clean = Sample("coins", signed: 10)
    static let refund = Sample("coins", signed: 20).refunded(at: 19)

    static let all: [CanonicalChain] = [
        CanonicalChain("received", "the id was posted, and nothing is known yet") { _ in },
        CanonicalChain("pending: Apple unavailable", "the id was posted, and Apple could not be asked") {
            $0.unanswered(.unavailable)
        },
        CanonicalChain("pending: device only", "the device handed in a genuine JWS, and Apple was not asked yet") {
            $0.see(clean.from(.device))
        },
        CanonicalChain("pending: ownership unknown", "Apple's answer has no inAppOwnershipType") {
            $0.see(clean.with { $0.inAppOwnershipType = nil })
        },
        CanonicalChain("pending: hold", "the product's settlement hold is running", policy: held) { $0.see(clean) },
        CanonicalChain("pending: not found, deadline near", "Apple did not know the id four times, over three days") {
            history in
            for _ in 0..<4 {
                history.unanswered(.notFound(in: [.production, .sandbox]))
                history.wait(.days(1))
            }
        },
        CanonicalChain("refused: not found", "Apple knew nothing of the id up to the deadline") { history in
            for _ in 0..<5 {
                history.unanswered(.notFound(in: [.production, .sandbox]))
                history.wait(.days(1))
            }
        },
        CanonicalChain("refused: other bundle", "the evidence is genuine, and another app's") {
            $0.see(clean.with { $0.bundleID = BundleID("com.example.other") })
        },
        CanonicalChain("paid", "Apple's answer of minute 10 is clean; the delivery is open") { $0.see(clean) },
        CanonicalChain("paid, disputed", "paid at minute 10 and held by the first account; a second one claims it too")
        {
            $0.see(clean)
            $0.claim(bob)
        },
        CanonicalChain("refunded", "paid at minute 10, refunded by evidence of minute 20") {
            $0.see(clean)
            $0.see(refund)
        },
        CanonicalChain("refunded, ownership unknown", "first heard of as refunded, without inAppOwnershipType") {
            $0.see(refund.with { $0.inAppOwnershipType = nil })
        },
        CanonicalChain(
            "refunded, one clean answer above", "as refunded, and one clean answer of minute 100 that doesn't count yet"
        ) {
            $0.see(clean)
            $0.see(refund)
            $0.see(clean.signed(100))
        },
        CanonicalChain("refund reversed", "as refunded, and then a REFUND_REVERSED of minute 30") {
            $0.see(clean)
            $0.see(refund)
            $0.see(clean.signed(30).from(.notification, "REFUND_REVERSED"))
        },
    ]
}

/// Every kind of input, in the words of the table.
struct CanonicalInput: Sendable {
    let name: String
    let policy: Policy?
    let input: @Sendable (History) -> Input

    private init(_ name: String, policy: Policy? = nil, _ input: @escaping @Sendable (History) -> Input) {
        self.name = name
        self.policy = policy
        self.input = input
    }

    private init(_ name: String, _ sample: Sample) {
        self.init(name) { _ in .evidenceVerified(sample.evidence, absorbing: nil) }
    }

    private static let id = TransactionID("1001")
    private static let clean = CanonicalChain.clean
    private static let late = Int64(180)

    static let all: [CanonicalInput] = evidence + answers + rest

    private static let evidence: [CanonicalInput] = [
        CanonicalInput("app_store evidence, clean", clean.signed(late)),
        CanonicalInput("app_store evidence, clean, from before the refund", clean.signed(5)),
        CanonicalInput("notification, clean", clean.signed(late).from(.notification, "ONE_TIME_CHARGE")),
        CanonicalInput(
            "notification REFUND_REVERSED, clean", clean.signed(late).from(.notification, "REFUND_REVERSED")),
        CanonicalInput(
            "notification REFUND_REVERSED without ownership",
            clean.signed(late).with { $0.inAppOwnershipType = nil }.from(.notification, "REFUND_REVERSED")),
        CanonicalInput("history, clean", clean.signed(late).from(.history)),
        CanonicalInput("device evidence, clean", clean.signed(late).from(.device)),
        CanonicalInput("app_store evidence, REFUND_FULL", clean.signed(late).refunded(at: 170)),
        CanonicalInput(
            "notification REFUND, prorated",
            clean.signed(late).refunded(at: 170, "REFUND_PRORATED", percentage: 50_000).from(.notification, "REFUND")),
        CanonicalInput(
            "notification REVOKE, FAMILY_REVOKE",
            clean.signed(late).refunded(at: 170, "FAMILY_REVOKE").from(.notification, "REVOKE")),
        CanonicalInput("history, revoked without a type", clean.signed(late).refunded(at: 170, nil).from(.history)),
        CanonicalInput("device evidence, revoked", clean.signed(late).refunded(at: 170).from(.device)),
        CanonicalInput("app_store evidence without ownership", clean.signed(late).with { $0.inAppOwnershipType = nil }),
        CanonicalInput(
            "app_store evidence of another bundle",
            clean.signed(late).with { $0.bundleID = BundleID("com.example.other") }),
        CanonicalInput("app_store evidence of Sandbox", clean.signed(late).with { $0.environment = .sandbox }),
    ]

    private static let answers: [CanonicalInput] = [
        CanonicalInput("404 everywhere") { _ in .appStoreUnanswered(id, .notFound(in: [.production, .sandbox])) },
        CanonicalInput("401") { _ in .appStoreUnanswered(id, .unauthorized) },
        CanonicalInput("403, other 400") { _ in .appStoreUnanswered(id, .requestRefused) },
        CanonicalInput("429, own budget") { _ in .appStoreUnanswered(id, .throttled(retryAt: nil)) },
        CanonicalInput("5xx, time-out") { _ in .appStoreUnanswered(id, .unavailable) },
        CanonicalInput("answer that does not verify") { _ in .appStoreUnanswered(id, .answerRefused) },
        CanonicalInput("answer undetermined (OCSP, clock)") { _ in .appStoreUnanswered(id, .verificationUndetermined) },
    ]

    private static let rest: [CanonicalInput] = [
        CanonicalInput("notification under an expired certificate") { _ in .mentioned(id) },
        CanonicalInput("same account claims again") { .claimed(id, by: alice, at: $0.now) },
        CanonicalInput("another account claims") { .claimed(id, by: bob, at: $0.now) },
        CanonicalInput("deadline reached") { _ in .deadlineReached(id) },
        CanonicalInput("hold elapsed") { _ in .holdElapsed(id) },
        CanonicalInput("staff asks for a recheck") { _ in .staffActed(.recheck(id), reasonNumber: 1) },
        CanonicalInput("staff transfers the disputed purchase") { _ in
            .staffActed(.resolveCase(CaseID("case-production-1001-2"), .transferred), reasonNumber: 1)
        },
        CanonicalInput("staff refuses the claimant") { _ in
            .staffActed(.resolveCase(CaseID("case-production-1001-2"), .refused), reasonNumber: 1)
        },
        CanonicalInput("delivery acknowledged") {
            .grantAcknowledged($0.chain.grants.keys.sorted().last ?? GrantID("-"))
        },
        CanonicalInput(
            "setting: hold removed", policy: .standard, { _ in .policyChanged }),
        CanonicalInput(
            "setting: the other bundle is the app's",
            policy: .standard.with { $0.bundleID = BundleID("com.example.other") }, { _ in .policyChanged }),
    ]

    /// Every kind of ``Input`` is in the table.
    static let kinds = Set(all.map { $0.input(CanonicalChain.all[0].history).kind })
}
