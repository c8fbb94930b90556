package import Foundation
import Synchronization

/// What a test does with the stand-in for StoreKit: one device, for the task and what it calls.
package final class SimulatedDevice: Sendable {
    /// The device of the present task.
    @TaskLocal package static var current = SimulatedDevice { _, _ in .userCancelled }

    private struct State {
        var transactions: [Transaction] = []
        var finished: [UInt64] = []
    }

    private let sheet: @Sendable (String, UUID?) async throws -> Product.PurchaseResult
    private let state = Mutex(State())
    let updates: AsyncStream<VerificationResult<Transaction>>
    private let arrivals: AsyncStream<VerificationResult<Transaction>>.Continuation

    /// Takes what happens on a purchase of a productId with a token.
    package init(sheet: @escaping @Sendable (String, UUID?) async throws -> Product.PurchaseResult) {
        self.sheet = sheet
        (updates, arrivals) = AsyncStream.makeStream()
    }

    /// The ids that were finished, in that order, each as often as it was.
    package var finished: [UInt64] { state.withLock { $0.finished } }

    /// A transaction that is on the device when the app is launched.
    package func hold(_ transaction: Transaction) { state.withLock { $0.transactions.append(transaction) } }

    /// A transaction arrives while the app runs.
    package func arrive(_ transaction: Transaction) {
        hold(transaction)
        arrivals.yield(.verified(transaction))
    }

    /// Nothing more will arrive; those who listen get to their end.
    package func close() { arrivals.finish() }

    func purchase(_ productID: String, _ token: UUID?) async throws -> Product.PurchaseResult {
        let result = try await sheet(productID, token)
        if case .success(let transaction) = result { hold(transaction.unsafePayloadValue) }
        return result
    }

    func finish(_ id: UInt64) { state.withLock { $0.finished.append(id) } }

    func listed(isFinished: Bool?) -> Transaction.Transactions {
        let list = state.withLock { state in
            state.transactions.filter { isFinished == nil || state.finished.contains($0.id) == isFinished }
        }
        let (stream, items) = AsyncStream.makeStream(of: VerificationResult<Transaction>.self)
        for transaction in list { items.yield(.verified(transaction)) }
        items.finish()
        return Transaction.Transactions(stream: stream)
    }
}
