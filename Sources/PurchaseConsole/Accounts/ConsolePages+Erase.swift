import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    /// `POST /console/accounts/{accountId}/erase`.
    func eraseAccount(_ visit: ConsoleVisit) async throws -> Response {
        let account = try visit.path("accountId") { AccountID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["confirmation", "why"])
        let confirmed = reader.value(
            "confirmation", isRequired: true, rule: "Type the account exactly as the page's heading shows it."
        ) { $0 == account.rawValue ? $0 : nil }
        let why = reader.value("why", isRequired: true, rule: WhyRequest.erasureRule) {
            WhyRequest.isSentence($0, notNaming: account) ? $0 : nil
        }
        guard reader.faults.isEmpty, confirmed != nil, let why else {
            return try await accountPage(account, visit, erasing: EraseForm(reader))
        }
        let erasure = try await useCases.erase(account, why: why, by: visit.caller, requestID: visit.requestID)
        let notice: ConsoleNotice =
            switch erasure {
            case .unknown: .accountUnknown
            case .underWay: .accountErasing
            case .finished: .accountErased
            }
        // Home, and not to the account's page: its address would bring the name back into the browser's history.
        return try await done(notice, visit, goTo: ConsoleAddress.home)
    }
}

/// The form that erases an account; closed until somebody opens it.
struct EraseForm: Sendable {
    let errors: ErrorSummary?
    let confirmation: TextField
    let why: TextField

    /// As it was sent, or empty.
    init(_ reader: FormReader = FormReader([], known: [])) {
        let prefix = "erase-"
        errors = ErrorSummary(reader.faults, prefix: prefix, heading: "Nothing was erased")
        confirmation = TextField(
            "confirmation", "The account, typed again", prefix: prefix, value: reader.text("confirmation"),
            hint: "There is no way back.", faults: reader.faults, isRequired: true)
        why = TextField(
            "why", "Why", prefix: prefix, value: reader.text("why"),
            hint: "Kept beside your key's name, with no name of the account: do not name the person either.",
            faults: reader.faults, isRequired: true, maximum: WhyRequest.charactersMax)
    }
}
