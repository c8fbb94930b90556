import PurchaseCore

@testable import PurchaseService

/// Use cases that answer what a test says, so that the HTTP edge can be tested alone.
///
/// A key's text names its roles, joined by `+`: `app`, `app+support`. The key `user` is the account `alice`'s; `unknown`
/// is nobody's.
struct StubUseCases: UseCases {
    var onSubmit: @Sendable (Submission, Caller) async throws(ServiceError) -> SubmissionOutcome = {
        _, _ async throws(ServiceError) in throw .notFound
    }
    /// Hears of each post whether it came with a place.
    var onPlace: @Sendable (Bool) -> Void = { _ in }
    var onNotification: @Sendable (String) async throws(ServiceError) -> NotificationIntake.Result = {
        _ async throws(ServiceError) in .kept
    }
    var onTransaction: @Sendable (TransactionID, Caller, String?) async throws(ServiceError) -> TransactionView = {
        _, _, _ async throws(ServiceError) in throw .notFound
    }
    var onEntitlements: @Sendable (AccountID) async throws(ServiceError) -> [EntitlementView] = {
        _ async throws(ServiceError) in []
    }
    var onEntitlementsOfEach: @Sendable ([AccountID]) async throws(ServiceError) -> [AccountID: [EntitlementView]] = {
        _ async throws(ServiceError) in [:]
    }
    var onChanges: @Sendable (Int64, Duration, Int) async throws(ServiceError) -> [RecordedChange] = {
        _, _, _ async throws(ServiceError) in []
    }
    var onGrants:
        @Sendable (AccountID, GrantCursor?, Int) async throws(ServiceError) -> (grants: [Grant], next: GrantCursor?) = {
            _, _, _ async throws(ServiceError) in ([], nil)
        }
    var onAcknowledge: @Sendable (GrantID) async throws(ServiceError) -> (grant: Grant, account: AccountID?) = {
        _ async throws(ServiceError) in throw .notFound
    }
    var onEvents:
        @Sendable (TransactionID, Int64, Int) async throws(ServiceError) -> (events: [RecordedEvent], next: Int64?) = {
            _, _, _ async throws(ServiceError) in throw .notFound
        }
    var onRecheck: @Sendable (TransactionID, String) async throws(ServiceError) -> TransactionView = {
        _, _ async throws(ServiceError) in throw .notFound
    }
    var onRestore: @Sendable (RestoreRequest, AccountID, Caller) async throws(ServiceError) -> RestoreOutcome = {
        _, _, _ async throws(ServiceError) in .restored(Restoration())
    }
    var staff = StubStaff()
    var onCoverage: @Sendable () async throws(ServiceError) -> [CoverageView] = {
        () async throws(ServiceError) in []
    }
    var onAppleHealth: @Sendable () async throws(ServiceError) -> AppleHealthView = {
        () async throws(ServiceError) in
        AppleHealthView(
            environments: [], budgets: [], lastCalls: [:], clockSkew: nil, workload: Workload(), observedAt: Sample.now)
    }
    var onPaidRecords: @Sendable (PaidRecordsQuery) async throws(ServiceError) -> PaidRecordsHead = {
        query async throws(ServiceError) in Sample.head(of: query)
    }
    /// Gives the portions of a body one after the other; what it throws ends the body.
    var onPortion: @Sendable (Int) async throws -> [UInt8]? = { _ in nil }
    /// Hears how many portions were written when a body ends, one way or the other.
    var onPortionsEnded: @Sendable (Int) -> Void = { _ in }
    var onRevenue: @Sendable (PaidRecordsQuery, RevenueGrouping) async throws(ServiceError) -> RevenueReport = {
        query, grouping async throws(ServiceError) in
        RevenueReport(head: Sample.head(of: query), grouping: grouping, lines: [], next: nil)
    }
    var onAuthenticate: @Sendable (String) async throws(ServiceError) -> Caller? = {
        key async throws(ServiceError) in caller(of: key)
    }
    /// What every search, order, proof and explanation throws.
    var supportError: ServiceError?
    var onReadiness: @Sendable () async throws(ServiceError) -> Void = { () async throws(ServiceError) in }

    static func caller(of key: String) -> Caller? {
        guard key != "unknown" else { return nil }
        if key == "user" { return Caller(user: AccountID("alice")) }
        let roles = key.split(separator: "+").compactMap { Role(rawValue: String($0)) }
        return roles.isEmpty ? nil : Caller(name: "key-of-\(key)", roles: Set(roles))
    }

    func submit(
        _ submission: Submission, by caller: Caller, requestID: String, place: RecordingPlace?
    ) async throws(ServiceError) -> SubmissionOutcome {
        onPlace(place != nil)
        return try await onSubmit(submission, caller)
    }

    func receiveNotification(
        _ signedPayload: String, requestID: String
    ) async throws(ServiceError) -> NotificationIntake.Result {
        try await onNotification(signedPayload)
    }

    func transaction(
        _ id: TransactionID, for caller: Caller, claimToken: String?
    ) async throws(ServiceError) -> TransactionView {
        try await onTransaction(id, caller, claimToken)
    }

    func entitlements(of account: AccountID) async throws(ServiceError) -> [EntitlementView] {
        try await onEntitlements(account)
    }

    func entitlements(ofEach accounts: [AccountID]) async throws(ServiceError) -> [AccountID: [EntitlementView]] {
        try await onEntitlementsOfEach(accounts)
    }

