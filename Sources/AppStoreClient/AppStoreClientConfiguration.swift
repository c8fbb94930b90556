package import PurchaseCore

/// What the client needs to know; made by the composition root from checked settings.
package struct AppStoreClientConfiguration: Sendable {
    /// The largest answer that is read.
    package static let bodyBytesMax = 1_048_576

    /// Production's base URL.
    package let productionURL: AppStoreBaseURL
    /// Sandbox's base URL.
    package let sandboxURL: AppStoreBaseURL
    /// The issuer id of App Store Connect's Keys page.
    package let issuerID: String
    /// The id of the In-App Purchase key.
    package let keyID: String
    /// The key itself.
    package let key: InAppPurchaseKey
    /// The app's bundle id, case-sensitive.
    package let bundleID: BundleID
    /// Production's budget in requests a second for the common endpoints; all others follow from it.
    package let requestsPerSecond: Int
    /// The version in `User-Agent: vouch/<version>`.
    package let version: String
    /// How many calls may wait for the budget in each lane of each bucket.
    package let waitersMax: Int

    /// Puts the settings together.
    package init(
        productionURL: AppStoreBaseURL = .production, sandboxURL: AppStoreBaseURL = .sandbox, issuerID: String,
        keyID: String, key: InAppPurchaseKey, bundleID: BundleID, requestsPerSecond: Int = 50, version: String,
        waitersMax: Int = 1_000
    ) {
        self.productionURL = productionURL
        self.sandboxURL = sandboxURL
        self.issuerID = issuerID
        self.keyID = keyID
        self.key = key
        self.bundleID = bundleID
        self.requestsPerSecond = requestsPerSecond
        self.version = version
        self.waitersMax = waitersMax
    }

    func baseURL(of environment: StoreEnvironment) -> AppStoreBaseURL {
        switch environment {
        case .production: productionURL
        case .sandbox: sandboxURL
        }
    }
}
