/// Apple's `type` of a product; a value Apple adds later is kept as it came.
package enum ProductType: Hashable, Codable, Sendable {
    /// `Consumable`: used up, bought again.
    case consumable
    /// `Non-Consumable`: bought once, restored for ever.
    case nonConsumable
    /// `Auto-Renewable Subscription`.
    case autoRenewable
    /// `Non-Renewing Subscription`: a period that the app defines.
    case nonRenewing
    /// A value unknown to this version: confirmed as paid, entitles to nothing.
    case unknown(String)

    /// Reads Apple's spelling.
    package init(appleValue: String) {
        switch appleValue {
        case "Consumable": self = .consumable
        case "Non-Consumable": self = .nonConsumable
        case "Auto-Renewable Subscription": self = .autoRenewable
        case "Non-Renewing Subscription": self = .nonRenewing
        default: self = .unknown(appleValue)
        }
    }

    /// Apple's spelling.
    package var appleValue: String {
        switch self {
        case .consumable: "Consumable"
        case .nonConsumable: "Non-Consumable"
        case .autoRenewable: "Auto-Renewable Subscription"
        case .nonRenewing: "Non-Renewing Subscription"
        case .unknown(let value): value
        }
    }

    /// Reads Apple's spelling.
    package init(from decoder: any Decoder) throws {
        self.init(appleValue: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes Apple's spelling.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(appleValue)
    }
}
