import PurchaseAPI
import PurchaseCore
import PurchaseService

/// What `account.mustache` shows.
struct AccountContent: Sendable {
    /// One entitlement.
    struct Right: Sendable {
        let key: String
        let state: Badge
        let reason: String
        let since: ShownTime
        let until: ShownTime?
        let product: String?
        let source: ShownLink?
        let isSandbox: Bool

        init(_ view: EntitlementView) {
            key = view.key
            state = view.isActive ? Badge(.good, "Active") : Badge(.neutral, "Not active")
            reason = ShownCode.words(view.reason.rawValue)
            since = ShownTime(view.since)
            until = view.until.map(ShownTime.init)
            product = view.productID?.rawValue
            source = view.transactionID.map { ShownLink($0) }
            isSandbox = view.environment == .sandbox
        }
    }

    /// One delivery that waits for the app's server.
    struct Delivery: Sendable {
        let kind: String
        let amount: String
        let product: String
        let transaction: ShownLink
        let createdAt: ShownTime
        let isSandbox: Bool

        init(_ grant: Grant) {
            kind = grant.kind.rawValue
            amount = String(grant.amount)
            product = grant.productID.rawValue
            transaction = ShownLink(grant.transactionID)
            createdAt = ShownTime(grant.createdAt)
            isSandbox = grant.environment == .sandbox
        }
    }

    let account: String
    /// Where its forms are sent, and below.
    let address: String
    let rights: [Right]
    let deliveries: [Delivery]
    let hasMoreDeliveries: Bool
    let overrides: OverrideTable
    let form: OverrideForm
    let erase: EraseForm
    let cases: CaseTable?
    let transactions: TransactionTable?
    /// Whether the ledger has nothing of it.
    let isUnknown: Bool

    init(
        account: AccountID, entitlements: [EntitlementView], grants: [Grant], hasMoreGrants: Bool,
        overrides: OverrideTable, form: OverrideForm, erase: EraseForm, cases: CaseTable?,
        transactions: TransactionTable?
    ) {
        self.account = account.rawValue
        self.address = ConsoleAddress.account(account)
        self.rights = entitlements.map(Right.init)
        self.deliveries = grants.map(Delivery.init)
        self.hasMoreDeliveries = hasMoreGrants
        self.overrides = overrides
        self.form = form
        self.erase = erase
        self.cases = cases
        self.transactions = transactions
        self.isUnknown = entitlements.isEmpty && grants.isEmpty && overrides.rows.isEmpty && transactions == nil
    }
}

/// What support decided about an account.
struct OverrideTable: Sendable {
    /// One decision.
    struct Line: Sendable {
        let id: String
        /// Begins the ids of its form's fields.
        let key: String
        let effect: Badge
        let state: String
        let since: ShownTime
        let until: ShownTime?
        let madeBy: String
        let why: String?
        let endedAt: ShownTime?
        let endedBy: String?
        let endedWhy: String?
        let isSandbox: Bool
        /// The form that ends it; `nil` once it is over.
        let end: EndForm?
    }

    /// The form that ends one decision.
    struct EndForm: Sendable {
        let overrideID: String
        let errors: ErrorSummary?
        let why: TextField
    }

    let rows: [Line]
    /// Where in the list this page begins, for its forms; `nil` for the newest.
    let place: String?
    /// The address of the page with older ones.
    let older: String?

    /// `ending` is the form that could not be acted upon, if there was one.
    init(
        _ overrides: [RecordedOverride], of account: AccountID, at place: Int64?, before number: Int64?,
        ending: FormReader?, now: Instant
    ) {
        self.place = place.map(PageCursor.text(beforeOverride:))
        rows = overrides.map { Self.line($0, ending, now) }
        older = number.map {
            ConsoleAddress.with(
                ConsoleAddress.account(account), query: [("overrides", PageCursor.text(beforeOverride: $0))])
                + "#overrides"
        }
    }

    private static func line(_ item: RecordedOverride, _ ending: FormReader?, _ now: Instant) -> Line {
        let override = item.override
        let isLive = override.isLive(at: now)
        let prefix = "end-\(item.number)-"
        let sent = ending.flatMap { $0.text("overrideId") == override.id.rawValue ? $0 : nil }
        let faults = sent?.faults ?? []
        let form = EndForm(
            overrideID: override.id.rawValue,
            errors: ErrorSummary(faults, prefix: prefix, heading: "It was not ended"),
            why: TextField(
                "why", "Why it ends", prefix: prefix, value: sent?.text("why"), faults: faults, isRequired: true,
                maximum: WhyRequest.charactersMax))
        return Line(
            id: override.id.rawValue, key: override.terms.key,
            effect: override.terms.effect == .grant ? Badge(.good, "Gives") : Badge(.bad, "Withholds"),
            state: isLive ? "in force" : "over", since: ShownTime(override.since),
            until: override.terms.until.map(ShownTime.init), madeBy: item.madeBy, why: item.why,
            endedAt: override.ending.map { ShownTime($0.endedAt) }, endedBy: item.endedBy, endedWhy: item.endedWhy,
            isSandbox: override.terms.environment == .sandbox, end: isLive ? form : nil)
    }
}

/// The form for a new decision.
struct OverrideForm: Sendable {
    let errors: ErrorSummary?
    let key: TextField
    let until: TextField
    let why: TextField
    let effect: ChoiceField
    let environment: ChoiceField

    /// As it was sent; `refused` is why the ledger did not take it.
    init(_ reader: FormReader, refused: ConsoleError? = nil) {
        let prefix = "override-"
        let faults = reader.faults + (refused.map { [FieldFault(field: "", message: $0.title + ". " + $0.text)] } ?? [])
        errors = ErrorSummary(faults, prefix: prefix)
        key = TextField(
            "key", "Entitlement key", prefix: prefix, value: reader.text("key"),
            hint: "As the catalogue spells it; see the entitlements of an account that bought it.", faults: faults,
            isRequired: true)
        until = TextField(
            "until", "Until", prefix: prefix, value: reader.text("until"),
            hint: "Day or moment, in UTC. Empty: until somebody ends it.", faults: faults)
        why = TextField(
            "why", "Why", prefix: prefix, value: reader.text("why"), hint: "Kept in the ledger beside your key's name.",
            faults: faults, isRequired: true, maximum: WhyRequest.charactersMax)
        effect = ChoiceField(
            "effect", "Decision", prefix: prefix, value: reader.text("effect") ?? Override.Effect.grant.rawValue,
            options: [
                (Override.Effect.grant.rawValue, "Give access (goodwill)"),
                (Override.Effect.withhold.rawValue, "Withhold access"),
            ], faults: faults)
        environment = ChoiceField(
            "environment", "Environment", prefix: prefix,
            value: reader.text("environment") ?? StoreEnvironment.production.rawValue,
            options: [StoreEnvironment.production, .sandbox].map { ($0.rawValue, $0.rawValue) }, faults: faults)
    }
}
