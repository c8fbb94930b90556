import Foundation
import StoreKit

@MainActor
final class Shop {
    enum Outcome: Equatable {
        case done(entitled: Bool)
        /// Paid for, but not confirmed yet. Say so; it arrives by itself.
        case confirming
        /// Ask to Buy, or the bank asks: there is no transaction yet, and perhaps never.
        case awaitingApproval
        case cancelled
        /// Another account bought it, and only that one can post it: it is posted once that one signs in.
        case ofAnotherAccount
        /// `transaction-claimed`: another account of your app holds it; tell the customer to contact support.
        case refused(code: String, caseID: String?)
    }

    private let vouch: VouchClient
    /// Who is signed in; an account id that is a UUID is its own appAccountToken.
    private let account: UUID

    init(vouch: VouchClient, account: UUID) {
        self.vouch = vouch
        self.account = account
    }

    func buy(_ product: Product) async throws -> Outcome {
        switch try await product.purchase(options: [.appAccountToken(account)]) {
        case .success(let result): return try await deliver(result)
        case .pending: return .awaitingApproval
        default: return .cancelled
        }
    }

    /// From launch on and for as long as the app runs, for example in `.task { await shop.listen() }` of the root view.
    func listen() async {
        // What is left of the last launch: the app was killed, or Vouch was still waiting for Apple.
        async let leftovers: Void = catchUp()
        // Approved requests, purchases on other devices, renewals, refunds.
        for await result in Transaction.updates { _ = try? await deliver(result) }
        await leftovers
    }

    /// Behind a "Restore Purchases" button only: it may ask for the password of the Apple Account.
    func restore() async throws -> [Outcome] {
        try await AppStore.sync()
        var outcomes: [Outcome] = []
        for await result in Transaction.currentEntitlements { outcomes.append(try await deliver(result)) }
        return outcomes
    }

    private func catchUp() async {
        for await result in Transaction.unfinished { _ = try? await deliver(result) }
    }

    private func deliver(_ result: VerificationResult<Transaction>) async throws -> Outcome {
        // Verified on the device or not: Vouch judges by itself, and neither answer of the device is proof.
        let transaction = result.unsafePayloadValue
        // It belongs to the account that bought it, also when somebody else is signed in by now.
        let owner = transaction.appAccountToken ?? account
        // Neither posted nor finished: StoreKit goes on bringing it, until its owner is signed in and posts it.
        if vouch.isUserToken && owner != account { return .ofAnotherAccount }
        guard let verdict = try await vouch.settle(result.jwsRepresentation, for: owner.uuidString) else {
            return .confirming
        }
        if verdict.finish { await transaction.finish() }
        if let code = verdict.code { return .refused(code: code, caseID: verdict.caseId) }
        return .done(entitled: verdict.entitled ?? false)
    }
}
