import HTTPTypes
import Postgres
import PurchaseService
import TestSupport
import Testing

extension TestStack {
    /// Erases an account as support does.
    func erase(
        _ account: String, why: String = "request 7", at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await api.send(
            .post, "/v1/accounts/\(account)/erase", as: .support, json: #"{"why":"\#(why)"}"#, at: location)
    }

    /// The tables in which a text stands, in any column, in any case: every table that there is, also those to come.
    func tables(holding text: String) async throws -> [String] {
        let tables = try await rows(
            """
            SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm') ORDER BY 1
            """
        ).compactMap { $0[0] }
        #expect(tables.count > 20)
        var holding: [String] = []
        for table in tables {
            let count = try await count(
                "SELECT count(*) FROM \(fragment: SQL(text: table, values: [])) t WHERE strpos(lower(t::text), \(text.lowercased())) > 0"
            )
            if count > 0 { holding.append(table) }
        }
        return holding
    }

    /// The part of a signed text that is no other text's: its payload.
    static func payload(_ jws: String) throws -> String {
        let parts = jws.split(separator: ".")
        try #require(parts.count == 3)
        return String(parts[1])
    }
}
