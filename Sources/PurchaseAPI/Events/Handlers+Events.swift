import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/transactions/{transactionId}/events`: the ledger of the transaction's chain, oldest first.
    func listTransactionEvents(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["cursor", "limit"])
        let id = parameters.transactionID()
        let limit = parameters.limit()
        let version = parameters.cursor(PageCursor.version) ?? 0
        try parameters.check()
        let (events, next) = try await useCases.events(of: id, afterVersion: version, limit: limit)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("events", events) { writer, event in writer.event(event) }
            writer.member("nextCursor", next.map(PageCursor.text(afterVersion:)))
        }
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func event(_ event: RecordedEvent) {
        object { writer in
            writer.member("position", String(event.position))
            writer.member("chainVersion", event.chainVersion)
            writer.member("recordedAt", event.recordedAt)
            writer.member("input", event.input)
            writer.member("rule", event.rule)
            writer.member("policyVersion", event.policyVersion)
            writer.member("actor", event.actor)
            writer.member("evidence", event.evidence) { writer, evidence in writer.members(of: evidence) }
            writer.member("changes", event.entries) { writer, entry in writer.change(entry) }
        }
    }

    fileprivate mutating func members(of evidence: EvidenceID) {
        member("sha256", evidence.sha256)
        member("source", evidence.source.rawValue)
    }
}
