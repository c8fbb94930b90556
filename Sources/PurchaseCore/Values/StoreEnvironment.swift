/// The App Store that signed: the real one, or Apple's sandbox (also TestFlight and App Review).
///
/// `Xcode` and `LocalTesting` are deliberately not representable: their data carries no signature that proves anything.
package enum StoreEnvironment: String, Hashable, Comparable, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
    /// Real purchases.
    case production = "Production"
    /// Test purchases.
    case sandbox = "Sandbox"

    /// Production before Sandbox, the order in which an unknown id is asked for.
    package static func < (left: Self, right: Self) -> Bool { left == .production && right == .sandbox }
}

/// Money as Apple sends it: thousandths of the currency's unit, in every currency (JPY 300 is 300000).
package struct Money: Hashable, Codable, Sendable {
    /// Thousandths of one unit of the currency; never a floating-point number.
    package let milliunits: Int64
    /// ISO 4217, three letters.
    package let currency: String

    /// Takes milliunits and an ISO 4217 code.
    package init(milliunits: Int64, currency: String) {
        self.milliunits = milliunits
        self.currency = currency
    }
}

/// How the customer came to own the product (Apple's `inAppOwnershipType`); unknown values are kept as they came.
package enum InAppOwnershipType: Hashable, Codable, Sendable {
    /// `PURCHASED`: this customer paid.
    case purchased
    /// `FAMILY_SHARED`: a member of the family paid; entitles, and is never revenue.
    case familyShared
    /// A value that Apple added later: ownership is then not confirmed.
    case unknown(String)

    /// Reads Apple's value.
    package init(appleValue: String) {
        switch appleValue {
        case "PURCHASED": self = .purchased
        case "FAMILY_SHARED": self = .familyShared
        default: self = .unknown(appleValue)
        }
    }

    /// Apple's spelling.
    package var appleValue: String {
        switch self {
        case .purchased: "PURCHASED"
        case .familyShared: "FAMILY_SHARED"
        case .unknown(let value): value
        }
    }

    /// Whether this value settles the question of ownership.
    package var isKnown: Bool {
        switch self {
        case .purchased, .familyShared: true
        case .unknown: false
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
