import Hummingbird
package import PurchaseCore
package import PurchaseService

extension Handlers {
    /// `GET /v1/transactions`: what matches all filters, newest first.
    func searchTransactions(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: SearchRequest.parameters + ["cursor", "limit"])
        let search = SearchRequest.read(&parameters)
        let limit = parameters.limit()
        let place = parameters.cursor(PageCursor.search)
        try parameters.check()
        let (transactions, next) = try await useCases.transactions(matching: search, after: place, limit: limit)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("transactions", transactions) { writer, view in
                writer.transaction(view, bundleID: configuration.bundleID)
            }
            writer.member("nextCursor", next.map(PageCursor.text))
        }
        return .json(writer)
    }

    /// `GET /v1/orders/{orderId}`: from the ledger, else from Apple; within the time limit, since it waits.
    func getOrder(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let id = parameters.orderID()
        try parameters.check()
        let order = try await timeLimiter.run(configuration.requestTimeout, on: context.channel.eventLoop) {
            try await useCases.order(id, for: caller, requestID: context.requestID)
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("orderId", order.id)
            writer.member("lookedUpAt", order.lookedUpAt)
            writer.member("transactions", order.transactions) { writer, view in
                writer.transaction(view, bundleID: configuration.bundleID)
            }
        }
        return .json(writer)
    }
}

/// The filters of `GET /v1/transactions`.
package enum SearchRequest {
    /// Their names.
    package static let parameters = [
        "accountId", "originalTransactionId", "orderId", "productId", "state", "reason", "environment", "from", "to",
    ]

    /// How the API has moments written.
    package static let instantRule =
        "Must be an instant of RFC 3339 with its offset, such as 2026-11-20T09:15:02Z; write + as %2B."

    /// Reads the filters; what is wrong with them is added to the reader's faults.
    ///
    /// `instantRule` and `instant` say how moments are written.
    package static func read(
        _ parameters: inout some FieldReader, instantRule: String = Self.instantRule,
        instant: (String) -> Instant? = RFC3339.parse
    ) -> TransactionSearch {
        var search = TransactionSearch()
        search.account = parameters.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        search.originalTransactionID = parameters.value("originalTransactionId", rule: "Must be 1 to 32 digits.") {
            TransactionID(validating: $0).map { OriginalTransactionID($0.rawValue) }
        }
        search.orderID = parameters.value("orderId", rule: "Must be 1 to 64 letters and digits.") {
            OrderID(validating: $0)
        }
        search.productID = parameters.value("productId", rule: "Must be 1 to 255 characters, none a control.") { text in
            let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            return (1...255).contains(text.unicodeScalars.count) && isPlain ? ProductID(text) : nil
        }
        let states = PurchaseState.Name.allCases.map(\.rawValue)
        search.state = parameters.value("state", rule: "Must be one of \(states.joined(separator: ", ")).") {
            PurchaseState.Name(rawValue: $0)
        }
        search.reason = parameters.value("reason", rule: "Must be one of \(reasons.joined(separator: ", ")).") {
            reasons.contains($0) ? $0 : nil
        }
        search.environment = parameters.value("environment", rule: "Must be Production or Sandbox.") {
            StoreEnvironment(rawValue: $0)
        }
        search.from = parameters.value("from", rule: instantRule, instant)
        search.to = parameters.value("to", rule: instantRule, instant)
        if let from = search.from, let to = search.to, from >= to {
            parameters.blame("to", "Must lie after from, which is part of the span, as to is not.")
        }
        return search
    }

    /// Every reason of every state.
    package static let reasons =
        ["new"] + PendingReason.allCases.map(\.rawValue) + PaidReason.allCases.map(\.rawValue)
        + RefundedReason.allCases.map(\.rawValue)
}
