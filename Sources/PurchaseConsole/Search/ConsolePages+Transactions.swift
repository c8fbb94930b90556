import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var pageSize: Int { 50 }

    /// `GET /console/transactions`: the filters of the API's search, as a form.
    func transactions(_ visit: ConsoleVisit) async throws -> Response {
        var reader = FormReader(visit.fields, known: SearchRequest.parameters + ["cursor"])
        let search = SearchRequest.read(
            &reader, instantRule: FormInstant.rule, instant: FormInstant.read)
        let place = reader.cursor(PageCursor.search)
        let form = SearchForm(reader, faults: reader.faults)
        guard reader.faults.isEmpty else {
            let content = TransactionsContent(form: form, table: nil, isEmpty: false)
            return page(.transactions, "Transactions", content, visit, status: .unprocessableContent)
        }
        let (found, next) = try await useCases.transactions(matching: search, after: place, limit: Self.pageSize)
        let filters = SearchRequest.parameters.map { (name: $0, value: reader.text($0)) }
        let address = next.map {
            ConsoleAddress.with(ConsoleAddress.transactions, query: filters + [("cursor", PageCursor.text($0))])
        }
        let table = TransactionTable("Transactions, newest first", found, next: address)
        return page(
            .transactions, "Transactions", TransactionsContent(form: form, table: table, isEmpty: table == nil), visit)
    }

    /// `GET /console/orders/{orderId}`: what a customer's e-mail from Apple is about.
    func order(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("orderId") { OrderID(validating: $0) }
        try FormReader(visit.fields, known: []).check()
        let order = try await useCases.order(id, for: visit.caller, requestID: visit.requestID)
        let content = OrderContent(
            order: id.rawValue, lookedUpAt: ShownTime(order.lookedUpAt),
            table: TransactionTable("Transactions of the order", order.transactions))
        return page(.order, "Order \(id.rawValue)", content, visit)
    }
}

/// Moments as people write them into forms: a day, a minute, or RFC 3339; UTC where nothing else is said.
enum FormInstant {
    static let rule = "Write a day (2026-11-20), a minute in UTC (2026-11-20T09:15), or a moment with its offset."

    static func read(_ text: String) -> Instant? {
        let plain = text.replacing(" ", with: "T")
        switch plain.utf8.count {
        case 10: return RFC3339.parse(plain + "T00:00:00Z")
        case 16: return RFC3339.parse(plain + ":00Z")
        case 19: return RFC3339.parse(plain + "Z")
        default: return RFC3339.parse(plain)
        }
    }
}

/// What `transactions.mustache` shows.
struct TransactionsContent: Sendable {
    let form: SearchForm
    let table: TransactionTable?
    /// Whether the search was made and found nothing.
    let isEmpty: Bool
}

/// The filters, as they were sent.
struct SearchForm: Sendable {
    let errors: ErrorSummary?
    let texts: [TextField]
    let choices: [ChoiceField]

    init(_ reader: FormReader, faults: [FieldFault]) {
        let prefix = "search-"
        func text(_ name: String, _ label: String, _ hint: String? = nil) -> TextField {
            TextField(name, label, prefix: prefix, value: reader.text(name), hint: hint, faults: faults)
        }
        errors = ErrorSummary(faults, prefix: prefix, heading: "The search was not made")
        texts = [
            text("accountId", "Account"), text("productId", "Product"),
            text("originalTransactionId", "Original transaction id"),
            text("orderId", "Order id", "Only orders that were looked up before."),
            text("from", "Bought from", "Day or moment, in UTC"), text("to", "Bought before", "Day or moment, in UTC"),
        ]
        let states = PurchaseState.Name.allCases.map { (value: $0.rawValue, label: $0.rawValue) }
        let reasons = SearchRequest.reasons.map { (value: $0, label: ShownCode.words($0)) }
        let stores = [StoreEnvironment.production, .sandbox].map { (value: $0.rawValue, label: $0.rawValue) }
        func choice(
            _ name: String, _ label: String, _ options: [(value: String, label: String)]
        ) -> ChoiceField {
            ChoiceField(
                name, label, prefix: prefix, value: reader.text(name), options: [("", "any")] + options, faults: faults)
        }
        choices = [
            choice("state", "State", states), choice("reason", "Reason", reasons),
            choice("environment", "Environment", stores),
        ]
    }
}

/// What `order.mustache` shows.
struct OrderContent: Sendable {
    let order: String
    let lookedUpAt: ShownTime
    let table: TransactionTable?
}