    func changes(after position: Int64, wait: Duration, limit: Int) async throws(ServiceError) -> [RecordedChange] {
        try await onChanges(position, wait, limit)
    }

    func openGrants(
        of account: AccountID, after cursor: GrantCursor?, limit: Int
    ) async throws(ServiceError) -> (grants: [Grant], next: GrantCursor?) {
        try await onGrants(account, cursor, limit)
    }

    func acknowledge(
        _ grant: GrantID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> (grant: Grant, account: AccountID?) {
        try await onAcknowledge(grant)
    }

    func events(
        of transaction: TransactionID, afterVersion: Int64, limit: Int
    ) async throws(ServiceError) -> (events: [RecordedEvent], next: Int64?) {
        try await onEvents(transaction, afterVersion, limit)
    }

    func recheck(
        _ transaction: TransactionID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> TransactionView {
        try await onRecheck(transaction, why)
    }

    func restore(
        _ request: RestoreRequest, for account: AccountID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RestoreOutcome {
        try await onRestore(request, account, caller)
    }

    func coverage() async throws(ServiceError) -> [CoverageView] { try await onCoverage() }

    func appleHealth() async throws(ServiceError) -> AppleHealthView { try await onAppleHealth() }

    func paidRecords(_ query: PaidRecordsQuery) async throws(ServiceError) -> PaidRecordsHead {
        try await onPaidRecords(query)
    }

    func writePaidRecords(
        _ head: PaidRecordsHead, as format: PaidRecordsFormat, within limit: Duration,
        to write: ([UInt8]) async throws -> Void
    ) async throws -> Int64 {
        var count = 0
        defer { onPortionsEnded(count) }
        while let portion = try await onPortion(count) {
            try await write(portion)
            count += 1
        }
        return head.totals.rows
    }

    func revenue(
        _ query: PaidRecordsQuery, by grouping: RevenueGrouping, after cursor: RevenueCursor?, limit: Int
    ) async throws(ServiceError) -> RevenueReport {
        try await onRevenue(query, grouping)
    }

    func authenticate(key: String) async throws(ServiceError) -> Caller? { try await onAuthenticate(key) }

    func checkReadiness() async throws(ServiceError) { try await onReadiness() }
}

/// Values for the stub to answer with.
enum Sample {
    static let now = Instant(millisecondsSince1970: 1_795_000_000_000)
    static let id = TransactionID("2000000900000001")
    static let digest = String(repeating: "0a", count: 32)

    static var facts: TransactionFacts {
        var facts = TransactionFacts(
            transactionID: id, originalTransactionID: OriginalTransactionID(id.rawValue), environment: .production,
            signedDate: now)
        facts.bundleID = BundleID("com.example.app")
        facts.productID = ProductID("com.example.app.lifetime")
        facts.type = .nonConsumable
        facts.inAppOwnershipType = .purchased
        facts.price = 4_990
        facts.currency = "USD"
        facts.purchaseDate = now
        return facts
    }

    static func view(
        _ state: PurchaseState, refusal: TransactionRefusal? = nil, claim status: Claim.Status? = .held,
        mayFinish: Bool = false, nextCheckAt: Instant? = nil
    ) -> TransactionView {
        var transaction = Transaction(id: id, recordedAt: now)
        transaction.state = state
        transaction.refusal = refusal
        let claim = status.map { status in
            var claim = Claim(account: AccountNumber(12), transactionID: id, claimedAt: now)
            claim.status = status
            if status == .refused { claim.refusal = .accountTokenMismatch }
            if status == .conflict { claim.caseID = CaseID("case-production-2000000900000001-12") }
            return claim
        }
        let evidence = state.deciding.map { Evidence(id: $0, facts: facts, seenAt: now) }
        return TransactionView(
            transaction: transaction, environment: evidence == nil ? nil : .production,
            facts: evidence == nil ? nil : facts, deciding: evidence, accountID: nil, claim: claim, isEntitled: false,
            entitlementReason: .notPaid, mayFinish: mayFinish, nextCheckAt: nextCheckAt, version: 2)
    }

    static func head(of query: PaidRecordsQuery) -> PaidRecordsHead {
        PaidRecordsHead(
            scope: PaidRecordsScope(
                from: now, to: now + .days(1), asOf: query.asOf ?? 7, environment: query.environment,
                timeZone: query.timeZone),
            totals: PaidRecordsTotals(currencies: [], unpricedRows: 0),
            coverage: CoverageNote(environment: query.environment, completeFrom: nil, completeThrough: nil))
    }

    static let paid = PurchaseState.paid(.confirmed, deciding: EvidenceID(sha256: digest, source: .appStore))
    static let refunded = PurchaseState.refunded(.full, deciding: EvidenceID(sha256: digest, source: .appStore))

    static func grant(_ number: Int) -> Grant {
        Grant(
            id: GrantID("production.purchased.2000000900000004.grant.\(number)"), kind: .grant, status: .open,
            account: AccountNumber(12), purchaseID: PurchaseID("production.purchased.2000000900000004"),
            transactionID: TransactionID("2000000900000004"), productID: ProductID("com.example.app.coins"),
            amount: 100, environment: .production, createdAt: now)
    }

    static let entitlement = Entitlement(
        id: Entitlement.ID(transactionID: id, key: "lifetime"), account: AccountNumber(12),
        productID: ProductID("com.example.app.lifetime"), environment: .production,
        originalTransactionID: OriginalTransactionID(id.rawValue), state: .paid, rule: .paid, since: now, until: nil)
}
