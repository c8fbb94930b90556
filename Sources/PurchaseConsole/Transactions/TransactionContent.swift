import PurchaseAPI
import PurchaseCore
import PurchaseService

/// What `transaction.mustache` shows.
struct TransactionContent: Sendable {
    /// A sentence, and its moment where it has one.
    struct DatedLine: Sendable {
        let text: String
        let at: ShownTime?

        init(_ phrase: Phrase) {
            text = phrase.text
            at = phrase.at.map(ShownTime.init)
        }
    }

    /// A named value of Apple's, under Apple's name.
    struct Detail: Sendable {
        let name: String
        let value: String?
        let at: ShownTime?

        init(_ name: String, _ value: String?) { (self.name, self.value, self.at) = (name, value, nil) }
        init(_ name: String, at: Instant?) { (self.name, self.value, self.at) = (name, nil, at.map(ShownTime.init)) }
        var isThere: Bool { value != nil || at != nil }
    }

    let id: String
    let state: Badge
    let entitled: Badge
    /// The account that the page is about instead of the holder's.
    let seenFrom: ShownLink?
    /// The page as the holder sees it, when it is shown from another account.
    let holderView: String?
    /// A sentence each for state, refusal, entitlement and claim.
    let meaning: [String]
    let isSandbox: Bool
    /// May be sent as it is.
    let customer: String
    let facts: [DatedLine]
    let rules: [DatedLine]
    let waits: [DatedLine]
    let nextCheck: ShownTime?
    let wouldChange: [String]
    let holder: ShownLink?
    let claim: String?
    let claimedAt: ShownTime?
    let dispute: ShownLink?
    let details: [Detail]
    let timeline: Timeline
    let proof: ProofSummary
    let siblings: TransactionTable?
    let recheck: RecheckForm

    init(
        _ explanation: Explanation, seenFrom account: AccountID?, timeline: Timeline, proof: ProofSummary,
        siblings: TransactionTable?, form: RecheckForm
    ) {
        let view = explanation.view
        id = view.transaction.id.rawValue
        state = Badge(state: view.transaction.state.name)
        entitled = Badge(isEntitled: view.isEntitled)
        seenFrom = account.map { ShownLink($0) }
        holderView = account.map { _ in ConsoleAddress.transaction(view.transaction.id) }
        meaning = explanation.summary.map(\.text)
        isSandbox = view.environment == .sandbox
        customer = explanation.customer.text
        facts = explanation.facts.map(DatedLine.init)
        rules = explanation.rules.map { DatedLine($0.sentence) }
        waits = explanation.waitsFor.map(DatedLine.init)
        nextCheck = view.nextCheckAt.map(ShownTime.init)
        wouldChange = explanation.wouldChange.map(\.text)
        holder = view.accountID.map { ShownLink($0) }
        claim = view.claim.map { ShownCode.words($0.status.rawValue) }
        claimedAt = view.claim.map { ShownTime($0.claimedAt) }
        dispute = view.claim?.caseID.map { ShownLink($0) }
        details = Self.details(of: view)
        self.timeline = timeline
        self.proof = proof
        self.siblings = siblings
        self.recheck = form
    }

    private static func details(of view: TransactionView) -> [Detail] {
        let facts = view.facts
        let transaction = view.transaction
        return [
            Detail("productId", facts?.productID?.rawValue), Detail("type", facts?.type?.appleValue),
            Detail("price", facts?.charge?.shown),
            Detail("quantity", facts.map { String($0.quantity) }), Detail("purchaseDate", at: facts?.purchaseDate),
            Detail("expiresDate", at: facts?.expiresDate), Detail("revocationDate", at: facts?.revocationDate),
            Detail("revocationType", facts?.revocationType),
            Detail("inAppOwnershipType", facts?.inAppOwnershipType?.appleValue),
            Detail("environment", view.environment?.rawValue),
            Detail("originalTransactionId", facts?.originalTransactionID.rawValue),
            Detail("webOrderLineItemId", facts?.webOrderLineItemID?.rawValue),
            Detail("bundleId", facts?.bundleID?.rawValue), Detail("storefront", facts?.storefront),
            Detail("entitled or not, because", ShownCode.words(view.entitlementReason.rawValue)),
            Detail("first recorded", at: transaction.createdAt), Detail("last changed", at: transaction.updatedAt),
        ].filter(\.isThere)
    }
}

/// The form that has Apple asked again.
struct RecheckForm: Sendable {
    let errors: ErrorSummary?
    let why: TextField

    init(why: String? = nil, faults: [FieldFault] = []) {
        errors = ErrorSummary(faults, prefix: "recheck-", heading: "Apple was not asked")
        self.why = TextField(
            "why", "Why", prefix: "recheck-", value: why,
            hint: "Kept in the ledger beside your key's name.", faults: faults, isRequired: true,
            maximum: WhyRequest.charactersMax)
    }
}
