/// A string that identifies one kind of thing; each kind is its own type so that two can't be mixed up.
package protocol StringIdentifier: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    /// The identifier as it travels: never empty.
    var rawValue: String { get }
    /// Takes a value that is known to be well formed: from the ledger, or after a check at the edge.
    init(_ rawValue: String)
}

extension StringIdentifier {
    /// The identifier as it travels.
    package var description: String { rawValue }

    /// Byte order of the text; a total order for deterministic iteration, with no meaning of its own.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Reads the plain string.
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the plain string.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Apple's id of one transaction, 1–32 ASCII digits: a new one for each purchase, renewal and restore.
package struct TransactionID: StringIdentifier {
    /// The digits.
    package let rawValue: String

    /// Wraps digits that are known to be well formed.
    package init(_ rawValue: String) { self.rawValue = rawValue }

    /// Accepts 1–32 ASCII digits, which is all that may ever reach a URL path; `nil` for anything else.
    package init?(validating text: String) {
        guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        self.rawValue = text
    }
}

/// Apple's id of the first transaction of a chain; equals the transactionId for a first purchase.
package struct OriginalTransactionID: StringIdentifier {
    /// The digits.
    package let rawValue: String

    /// Wraps digits that are known to be well formed.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Apple's id of one subscription billing event, the same on every device.
package struct WebOrderLineItemID: StringIdentifier {
    /// Apple's text.
    package let rawValue: String

    /// Wraps Apple's text.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A product as App Store Connect names it.
package struct ProductID: StringIdentifier {
    /// Apple's text.
    package let rawValue: String

    /// Wraps Apple's text.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// An app's bundle id; compared exactly, upper and lower case being different (Apple's rule).
package struct BundleID: StringIdentifier {
    /// Apple's text.
    package let rawValue: String

    /// Wraps Apple's text.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// What was charged once: `environment.ownership.reference`, see ``Purchase``.
package struct PurchaseID: StringIdentifier {
    /// The three parts, joined by dots.
    package let rawValue: String

    /// Wraps a value of the ledger.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One delivery of a consumable: the purchase, the kind, and the number within the kind, so that the same delivery
/// has the same id however often it is decided.
package struct GrantID: StringIdentifier {
    /// `<purchase>.<kind>.<number>`.
    package let rawValue: String

    /// Wraps a value of the ledger or of a request.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A dispute about one chain by one account: `case-<chain>-<account number>`.
package struct CaseID: StringIdentifier {
    /// The text above.
    package let rawValue: String

    /// Wraps a value of the ledger.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// The fingerprint of the settings and the catalogue that a decision was made under.
package struct PolicyVersion: StringIdentifier {
    /// Lower-case hexadecimal.
    package let rawValue: String

    /// Wraps a fingerprint.
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// The ledger's internal number of an account; the account's string lives in one erasable table and never here.
package struct AccountNumber: Hashable, Comparable, Codable, Sendable {
    /// Positive, given by the database.
    package let rawValue: Int64

    /// Wraps a number of the database.
    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    /// Numeric order, which is the order in which accounts were first seen.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Reads the plain number.
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes the plain number.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// The ledger's internal number of a chain.
package struct ChainID: Hashable, Comparable, Codable, Sendable {
    /// Positive, given by the database.
    package let rawValue: Int64

    /// Wraps a number of the database.
    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    /// Numeric order, which is the order in which chains were first recorded.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Reads the plain number.
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes the plain number.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
