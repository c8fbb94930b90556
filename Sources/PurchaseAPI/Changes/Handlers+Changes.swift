import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/changes`: what changed after a position, or the wait for it.
    func listChanges(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["after", "wait", "limit"])
        let after = parameters.number("after", in: 0...Int64.max, default: 0)
        let wait = parameters.number("wait", in: 0...30, default: 0)
        let limit = parameters.number("limit", in: 1...1_000, default: 100)
        try parameters.check()
        let changes = try await useCases.changes(after: after, wait: .seconds(wait), limit: limit)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("changes", changes) { writer, change in writer.feedChange(change) }
            writer.member("nextCursor", String(changes.last?.position ?? after))
        }
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func feedChange(_ change: RecordedChange) {
        object { writer in
            writer.member("position", String(change.position))
            switch change.content {
            case .state: writer.member("kind", "state")
            case .entitlement: writer.member("kind", "entitlement")
            case .grant: writer.member("kind", "grant")
            case .claimCase: writer.member("kind", "case")
            }
            writer.member("accountId", change.accountID)
            writer.member("transactionId", change.transactionID)
            writer.member("occurredAt", change.occurredAt)
            writer.member("data") { writer in writer.data(of: change) }
        }
    }

    /// `null` when all of the time is paid for.
    private mutating func member(_ name: StaticString, _ extended: Entitlement.Extended?) {
        guard let extended else { return member(name, String?.none) }
        member(name) { writer in
            writer.object { writer in
                writer.member("reason", extended.reason.rawValue)
                writer.member("from", extended.from)
            }
        }
    }

    private mutating func data(of change: RecordedChange) {
        object { writer in
            switch change.content {
            case .state(let state):
                writer.member("state", state.state.rawValue)
                writer.member("reason", state.reason)
                writer.member("refusal", state.refusal?.rawValue)
            case .entitlement(let right):
                writer.member("key", right.key)
                writer.member("productId", right.productID)
                writer.member("environment", right.environment.rawValue)
                writer.member("originalTransactionId", right.originalTransactionID)
                // As of then, so that a position says the same whenever it is read.
                writer.member("active", right.isActive(at: change.occurredAt))
                writer.member("ended", right.hasEnded)
                writer.member("since", right.since)
                writer.member("until", right.until)
                writer.member("extension", right.extended)
                writer.member("reason", right.reason(at: change.occurredAt)?.rawValue)
                writer.member("overrideId", right.overrideID)
                writer.member("effect", right.effect?.rawValue)
            case .grant(let grant):
                writer.member("id", grant.id)
                writer.member("kind", grant.kind.rawValue)
                writer.member("status", grant.status.rawValue)
                writer.member("environment", grant.environment.rawValue)
                writer.member("productId", grant.productID)
                writer.member("amount", grant.amount)
                writer.member("createdAt", grant.createdAt)
            case .claimCase(let claimCase):
                writer.member("caseId", claimCase.id)
                writer.member("status", claimCase.status.rawValue)
                writer.member("outcome", claimCase.outcome?.rawValue)
            }
        }
    }
}
