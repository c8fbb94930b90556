import Hummingbird
import PurchaseCore
import PurchaseService

extension ConsolePages {
    /// `GET /console`: what waits, and what is new.
    func home(_ visit: ConsoleVisit) async throws -> Response {
        let reader = FormReader(visit.fields, known: [])
        try reader.check()
        var support: HomeContent.Support?
        if visit.caller.roles.contains(.support) {
            let (cases, more) = try await useCases.cases(.open, of: nil, after: nil, limit: 5)
            let (newest, _) = try await useCases.transactions(matching: TransactionSearch(), after: nil, limit: 10)
            support = HomeContent.Support(
                cases: CaseTable("Cases that wait, oldest first", cases, next: nil, now: visit.now),
                hasMoreCases: more != nil, newest: TransactionTable("The newest transactions", newest))
        }
        return page(.home, "Start", HomeContent(support: support), visit)
    }
}

/// What `home.mustache` shows.
struct HomeContent: Sendable {
    /// What support sees.
    struct Support: Sendable {
        let cases: CaseTable?
        let hasMoreCases: Bool
        let newest: TransactionTable?
    }

    let support: Support?
}
