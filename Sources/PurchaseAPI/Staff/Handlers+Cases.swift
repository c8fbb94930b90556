import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/cases`: the disputes that wait for support, or those that were closed, oldest first.
    func listCases(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["status", "accountId", "cursor", "limit"])
        let status =
            parameters.value("status", rule: "Must be open or resolved.") { ClaimCase.Status(rawValue: $0) } ?? .open
        let account = parameters.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        let limit = parameters.limit()
        let cursor = parameters.cursor(PageCursor.cases)
        try parameters.check()
        let (cases, next) = try await useCases.cases(status, of: account, after: cursor, limit: limit)
        let now = configuration.now()
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("cases", cases) { writer, dispute in writer.dispute(dispute, at: now) }
            writer.member("nextCursor", next.map(PageCursor.text))
        }
        return .json(writer)
    }

    /// `GET /v1/cases/{id}`.
    func getCase(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context)
        let id = parameters.caseID()
        try parameters.check()
        return response(to: try await useCases.claimCase(id))
    }

    /// `POST /v1/cases/{id}/resolve`.
    func resolveCase(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let id = parameters.caseID()
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        var reader = PropertyReader(object)
        let outcome = reader.value("outcome", isRequired: true, rule: "Must be transferred or refused.") {
            ClaimCase.Outcome(rawValue: $0)
        }
        let why = WhyRequest.read(&reader)
        reader.finish()
        try parameters.check(with: reader.faults)
        guard let outcome else { throw Problem.fault("an outcome without a fault is missing") }
        return response(
            to: try await useCases.resolve(id, outcome, why: why, by: caller, requestID: context.requestID))
    }

    private func response(to dispute: RecordedCase) -> Response {
        var writer = JSONWriter()
        writer.dispute(dispute, at: configuration.now())
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func dispute(_ item: RecordedCase, at now: Instant) {
        let dispute = item.dispute
        let age = (dispute.resolution?.resolvedAt ?? now) - dispute.openedAt
        object { writer in
            writer.member("id", dispute.id)
            writer.member("status", dispute.status.rawValue)
            writer.member("outcome", dispute.resolution?.outcome.rawValue)
            writer.member("environment", item.environment?.rawValue)
            writer.member("originalTransactionId", item.originalTransactionID)
            writer.member("claimant", item.claimant) { writer, party in writer.members(of: party) }
            writer.member("holder", item.holder) { writer, party in writer.members(of: party) }
            writer.member("transactions", item.transactions) { writer, subject in writer.subject(subject) }
            writer.member("transactionCount", item.transactionCount)
            writer.member("openedAt", dispute.openedAt)
            writer.member("ageSeconds", max(age.milliseconds / 1_000, 0))
            writer.member("resolvedAt", dispute.resolution?.resolvedAt)
            writer.member("resolvedBy", item.resolvedBy)
            writer.member("why", item.why)
        }
    }

    private mutating func members(of party: RecordedCase.Party) {
        member("accountId", party.accountID)
        member("transactionId", party.transactionID)
        member("claimedAt", party.claimedAt)
        member("tokenComparison", party.tokenComparison?.rawValue)
    }

    private mutating func subject(_ subject: RecordedCase.Subject) {
        object { writer in
            writer.member("transactionId", subject.transactionID)
            writer.member("productId", subject.productID)
            writer.member("state", subject.state.rawValue)
            writer.member("reason", subject.reason)
            writer.member("purchaseDate", subject.purchaseDate)
        }
    }
}
