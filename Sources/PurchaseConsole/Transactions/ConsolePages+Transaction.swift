import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var eventsMax: Int { 50 }
    private static var proofsMax: Int { 5 }
    private static var siblingsMax: Int { 20 }

    /// `GET /console/transactions/{transactionId}`: why it is as it is, and what can be done.
    func transaction(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("transactionId") { TransactionID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["accountId", "events"])
        let account = reader.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        let place = reader.value("events", rule: "The link to the timeline is broken.", PageCursor.version)
        try reader.check()
        return try await transactionPage(id, visit, seenFrom: account, eventsAfter: place, form: RecheckForm())
    }

    /// `POST /console/transactions/{transactionId}/recheck`.
    func recheck(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("transactionId") { TransactionID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["accountId", "why"])
        // The page was seen from an account: what it says to the customer is said to that one afterwards too.
        let account = reader.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        let why = reader.why()
        guard reader.faults.isEmpty else {
            let form = RecheckForm(why: reader.text("why"), faults: reader.faults)
            return try await transactionPage(id, visit, seenFrom: account, form: form)
        }
        let view = try await useCases.recheck(id, why: why, by: visit.caller, requestID: visit.requestID)
        let isOpen = view.nextCheckAt != nil && !view.transaction.state.isSettled
        return try await done(
            isOpen ? .recheckWaits : .rechecked, visit,
            goTo: ConsoleAddress.with(ConsoleAddress.transaction(id), query: [("accountId", account?.rawValue)]))
    }

    private func transactionPage(
        _ id: TransactionID, _ visit: ConsoleVisit, seenFrom account: AccountID? = nil, eventsAfter place: Int64? = nil,
        form: RecheckForm
    ) async throws -> Response {
        let explanation = try await useCases.explanation(of: id, seenFrom: account)
        let version = explanation.view.version
        let first = place ?? max(0, version - Int64(Self.eventsMax))
        let (events, _) = try await useCases.events(of: id, afterVersion: first, limit: Self.eventsMax)
        let timeline = Timeline(
            events, of: id, after: first, until: version, perPage: Int64(Self.eventsMax),
            reasons: try await useCases.reasons(of: events))
        let content = TransactionContent(
            explanation, seenFrom: account, timeline: timeline, proof: try await proofSummary(of: id),
            siblings: try await siblings(of: explanation.view), form: form)
        return page(
            .transaction, "Transaction \(id.rawValue)", content, visit,
            status: form.errors == nil ? .ok : .unprocessableContent)
    }

    private func proofSummary(of id: TransactionID) async throws -> ProofSummary {
        do throws(ServiceError) {
            let (items, next) = try await useCases.evidence(of: id, after: nil, limit: Self.proofsMax)
            return ProofSummary(items, of: id, hasMore: next != nil)
        } catch {
            guard error == .evidenceErased else { throw error }
            return ProofSummary(erased: id)
        }
    }

    /// The others of its chain, newest first.
    private func siblings(of view: TransactionView) async throws -> TransactionTable? {
        guard let original = view.facts?.originalTransactionID else { return nil }
        var search = TransactionSearch()
        search.originalTransactionID = original
        search.environment = view.environment
        let (found, next) = try await useCases.transactions(matching: search, after: nil, limit: Self.siblingsMax)
        let others = found.filter { $0.transaction.id != view.transaction.id }
        let rest = next.map { _ in
            ConsoleAddress.with(
                ConsoleAddress.transactions,
                query: [("originalTransactionId", original.rawValue), ("environment", view.environment?.rawValue)])
        }
        return others.isEmpty ? nil : TransactionTable("Others of the same chain, newest first", others, next: rest)
    }
}
