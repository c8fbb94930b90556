import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var listMax: Int { 20 }

    /// `GET /console/accounts/{accountId}`: what it may use, and why.
    func account(_ visit: ConsoleVisit) async throws -> Response {
        let account = try visit.path("accountId") { AccountID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["overrides"])
        let number = reader.value("overrides", rule: "The link to the list is broken.", PageCursor.override)
        try reader.check()
        return try await accountPage(account, visit, overridesBefore: number)
    }

    /// `POST /console/accounts/{accountId}/overrides`.
    func createOverride(_ visit: ConsoleVisit) async throws -> Response {
        let account = try visit.path("accountId") { AccountID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["key", "effect", "environment", "until", "why"])
        let key = reader.value("key", isRequired: true, rule: OverrideRequest.keyRule) {
            OverrideRequest.isKey($0) ? $0 : nil
        }
        let effect = reader.value("effect", isRequired: true, rule: "Choose one of the two.") {
            Override.Effect(rawValue: $0)
        }
        let environment = reader.value("environment", isRequired: true, rule: "Choose one of the two.") {
            StoreEnvironment(rawValue: $0)
        }
        let until = reader.value("until", rule: FormInstant.rule + " It must lie ahead.") { text in
            FormInstant.read(text).flatMap { $0 > visit.now ? $0 : nil }
        }
        let why = reader.why()
        let form = OverrideForm(reader)
        guard reader.faults.isEmpty, let key, let effect, let environment else {
            return try await accountPage(account, visit, form: form)
        }
        let terms = Override.Terms(key: key, effect: effect, environment: environment, until: until)
        let isNew: Bool
        do throws(ServiceError) {
            isNew = try await useCases.override(
                account, terms, why: why, by: visit.caller, requestID: visit.requestID
            ).isNew
        } catch {
            guard error == .overrideLimit else { throw error }
            return try await accountPage(account, visit, form: OverrideForm(reader, refused: ConsoleError(error)))
        }
        return try await done(
            isNew ? .overrideMade : .overrideThere, visit, goTo: ConsoleAddress.account(account) + "#overrides")
    }

    /// `POST /console/accounts/{accountId}/overrides/end`.
    func endOverride(_ visit: ConsoleVisit) async throws -> Response {
        let account = try visit.path("accountId") { AccountID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["overrideId", "overrides", "why"])
        let number = reader.value("overrides", rule: "The link to the list is broken.", PageCursor.override)
        let id = reader.value("overrideId", isRequired: true, rule: "Choose a decision of the list.") {
            Syntax.isOpaqueID($0) ? OverrideID($0) : nil
        }
        let why = reader.why()
        guard reader.faults.isEmpty, let id else {
            return try await accountPage(account, visit, overridesBefore: number, ending: reader)
        }
        _ = try await useCases.endOverride(
            id, of: account, why: why, by: visit.caller, requestID: visit.requestID)
        return try await done(.overrideEnded, visit, goTo: ConsoleAddress.account(account) + "#overrides")
    }

    /// The page, with whichever form could not be acted upon.
    func accountPage(
        _ account: AccountID, _ visit: ConsoleVisit, overridesBefore number: Int64? = nil,
        form: OverrideForm = OverrideForm(FormReader([], known: [])), ending: FormReader? = nil,
        erasing: EraseForm = EraseForm()
    ) async throws -> Response {
        var search = TransactionSearch()
        search.account = account
        let (transactions, next) = try await useCases.transactions(matching: search, after: nil, limit: Self.listMax)
        let (overrides, older) = try await useCases.overrides(of: account, before: number, limit: Self.listMax)
        let (open, moreOpen) = try await useCases.cases(.open, of: account, after: nil, limit: Self.listMax)
        let (closed, moreClosed) = try await useCases.cases(.resolved, of: account, after: nil, limit: Self.listMax)
        let (grants, moreGrants) = try await useCases.openGrants(of: account, after: nil, limit: Self.listMax)
        let content = AccountContent(
            account: account, entitlements: try await useCases.entitlements(of: account), grants: grants,
            hasMoreGrants: moreGrants != nil,
            overrides: OverrideTable(
                overrides, of: account, at: number, before: older, ending: ending, now: visit.now), form: form,
            erase: erasing,
            cases: CaseTable(
                moreOpen == nil && moreClosed == nil ? "Cases" : "Cases: the oldest of each kind, there are more",
                open + closed, next: nil, now: visit.now),
            transactions: TransactionTable(
                "Transactions that it claimed, newest first", transactions,
                next: next.map { _ in
                    ConsoleAddress.with(ConsoleAddress.transactions, query: [("accountId", account.rawValue)])
                }))
        let hasFaults = form.errors != nil || ending != nil || erasing.errors != nil
        return page(
            .account, "Account \(account.rawValue)", content, visit, status: hasFaults ? .unprocessableContent : .ok)
    }
}
