import Postgres
import PurchaseCore
import PurchaseService

/// The statement of one page of a search: one index is walked from the newest transaction on, and the parts of the
/// search that the index doesn't know are looked at row by row, up to a bound.
///
/// Which index is a choice by rule, not by the planner's estimate: the part that leaves the fewest transactions leads.
struct SearchStatement {
    /// The rows of the page and one more, each with `is_hit`; and, when the bound was reached, the last row that was
    /// looked at, without it.
    let sql: SQL

    /// What leads, the narrowest first.
    private enum Lead {
        case order(OrderID)
        case chain(OriginalTransactionID)
        case account(AccountNumber)
        case reason(String)
        case state(PurchaseState.Name)
        case product(ProductID)
        case sandbox
        case everything
    }

    init(_ search: TransactionSearch, account: AccountNumber?, after place: SearchPlace?, limit: Int) {
        let lead = Self.condition(of: Self.lead(of: search, account: account))
        var bounds: SQL = ""
        if let place {
            let at = PostgresTimestamp(place.at)
            bounds = """
                \(fragment: bounds) AND (coalesce(t.purchase_date, t.created_at), t.transaction_id)
                    < (\(at), \(place.transactionID.rawValue))
                """
        }
        if let from = search.from {
            bounds = "\(fragment: bounds) AND coalesce(t.purchase_date, t.created_at) >= \(PostgresTimestamp(from))"
        }
        if let to = search.to {
            bounds = "\(fragment: bounds) AND coalesce(t.purchase_date, t.created_at) < \(PostgresTimestamp(to))"
        }
        let scanned = Int64(TransactionSearch.scannedMax)
        sql = """
            WITH scanned AS MATERIALIZED (
                SELECT t.transaction_id, t.chain_id, coalesce(t.purchase_date, t.created_at) AS at,
                    (\(fragment: Self.rest(of: search, account: account))) AS is_hit
                FROM transactions t WHERE \(fragment: lead)\(fragment: bounds)
                ORDER BY coalesce(t.purchase_date, t.created_at) DESC, t.transaction_id DESC
                LIMIT \(Self.isAnsweredByLead(search) ? Int64(limit) + 1 : scanned))
            SELECT * FROM (
                (SELECT transaction_id, chain_id, at, true AS is_hit FROM scanned WHERE is_hit
                    ORDER BY at DESC, transaction_id DESC LIMIT \(Int64(limit) + 1))
                UNION ALL
                (SELECT transaction_id, chain_id, at, false FROM scanned
                    ORDER BY at DESC, transaction_id DESC OFFSET \(scanned - 1) LIMIT 1)) AS page
            ORDER BY is_hit DESC, at DESC, transaction_id DESC
            """
    }

    private static func lead(of search: TransactionSearch, account: AccountNumber?) -> Lead {
        if let id = search.orderID { return .order(id) }
        if let id = search.originalTransactionID { return .chain(id) }
        if let account { return .account(account) }
        if let reason = search.reason, reason != PaidReason.confirmed.rawValue { return .reason(reason) }
        if let state = search.state, state != .paid { return .state(state) }
        if let product = search.productID { return .product(product) }
        if search.environment == .sandbox { return .sandbox }
        return .everything
    }

    /// Whether nothing is left to look at row by row.
    private static func isAnsweredByLead(_ search: TransactionSearch) -> Bool {
        let parts = [
            search.account != nil, search.originalTransactionID != nil, search.orderID != nil, search.productID != nil,
            search.state != nil, search.reason != nil, search.environment != nil,
        ]
        guard parts.count(where: \.self) <= 1 else { return false }
        // These two are what the indexes of the unusual leave out.
        return search.state != .paid && search.reason != PaidReason.confirmed.rawValue
            && search.environment != .production
    }

    private static func condition(of lead: Lead) -> SQL {
        switch lead {
        case .order(let id):
            "t.transaction_id IN (SELECT o.transaction_id FROM order_transactions o WHERE o.order_id = \(id.rawValue))"
        case .chain(let id):
            """
            t.chain_id IN (SELECT c.chain_id FROM chains c
                WHERE c.environment IN ('Production', 'Sandbox') AND c.original_transaction_id = \(id.rawValue))
            """
        case .account(let number):
            "t.chain_id IN (SELECT l.chain_id FROM claims l WHERE l.account_number = \(number.rawValue))"
        // Said twice, so that the planner knows for any value that the partial index has all its rows.
        case .reason(let reason): "t.reason = \(reason) AND t.reason <> 'confirmed'"
        case .state(let state): "t.state = \(state.rawValue) AND t.state <> 'paid'"
        case .product(let product): "t.product_id = \(product.rawValue)"
        case .sandbox: "t.environment = 'Sandbox'"
        case .everything: "true"
        }
    }

    /// All parts, the leading one too: what is not asked for is NULL, so that the text is always the same.
    private static func rest(of search: TransactionSearch, account: AccountNumber?) -> SQL {
        let original = (search.originalTransactionID?.rawValue).postgresValue
        let order = (search.orderID?.rawValue).postgresValue
        let account = (account?.rawValue).postgresValue
        let product = (search.productID?.rawValue).postgresValue
        let state = (search.state?.rawValue).postgresValue
        let environment = (search.environment?.rawValue).postgresValue
        return """
            (\(product)::text IS NULL OR t.product_id = \(product))
                AND (\(state)::text IS NULL OR t.state = \(state))
                AND (\(search.reason.postgresValue)::text IS NULL OR t.reason = \(search.reason.postgresValue))
                AND (\(environment)::text IS NULL OR t.environment = \(environment))
                AND (\(account)::bigint IS NULL OR EXISTS (SELECT FROM claims l
                    WHERE l.chain_id = t.chain_id AND l.account_number = \(account)))
                AND (\(original)::text IS NULL OR EXISTS (SELECT FROM chains c
                    WHERE c.chain_id = t.chain_id AND c.original_transaction_id = \(original)))
                AND (\(order)::text IS NULL OR EXISTS (SELECT FROM order_transactions o
                    WHERE o.order_id = \(order) AND o.transaction_id = t.transaction_id))
            """
    }
}
