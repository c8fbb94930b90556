import Postgres
import PurchaseCore
import PurchaseService

/// The statement of one page of a search: one index is walked from the newest transaction on, and the parts of the
/// search that the index doesn't know are looked at row by row, until the page is full or a bound is reached.
///
/// Which index is a choice by rule, not by the planner's estimate: the part that leaves the fewest transactions leads.
/// The work is that of the rows looked at, whatever the size of the ledger; only an account's, a chain's and an order's
/// own transactions are read all and sorted.
struct SearchStatement {
    /// Newest first: the rows of the page and one more, each with `is_hit`; and, when the bound was reached, the last row
    /// that was looked at, with `is_last`.
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
        let lead = Self.lead(of: search, account: account)
        let order = Self.order(of: lead)
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
        // The outer query has no order of its own, so that the index is walked no further than the page needs: rows pass
        // through it in the order of the inner one.
        sql = """
            SELECT * FROM (
                SELECT t.transaction_id, t.chain_id, coalesce(t.purchase_date, t.created_at) AS at,
                    coalesce(\(fragment: Self.rest(of: search, account: account)), false) AS is_hit,
                    row_number() OVER (ORDER BY \(fragment: order)) = \(scanned) AS is_last
                FROM transactions t WHERE \(fragment: Self.condition(of: lead))\(fragment: bounds)
                ORDER BY \(fragment: order) LIMIT \(scanned)) AS scanned
            WHERE is_hit OR is_last LIMIT \(Int64(limit) + 1)
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

    /// Newest first, after the column that leads.
    ///
    /// That column has one value, but as a list the planner can't know so: only the index that begins with it then has the
    /// rows in this order. By equality, the planner would at times walk all transactions and leave out what is of others,
    /// which is endless for what is rare.
    private static func order(of lead: Lead) -> SQL {
        let newest: SQL = "coalesce(t.purchase_date, t.created_at) DESC, t.transaction_id DESC"
        return switch lead {
        case .reason: "t.reason DESC, \(fragment: newest)"
        case .state: "t.state DESC, \(fragment: newest)"
        case .product: "t.product_id DESC, \(fragment: newest)"
        case .order, .chain, .account, .sandbox, .everything: newest
        }
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
        case .reason(let reason): "t.reason = ANY(\([reason])) AND t.reason <> 'confirmed'"
        case .state(let state): "t.state = ANY(\([state.rawValue])) AND t.state <> 'paid'"
        case .product(let product): "t.product_id = ANY(\([product.rawValue]))"
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
