import Crypto
import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/accounts/{accountId}/entitlements`: the hot path of most apps, so an unchanged answer is a bare 304.
    func getEntitlements(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let account = parameters.accountID()
        try parameters.check()
        try requireAccess(of: caller, to: account)
        let entitlements = try await useCases.entitlements(of: account)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("accountId", account)
            writer.member("entitlements", entitlements) { writer, view in writer.entitlement(view) }
        }
        let tag = EntityTag(of: writer.bytes)
        let headers: HTTPFields = [.eTag: tag.text, .age: "0", .cacheControl: "private, no-cache"]
        guard let known = request.headers[.ifNoneMatch], tag.isListed(in: known) else {
            return .json(writer, headers: headers)
        }
        var response = Response(status: .notModified, headers: headers)
        response.headers[.contentLength] = nil
        return response
    }
}

extension JSONWriter {
    /// One row of what an account may use.
    mutating func entitlement(_ view: EntitlementView) {
        object { writer in
            writer.member("key", view.key)
            writer.member("productId", view.productID)
            writer.member("environment", view.environment.rawValue)
            writer.member("active", view.isActive)
            writer.member("since", view.since)
            writer.member("until", view.until)
            writer.member("reason", view.reason.rawValue)
            writer.member("transactionId", view.transactionID)
            writer.member("originalTransactionId", view.originalTransactionID)
            writer.member("overrideId", view.overrideID)
        }
    }
}

/// A strong entity tag: the first 128 bits of the body's SHA-256.
private struct EntityTag {
    let text: String

    init(of body: [UInt8]) {
        text = "\"" + Hexadecimal.text(SHA256.hash(data: body).prefix(16)) + "\""
    }

    /// Whether an `If-None-Match` names it, weakly compared as RFC 9110 §13.1.2 asks; `*` names every tag.
    func isListed(in field: String) -> Bool {
        field.split(separator: ",").contains { item in
            let tag = item.drop { $0 == " " || $0 == "\t" }
            let end = tag.lastIndex { $0 != " " && $0 != "\t" }.map(tag.index(after:)) ?? tag.startIndex
            let known = tag[..<end]
            return known == "*" || (known.hasPrefix("W/") ? known.dropFirst(2) : known) == text
        }
    }
}
