import PurchaseAPI
import PurchaseCore
import PurchaseService

/// A list of transactions, for `transaction-table.mustache`.
struct TransactionTable: Sendable {
    /// Names the table.
    let caption: String
    let rows: [TransactionLine]
    /// The address of the next page; `nil` on the last one.
    let next: String?

    /// `nil` when there is nothing to list.
    init?(_ caption: String, _ views: [TransactionView], next: String? = nil) {
        guard !views.isEmpty || next != nil else { return nil }
        self.caption = caption
        self.rows = views.map(TransactionLine.init)
        self.next = next
    }
}

/// One transaction in short.
struct TransactionLine: Sendable {
    let link: ShownLink
    let state: Badge
    /// The state's reason, or why it is not pursued.
    let reason: String
    let product: String?
    let price: String?
    /// purchaseDate, or the moment of recording while that is not known.
    let at: ShownTime
    /// Whether ``at`` is only the moment of recording.
    let isRecordingTime: Bool
    let holder: ShownLink?
    let isSandbox: Bool

    init(_ view: TransactionView) {
        let transaction = view.transaction
        link = ShownLink(transaction.id)
        state = Badge(state: transaction.state.name)
        reason = ShownCode.words(transaction.refusal.map { "refused: " + $0.rawValue } ?? transaction.state.reasonCode)
        product = view.facts?.productID?.rawValue
        price = view.facts?.charge?.shown
        at = ShownTime(view.facts?.purchaseDate ?? transaction.createdAt)
        isRecordingTime = view.facts?.purchaseDate == nil
        holder = view.accountID.map { ShownLink($0) }
        isSandbox = view.environment == .sandbox
    }
}
