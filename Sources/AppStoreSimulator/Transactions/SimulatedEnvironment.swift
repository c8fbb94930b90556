/// The two environments that Apple's servers know, as payloads spell them.
package enum SimulatedEnvironment: String, CaseIterable, Sendable {
    /// Real purchases.
    case production = "Production"
    /// Test purchases, TestFlight and App Review.
    case sandbox = "Sandbox"

    /// The path that stands for this environment's host: `/production` or `/sandbox`.
    package var basePath: String {
        switch self {
        case .production: "/production"
        case .sandbox: "/sandbox"
        }
    }

    /// The first digits of the ids that the simulator makes here, as they look at Apple.
    var idPrefix: String {
        switch self {
        case .production: "390"
        case .sandbox: "200"
        }
    }
}

/// Apple's four kinds of products, as the payload's `type` spells them.
package enum SimulatedProductType: String, CaseIterable, Sendable {
    /// Used up; can be bought again.
    case consumable = "Consumable"
    /// Bought once.
    case nonConsumable = "Non-Consumable"
    /// Renews until cancelled.
    case autoRenewable = "Auto-Renewable Subscription"
    /// Ends without renewing; its duration is known to the developer alone.
    case nonRenewing = "Non-Renewing Subscription"

    /// The spelling of the history query's `productType` (it differs from the payload's).
    var queryName: String {
        switch self {
        case .consumable: "CONSUMABLE"
        case .nonConsumable: "NON_CONSUMABLE"
        case .autoRenewable: "AUTO_RENEWABLE"
        case .nonRenewing: "NON_RENEWABLE"
        }
    }

    /// Whether Family Sharing exists for this type.
    var canBeShared: Bool {
        switch self {
        case .nonConsumable, .autoRenewable: true
        case .consumable, .nonRenewing: false
        }
    }
}
