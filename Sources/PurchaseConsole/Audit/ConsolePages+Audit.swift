import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var actionsPerPage: Int { 50 }

    /// `GET /console/audit`: what people did, newest first.
    func audit(_ visit: ConsoleVisit) async throws -> Response {
        var reader = FormReader(visit.fields, known: ["by", "accountId", "cursor"])
        let who = reader.value("by", rule: AuditRequest.nameRule, AuditRequest.name)
        let account = reader.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        let place = reader.cursor(PageCursor.position)
        let form = AuditForm(reader)
        guard reader.faults.isEmpty else {
            let content = AuditContent(form: form, rows: [], isEmpty: false, next: nil)
            return page(.audit, "Audit", content, visit, status: .unprocessableContent)
        }
        let (actions, next) = try await useCases.staffActions(
            by: who, of: account, before: place, limit: Self.actionsPerPage)
        let address = next.map { position in
            ConsoleAddress.with(
                ConsoleAddress.audit,
                query: [
                    ("by", who), ("accountId", account?.rawValue),
                    ("cursor", PageCursor.text(beforePosition: position)),
                ])
        }
        let content = AuditContent(
            form: form, rows: actions.map(AuditContent.Row.init), isEmpty: actions.isEmpty, next: address)
        return page(.audit, "Audit", content, visit)
    }
}

/// The filters of the audit page, as they were sent.
struct AuditForm: Sendable {
    let errors: ErrorSummary?
    let texts: [TextField]

    init(_ reader: FormReader) {
        let prefix = "audit-"
        errors = ErrorSummary(reader.faults, prefix: prefix, heading: "The list was not made")
        texts = [
            TextField(
                "by", "Who", prefix: prefix, value: reader.text("by"), hint: "The name of the key",
                faults: reader.faults,
                maximum: 100),
            TextField(
                "accountId", "Account", prefix: prefix, value: reader.text("accountId"),
                hint: "With the purchases that it claims", faults: reader.faults, maximum: 128),
        ]
    }
}

/// What `audit.mustache` shows.
struct AuditContent: Sendable {
    /// One action.
    struct Row: Sendable {
        let position: String
        let at: ShownTime
        let who: String
        let what: String
        let why: String?
        let subjects: [ShownLink]
        let key: String?
    }

    let form: AuditForm
    let rows: [Row]
    let isEmpty: Bool
    let next: String?
}

extension AuditContent.Row {
    init(_ action: RecordedStaffAction) {
        position = String(action.position)
        at = ShownTime(action.at)
        who = action.who
        what = action.what.sentence
        why = action.why
        let transaction = action.transactionID.map {
            ShownLink("Transaction \($0.rawValue)", ConsoleAddress.transaction($0))
        }
        let account = action.accountID.map { ShownLink("Account \($0.rawValue)", ConsoleAddress.account($0)) }
        let dispute = action.caseID.map { ShownLink("Case \($0.rawValue)", ConsoleAddress.claimCase($0)) }
        subjects = [transaction, dispute, account].compactMap(\.self)
        key = action.entitlementKey
    }
}

extension RecordedStaffAction.What {
    /// What was done, in words.
    fileprivate var sentence: String {
        switch self {
        case .recheck: "Had Apple asked again"
        case .caseResolved(.transferred): "Transferred the purchase to the claimant"
        case .caseResolved(.refused): "Refused the claim"
        case .overrideCreated(.grant): "Gave access"
        case .overrideCreated(.withhold): "Withheld access"
        case .overrideEnded(.grant): "Ended the given access"
        case .overrideEnded(.withhold): "Ended the withholding"
        case .accountErased: "Erased the account\u{2019}s personal data"
        }
    }
}
