import PurchaseAPI
import PurchaseCore
import PurchaseService

/// A list of disputes, for `case-table.mustache`.
struct CaseTable: Sendable {
    /// One dispute in short.
    struct Line: Sendable {
        let link: ShownLink
        let state: Badge
        let claimant: ShownLink?
        let holder: ShownLink?
        let product: String?
        let openedAt: ShownTime
        let age: String
        let isSandbox: Bool
    }

    let caption: String
    let rows: [Line]
    let next: String?

    /// `nil` when there is nothing to list.
    init?(_ caption: String, _ cases: [RecordedCase], next: String?, now: Instant) {
        guard !cases.isEmpty else { return nil }
        self.caption = caption
        self.next = next
        rows = cases.map { item in
            Line(
                link: ShownLink(item.dispute.id), state: Badge(of: item.dispute),
                claimant: item.claimant?.accountID.map { ShownLink($0) },
                holder: item.holder?.accountID.map { ShownLink($0) },
                product: item.transactions.first?.productID?.rawValue,
                openedAt: ShownTime(item.dispute.openedAt), age: Age.words(from: item.dispute.openedAt, to: now),
                isSandbox: item.environment == .sandbox)
        }
    }
}

/// What `cases.mustache` shows.
struct CasesContent: Sendable {
    let isOpen: Bool
    let table: CaseTable?
}

/// What `case.mustache` shows.
struct CaseContent: Sendable {
    /// One of the two accounts.
    struct Party: Sendable {
        /// `nil` once erased.
        let account: ShownLink?
        let transaction: ShownLink
        /// The purchase as this account sees it.
        let view: String?
        let claimedAt: ShownTime
        let token: String

        init(_ party: RecordedCase.Party) {
            account = party.accountID.map { ShownLink($0) }
            transaction = ShownLink(party.transactionID)
            view = party.accountID.map {
                ConsoleAddress.with(
                    ConsoleAddress.transaction(party.transactionID), query: [("accountId", $0.rawValue)])
            }
            claimedAt = ShownTime(party.claimedAt)
            token =
                switch party.tokenComparison {
                case .match: "is this account's"
                case .mismatch: "is another account's"
                case .absent: "is absent: the purchase names no account"
                case .notComparable: "cannot be compared: the account's own token is not known"
                case nil: "was not compared yet"
                }
        }
    }

    /// One transaction of the chain in short.
    struct Subject: Sendable {
        let link: ShownLink
        let state: Badge
        let reason: String
        let product: String?
        let at: ShownTime?
    }

    let id: String
    let address: String
    let state: Badge
    let isOpen: Bool
    let openedAt: ShownTime
    let age: String
    let isSandbox: Bool
    let original: String?
    let claimant: Party?
    let holder: Party?
    let subjects: [Subject]
    let hiddenCount: String?
    let resolvedAt: ShownTime?
    let resolvedBy: String?
    let why: String?
    let form: ResolveForm

    init(_ item: RecordedCase, form: FormReader?, now: Instant) {
        let dispute = item.dispute
        id = dispute.id.rawValue
        address = ConsoleAddress.claimCase(dispute.id)
        state = Badge(of: dispute)
        isOpen = dispute.status == .open
        openedAt = ShownTime(dispute.openedAt)
        age = Age.words(from: dispute.openedAt, to: dispute.resolution?.resolvedAt ?? now)
        isSandbox = item.environment == .sandbox
        original = item.originalTransactionID?.rawValue
        claimant = item.claimant.map(Party.init)
        holder = item.holder.map(Party.init)
        subjects = item.transactions.map {
            Subject(
                link: ShownLink($0.transactionID), state: Badge(state: $0.state), reason: ShownCode.words($0.reason),
                product: $0.productID?.rawValue, at: $0.purchaseDate.map(ShownTime.init))
        }
        let hidden = item.transactionCount - Int64(item.transactions.count)
        hiddenCount = hidden > 0 ? String(hidden) : nil
        resolvedAt = dispute.resolution.map { ShownTime($0.resolvedAt) }
        resolvedBy = item.resolvedBy
        why = item.why
        self.form = ResolveForm(form, correcting: dispute.resolution?.outcome)
    }
}

/// The form that closes a dispute, or corrects how it was closed.
struct ResolveForm: Sendable {
    let heading: String
    let errors: ErrorSummary?
    /// The outcome that the page shows; `nil` for an open case.
    let seen: String?
    let outcome: ChoiceField
    let why: TextField

    init(_ reader: FormReader?, correcting seen: ClaimCase.Outcome?) {
        let faults = reader?.faults ?? []
        heading = seen != nil ? "Correct the decision" : "Decide"
        self.seen = seen?.rawValue
        errors = ErrorSummary(faults, prefix: "resolve-", heading: "The case is as it was")
        outcome = ChoiceField(
            "outcome", "Outcome", prefix: "resolve-", value: reader?.text("outcome"),
            options: [
                ("", "choose …"),
                (
                    ClaimCase.Outcome.refused.rawValue,
                    seen == .transferred
                        ? "Refuse: the purchase goes back to who had it" : "Refuse: the holder keeps the purchase"
                ),
                (ClaimCase.Outcome.transferred.rawValue, "Transfer: the claimant gets the purchase"),
            ], faults: faults)
        why = TextField(
            "why", "Why", prefix: "resolve-", value: reader?.text("why"),
            hint: "Kept in the ledger beside your key's name.", faults: faults, isRequired: true,
            maximum: WhyRequest.charactersMax)
    }
}

extension Badge {
    init(of dispute: ClaimCase) {
        switch dispute.resolution?.outcome {
        case nil: self.init(.waiting, "Open")
        case .transferred: self.init(.good, "Transferred")
        case .refused: self.init(.neutral, "Refused")
        }
    }
}

/// How long something has been, as people say it.
enum Age {
    static func words(from start: Instant, to end: Instant) -> String {
        let minutes = max(0, (end - start).milliseconds / 60_000)
        switch minutes {
        case 0: return "less than a minute"
        case 1..<120: return count(minutes, "minute")
        case 120..<2_880: return count(minutes / 60, "hour")
        default: return count(minutes / 1_440, "day")
        }
    }

    private static func count(_ number: Int64, _ unit: String) -> String {
        "\(number) \(unit)\(number == 1 ? "" : "s")"
    }
}
