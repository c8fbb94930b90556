import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var casesPerPage: Int { 50 }

    /// `GET /console/cases`.
    func cases(_ visit: ConsoleVisit) async throws -> Response {
        var reader = FormReader(visit.fields, known: ["status", "cursor"])
        let status =
            reader.value("status", rule: "Must be open or resolved.") { ClaimCase.Status(rawValue: $0) } ?? .open
        let cursor = reader.cursor(PageCursor.cases)
        try reader.check()
        let (cases, next) = try await useCases.cases(status, of: nil, after: cursor, limit: Self.casesPerPage)
        let address = next.map {
            ConsoleAddress.with(
                ConsoleAddress.cases, query: [("status", status.rawValue), ("cursor", PageCursor.text($0))])
        }
        let caption = status == .open ? "Cases that wait, oldest first" : "Resolved cases, oldest first"
        let content = CasesContent(
            isOpen: status == .open, table: CaseTable(caption, cases, next: address, now: visit.now))
        return page(.cases, status == .open ? "Open cases" : "Resolved cases", content, visit)
    }

    /// `GET /console/cases/{id}`.
    func claimCase(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("id") { Syntax.isOpaqueID($0) ? CaseID($0) : nil }
        try FormReader(visit.fields, known: []).check()
        return try await casePage(id, visit, form: nil)
    }

    /// `POST /console/cases/{id}/resolve`.
    func resolveCase(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("id") { Syntax.isOpaqueID($0) ? CaseID($0) : nil }
        var reader = FormReader(visit.fields, known: ["outcome", "seen", "why"])
        let outcome = reader.value("outcome", isRequired: true, rule: "Choose one of the two.") {
            ClaimCase.Outcome(rawValue: $0)
        }
        let why = reader.why()
        // Somebody else may have decided while the page was open; a correction must be meant as one.
        let now = try await useCases.claimCase(id)
        if reader.text("seen") != now.dispute.resolution?.outcome.rawValue {
            let who = now.resolvedBy.map { " by \($0)" } ?? ""
            reader.blame("", "The case was decided\(who) while this page was open: look at how, then decide again.")
        }
        guard reader.faults.isEmpty, let outcome else { return try await casePage(id, visit, form: reader) }
        _ = try await useCases.resolve(id, outcome, why: why, by: visit.caller, requestID: visit.requestID)
        return try await done(
            outcome == .transferred ? .caseTransferred : .caseRefused, visit, goTo: ConsoleAddress.claimCase(id))
    }

    /// `form` is what was sent and could not be acted upon.
    private func casePage(_ id: CaseID, _ visit: ConsoleVisit, form: FormReader?) async throws -> Response {
        let content = CaseContent(try await useCases.claimCase(id), form: form, now: visit.now)
        return page(
            .claimCase, "Case \(id.rawValue)", content, visit, status: form == nil ? .ok : .unprocessableContent)
    }
}
