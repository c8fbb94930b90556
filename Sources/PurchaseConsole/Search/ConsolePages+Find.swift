import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    /// `GET /console/find`: to the page of what one text names, or to a list of what it may be.
    func find(_ visit: ConsoleVisit) async throws -> Response {
        let reader = FormReader(visit.fields, known: ["q"])
        try reader.check()
        guard let text = reader.text("q") else { return Self.redirect(to: ConsoleAddress.home) }
        var hits = try await hitsInLedger(of: text, visit)
        var asked: OrderQuestion = .none
        // Apple writes order ids in capitals; a phone's keyboard does not.
        let capitals = text.uppercased()
        if hits.isEmpty, capitals != text, Self.looksLikeOrder(capitals) {
            hits = try await hitsInLedger(of: capitals, visit)
        }
        let mayBeOrder = Self.looksLikeOrder(text) || Self.looksLikeOrder(capitals) && text.contains(where: \.isNumber)
        if hits.isEmpty, mayBeOrder, let order = OrderID(validating: capitals) {
            (hits, asked) = try await ask(for: order, visit)
        }
        if hits.count == 1 { return Self.redirect(to: hits[0].link.address) }
        return page(.found, "Search for \(text)", FoundContent(query: text, hits: hits, order: asked.text), visit)
    }

    /// Everything in the ledger that a text may name; Apple is not asked.
    private func hitsInLedger(of text: String, _ visit: ConsoleVisit) async throws -> [FoundHit] {
        var hits: [FoundHit] = []
        if Syntax.isOpaqueID(text), text.hasPrefix("case-"), let dispute = try await existing(CaseID(text)) {
            hits.append(FoundHit("Case", ShownLink(dispute.dispute.id)))
        }
        if let id = TransactionID(validating: text) { hits += try await transactions(named: id, visit) }
        if let account = AccountID(validating: text), try await isKnown(account) {
            hits.append(FoundHit("Account", ShownLink(account)))
        }
        if let order = OrderID(validating: text) {
            var search = TransactionSearch()
            search.orderID = order
            let (found, _) = try await useCases.transactions(matching: search, after: nil, limit: 2)
            switch found.count {
            case 0: break
            case 1: hits.append(FoundHit("Transaction of the order", ShownLink(found[0].transaction.id)))
            default: hits.append(FoundHit("Order", ShownLink(text, ConsoleAddress.order(order))))
            }
        }
        return hits
    }

    private func existing(_ id: CaseID) async throws -> RecordedCase? {
        do throws(ServiceError) {
            return try await useCases.claimCase(id)
        } catch {
            if error == .notFound { return nil }
            throw error
        }
    }

    /// The transaction of an id, or those of the chain that begins with it.
    private func transactions(named id: TransactionID, _ visit: ConsoleVisit) async throws -> [FoundHit] {
        var search = TransactionSearch()
        search.originalTransactionID = OriginalTransactionID(id.rawValue)
        let (chain, _) = try await useCases.transactions(matching: search, after: nil, limit: 2)
        if try await isKnown(id, visit) { return [FoundHit("Transaction", ShownLink(id))] }
        if chain.isEmpty { return [] }
        if chain.count == 1 { return [FoundHit("Transaction", ShownLink(chain[0].transaction.id))] }
        let address = ConsoleAddress.with(
            ConsoleAddress.transactions, query: [("originalTransactionId", id.rawValue)])
        return [FoundHit("Original transaction", ShownLink(id.rawValue, address))]
    }

    private func isKnown(_ id: TransactionID, _ visit: ConsoleVisit) async throws -> Bool {
        do throws(ServiceError) {
            _ = try await useCases.transaction(id, for: visit.caller, claimToken: nil)
            return true
        } catch {
            if error == .notFound { return false }
            throw error
        }
    }

    /// Whether the ledger has something to show of an account.
    private func isKnown(_ account: AccountID) async throws -> Bool {
        var search = TransactionSearch()
        search.account = account
        let (claimed, next) = try await useCases.transactions(matching: search, after: nil, limit: 1)
        if !claimed.isEmpty || next != nil { return true }
        return try await !useCases.overrides(of: account, before: nil, limit: 1).overrides.isEmpty
    }

    // MARK: Orders

    /// What came of asking Apple for an order.
    private enum OrderQuestion {
        case none, unknown, unanswered

        var text: String? {
            switch self {
            case .none: nil
            case .unknown: "Apple was asked for an order of this id, and knows none of this app."
            case .unanswered: "It may be an order id: Apple could not be asked for it now. Try again in a while."
            }
        }
    }

    /// Apple's order ids have capital letters and digits; asking costs a request, so words are not asked for.
    static func looksLikeOrder(_ text: String) -> Bool {
        (6...20).contains(text.utf8.count) && text.utf8.contains { (0x41...0x5A).contains($0) }
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
    }

    private func ask(for id: OrderID, _ visit: ConsoleVisit) async throws -> ([FoundHit], OrderQuestion) {
        do throws(ServiceError) {
            let order = try await useCases.order(id, for: visit.caller, requestID: visit.requestID)
            if order.transactions.count == 1 {
                return ([FoundHit("Transaction of the order", ShownLink(order.transactions[0].transaction.id))], .none)
            }
            return ([FoundHit("Order", ShownLink(id.rawValue, ConsoleAddress.order(id)))], .none)
        } catch {
            switch error {
            case .orderNotFound: return ([], .unknown)
            case .appStoreUnavailable: return ([], .unanswered)
            case .notFound, .evidenceErased, .grantCancelled, .overrideLimit, .asOfNotSettled, .invalid, .rateLimited,
                .beingErased, .overloaded, .unavailable, .identityUnavailable, .fault:
                throw error
            }
        }
    }
}

/// One thing that a text may name.
struct FoundHit: Sendable {
    let kind: String
    let link: ShownLink

    init(_ kind: String, _ link: ShownLink) {
        self.kind = kind
        self.link = link
    }
}

/// What `found.mustache` shows.
struct FoundContent: Sendable {
    let query: String
    let hits: [FoundHit]
    /// What came of asking Apple for an order.
    let order: String?
    /// Of the account that the text could be, which may be given something before its first purchase.
    let account: ShownLink?

    init(query: String, hits: [FoundHit], order: String?) {
        self.query = query
        self.hits = hits
        self.order = order
        self.account = AccountID(validating: query).map { ShownLink($0) }
    }
}
