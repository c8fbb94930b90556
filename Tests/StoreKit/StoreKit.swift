package import Foundation

// A stand-in for the part of Apple's StoreKit that docs/integrating.md shows, so that its code is compiled and run where
// there is no App Store. Names and shapes are Apple's; what happens is up to ``SimulatedDevice``.

/// Something for sale.
package struct Product: Sendable {
    /// Apple's productId.
    package let id: String

    /// Takes the productId.
    package init(id: String) { self.id = id }

    /// What is asked for along with a purchase.
    package struct PurchaseOption: Hashable, Sendable {
        let token: UUID

        /// The account that the purchase is for.
        package static func appAccountToken(_ token: UUID) -> PurchaseOption { PurchaseOption(token: token) }
    }

    /// How a purchase ends, as far as it ends.
    package enum PurchaseResult: Sendable {
        /// There is a transaction.
        case success(VerificationResult<Transaction>)
        /// The customer closed the sheet.
        case userCancelled
        /// Somebody must approve first; there is no transaction.
        case pending
    }

    /// Buys it on the device of this task.
    package func purchase(options: Set<PurchaseOption> = []) async throws -> PurchaseResult {
        try await SimulatedDevice.current.purchase(id, options.first?.token)
    }
}

/// What the device itself thinks of a signature; decides nothing.
package enum VerificationResult<SignedType: Sendable>: Sendable {
    /// It looks right.
    case verified(SignedType)
    /// It does not.
    case unverified(SignedType, any Error)

    /// The payload, whatever the device thinks.
    package var unsafePayloadValue: SignedType {
        switch self {
        case .verified(let value), .unverified(let value, _): value
        }
    }
}

extension VerificationResult<Transaction> {
    /// The JWS that Apple signed.
    package var jwsRepresentation: String { unsafePayloadValue.signed }
}

/// One transaction on the device.
package struct Transaction: Hashable, Sendable {
    /// Apple's transactionId.
    package let id: UInt64
    /// Apple's productId.
    package let productID: String
    /// The account that it was bought for, if the app said so.
    package let appAccountToken: UUID?
    let signed: String

    /// Takes every part; `signed` is the JWS.
    package init(id: UInt64, productID: String, appAccountToken: UUID?, signed: String) {
        self.id = id
        self.productID = productID
        self.appAccountToken = appAccountToken
        self.signed = signed
    }

    /// Transactions one by one, as they come.
    package struct Transactions: AsyncSequence, Sendable {
        let stream: AsyncStream<VerificationResult<Transaction>>

        /// Iterates over them.
        package func makeAsyncIterator() -> AsyncStream<VerificationResult<Transaction>>.Iterator {
            stream.makeAsyncIterator()
        }
    }

    /// What comes while the app runs; ends with the task.
    package static var updates: Transactions { Transactions(stream: SimulatedDevice.current.updates) }
    /// What was not finished.
    package static var unfinished: Transactions { SimulatedDevice.current.listed(isFinished: false) }
    /// What the device counts as owned; everything, here.
    package static var currentEntitlements: Transactions { SimulatedDevice.current.listed(isFinished: nil) }

    /// Tells the App Store that it was delivered.
    package func finish() async { SimulatedDevice.current.finish(id) }
}

/// The App Store on the device.
package enum AppStore {
    /// Brings the device's transactions up to date.
    package static func sync() async throws {}
}
