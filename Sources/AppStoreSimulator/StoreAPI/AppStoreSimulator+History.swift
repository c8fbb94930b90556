extension AppStoreSimulator {
    /// Entries on one page of a history, as at Apple.
    static let historyPageSize = 20

    /// Get Transaction History: everything of the customer, by last change, 20 a page.
    func transactionHistory(
        _ id: String, _ call: StoreCall, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> StoreAnswer {
        let filter = try HistoryFilter(call)
        let after = try HistoryRevision.parse(call.values("revision"))
        let page = try withState { (state, now) throws(StoreFailure) in
            let keys = try state.book.history(ofCustomerOf: id, in: call.environment)
            let matching = keys.filter { filter.allows($0) }
                .sorted { filter.isAscending ? $0.revision < $1.revision : $0.revision > $1.revision }
                .filter { HistoryRevision.lies($0.revision, behind: after, isAscending: filter.isAscending) }
            return HistoryPage(matching, after: after) { state.book.issue($0, content: alteration.content, now: now) }
        }
        return .json([
            "revision": .string(page.revision),
            "hasMore": .bool(page.hasMore),
            "bundleId": .string(configuration.bundleID),
            "appAppleId": .integer(configuration.appAppleID),
            "environment": .string(call.environment.rawValue),
            "signedTransactions": .array(try signAll(page.payloads, alteration)),
        ])
    }

    /// Get Refund History: the customer's revoked transactions, by revocation date, 20 a page.
    func refundHistory(
        _ id: String, _ call: StoreCall, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> StoreAnswer {
        let after = try HistoryRevision.parse(call.values("revision"))
        let page = try withState { (state, now) throws(StoreFailure) in
            let revoked = try state.book.history(ofCustomerOf: id, in: call.environment)
                .filter { $0.isRevoked && HistoryRevision.lies($0.revision, behind: after, isAscending: true) }
                .sorted { $0.revision < $1.revision }
            var page = HistoryPage(revoked, after: after) {
                state.book.issue($0, content: alteration.content, now: now)
            }
            // Paging goes by change, so that nothing is missed; within a page Apple's order is the revocation date's.
            page.payloads.sort { ($0["revocationDate"]?.integerValue ?? 0) < ($1["revocationDate"]?.integerValue ?? 0) }
            return page
        }
        return .json([
            "signedTransactions": .array(try signAll(page.payloads, alteration)),
            "revision": .string(page.revision),
            "hasMore": .bool(page.hasMore),
        ])
    }

    private func signAll(
        _ payloads: [SimulatorJSONObject], _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> [SimulatorJSON] {
        var signed: [SimulatorJSON] = []
        for payload in payloads { signed.append(.string(try sign(payload, alteration))) }
        return signed
    }
}

extension TransactionBook {
    /// All transactions of the customer whom a transaction's or an app download's id names.
    func history(
        ofCustomerOf id: String, in environment: SimulatedEnvironment
    ) throws(StoreFailure) -> [SimulatedTransaction] {
        guard id.isTransactionID else { throw .store(.invalidTransactionID) }
        let transaction = transactions[TransactionKey(environment: environment, id: id)]
        let customer = Customer(environment: environment, appTransactionID: transaction?.appTransactionID ?? id)
        guard let keys = byCustomer[customer] else { throw .store(.transactionIDNotFound) }
        return keys.compactMap { transactions[$0] }
    }
}

/// One page of a history.
private struct HistoryPage: Sendable {
    var payloads: [SimulatorJSONObject]
    let revision: String
    let hasMore: Bool

    init(
        _ transactions: [SimulatedTransaction], after: Int64?, issue: (TransactionKey) -> SimulatorJSONObject
    ) {
        let page = transactions.prefix(AppStoreSimulator.historyPageSize)
        payloads = page.map { issue($0.key) }
        hasMore = transactions.count > page.count
        revision = HistoryRevision.text(page.last?.revision ?? after ?? 0)
    }
}

/// The token of a page: opaque to callers, the change up to which they know the history for us.
private enum HistoryRevision {
    static func text(_ revision: Int64) -> String {
        Base64.url(Array("revision:\(revision)".utf8))
    }

    static func lies(_ revision: Int64, behind after: Int64?, isAscending: Bool) -> Bool {
        guard let after else { return true }
        return isAscending ? revision > after : revision < after
    }

    static func parse(_ values: [String]) throws(StoreFailure) -> Int64? {
        guard let value = values.first else { return nil }
        guard values.count == 1, let bytes = Base64.decodeURL(value) else {
            throw .store(.invalidRequestRevision)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("revision:"), let revision = Int64(text.dropFirst("revision:".count)) else {
            throw .store(.invalidRequestRevision)
        }
        return revision
    }
}

/// The query of a transaction history.
private struct HistoryFilter {
    let isAscending: Bool
    private let startDate: Int64?
    private let endDate: Int64?
    private let productIDs: [String]
    private let productTypes: [String]
    private let groups: [String]
    private let ownership: String?
    private let isRevoked: Bool?

    init(_ call: StoreCall) throws(StoreFailure) {
        switch call.values("sort").first {
        case nil, "ASCENDING": isAscending = true
        case "DESCENDING": isAscending = false
        default: throw .store(.invalidSort)
        }
        startDate = try Self.date(call, "startDate", error: .invalidStartDate)
        endDate = try Self.date(call, "endDate", error: .invalidEndDate)
        if let startDate, let endDate, startDate >= endDate { throw .store(.startDateAfterEndDate) }
        productIDs = call.values("productId")
        productTypes = call.values("productType")
        let known = SimulatedProductType.allCases.map(\.queryName)
        guard productTypes.allSatisfy({ known.contains($0) }) else { throw .store(.invalidProductType) }
        groups = call.values("subscriptionGroupIdentifier")
        ownership = call.values("inAppOwnershipType").first
        if let ownership, ownership != "PURCHASED", ownership != "FAMILY_SHARED" {
            throw .store(.invalidInAppOwnershipType)
        }
        switch call.values("revoked").first?.lowercased() {
        case nil: isRevoked = nil
        case "true": isRevoked = true
        case "false": isRevoked = false
        default: throw .store(.invalidRevoked)
        }
    }

    func allows(_ transaction: SimulatedTransaction) -> Bool {
        let fields = transaction.fields
        return (startDate.map { transaction.purchaseDate >= $0 } ?? true)
            && (endDate.map { transaction.purchaseDate < $0 } ?? true)
            && (productIDs.isEmpty || productIDs.contains(fields["productId"]?.stringValue ?? ""))
            && (productTypes.isEmpty || productTypes.contains(transaction.type.queryName))
            && (groups.isEmpty || groups.contains(fields["subscriptionGroupIdentifier"]?.stringValue ?? ""))
            && (ownership == nil || ownership == fields["inAppOwnershipType"]?.stringValue)
            && (isRevoked == nil || isRevoked == transaction.isRevoked)
    }

    private static func date(_ call: StoreCall, _ name: String, error: StoreError) throws(StoreFailure) -> Int64? {
        guard let text = call.values(name).first else { return nil }
        guard let date = Int64(text) else { throw .store(error) }
        return date
    }
}
