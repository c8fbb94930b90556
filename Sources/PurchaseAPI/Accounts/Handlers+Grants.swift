import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/accounts/{accountId}/grants`: what waits for acknowledgement, oldest first.
    func listGrants(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context, query: ["cursor", "limit"])
        let account = parameters.accountID()
        let limit = parameters.limit()
        let cursor = parameters.cursor(PageCursor.grants)
        try parameters.check()
        try requireAccess(of: caller, to: account)
        let (grants, next) = try await useCases.openGrants(of: account, after: cursor, limit: limit)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("grants", grants) { writer, grant in writer.grant(grant, account) }
            writer.member("nextCursor", next.map(PageCursor.text))
        }
        return .json(writer)
    }

    /// `POST /v1/grants/{id}/acknowledge`; a body is neither needed nor read.
    func acknowledgeGrant(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        try requireSize(request.headers, maximumBytes: configuration.maximumBodyBytes)
        var parameters = ParameterReader(request, context)
        let id = parameters.grantID()
        try parameters.check()
        let (grant, account) = try await useCases.acknowledge(id, by: caller, requestID: context.requestID)
        var writer = JSONWriter()
        writer.grant(grant, account)
        return .json(writer)
    }
}

extension JSONWriter {
    /// One delivery; the account is `null` once it is erased.
    fileprivate mutating func grant(_ grant: Grant, _ account: AccountID?) {
        object { writer in
            writer.member("id", grant.id)
            writer.member("kind", grant.kind.rawValue)
            writer.member("status", grant.status.rawValue)
            writer.member("accountId", account)
            writer.member("environment", grant.environment.rawValue)
            writer.member("productId", grant.productID)
            writer.member("amount", grant.amount)
            writer.member("transactionId", grant.transactionID)
            writer.member("createdAt", grant.createdAt)
        }
    }
}
