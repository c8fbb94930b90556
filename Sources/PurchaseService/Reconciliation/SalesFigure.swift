/// What is compared: how many, and what customers paid for them.
package struct SalesFigure: Hashable, Sendable {
    /// Sums stay so far from the ends of 64 bits that a difference of two can't overflow.
    static let sumMax = Int64.max / 4

    /// Units; of refunds, units given back.
    package var units: Int64
    /// Milliunits of the currency in all: customer price, never proceeds; of refunds, what was given back.
    package var milliunits: Int64

    /// Nothing.
    package static let zero = SalesFigure(units: 0, milliunits: 0)

    /// Takes both.
    package init(units: Int64, milliunits: Int64) {
        self.units = units
        self.milliunits = milliunits
    }

    /// Adds; throws when a sum is beyond what anybody sells.
    mutating func add(_ other: Self) throws(TieOutFault) {
        let units = units.addingReportingOverflow(other.units)
        let milliunits = milliunits.addingReportingOverflow(other.milliunits)
        guard !units.overflow, !milliunits.overflow, units.partialValue.magnitude <= Self.sumMax,
            milliunits.partialValue.magnitude <= Self.sumMax
        else { throw .tooLarge }
        (self.units, self.milliunits) = (units.partialValue, milliunits.partialValue)
    }

    static func - (left: Self, right: Self) -> Self {
        Self(units: left.units - right.units, milliunits: left.milliunits - right.milliunits)
    }

    static func + (left: Self, right: Self) -> Self {
        Self(units: left.units + right.units, milliunits: left.milliunits + right.milliunits)
    }

    static prefix func - (figure: Self) -> Self { .zero - figure }

    /// More of something and less of nothing.
    var isSurplus: Bool { self != .zero && units >= 0 && milliunits >= 0 }
    /// Less of something and more of nothing.
    var isDeficit: Bool { (-self).isSurplus }

    /// Whether a surplus is at least as large as another in both respects.
    func covers(_ other: Self) -> Bool { units >= other.units && milliunits >= other.milliunits }
}

/// Whether something was sold or given back; Apple's reports have lines of their own for each.
package enum SalesSide: String, Hashable, Sendable, CaseIterable {
    /// Sold; in the ledger also a refund that was undone.
    case sale
    /// Given back, in full or in part.
    case refund
}

/// Where something was sold, whenever that was.
package struct SalesPlace: Hashable, Comparable, Sendable {
    /// Apple's productId; the ledger lacks it only where Apple named none.
    package var productID: String?
    /// ISO 3166-1 alpha-3, or the letters of the report where they stand for no country; `nil` where Apple named none.
    package var storefront: String?
    /// ISO 4217; `nil` where Apple told no price.
    package var currency: String?
    /// Sold or given back.
    package var side: SalesSide

    /// Takes every part.
    package init(productID: String?, storefront: String?, currency: String?, side: SalesSide) {
        self.productID = productID
        self.storefront = storefront
        self.currency = currency
        self.side = side
    }

    /// By product, storefront, currency and side, in byte order; what is absent first.
    package static func < (left: Self, right: Self) -> Bool {
        left.sortKey.lexicographicallyPrecedes(right.sortKey)
    }

    private var sortKey: [String] { [productID ?? "", storefront ?? "", currency ?? "", side.rawValue] }
}

/// One number of the comparison: a place in a period.
package struct SalesCell: Hashable, Sendable, Comparable {
    /// Apple's days.
    package var period: ReportPeriod
    /// The product, the storefront, the currency and the side.
    package var place: SalesPlace

    /// Takes both.
    package init(period: ReportPeriod, place: SalesPlace) {
        self.period = period
        self.place = place
    }

    /// By period, then by place.
    package static func < (left: Self, right: Self) -> Bool {
        (left.period, left.place) < (right.period, right.place)
    }
}

/// Why a comparison came to no end.
package enum TieOutFault: Error, Hashable, Sendable {
    /// More different products, storefronts and currencies than are compared at once.
    case tooManyGroups
    /// More rows of the ledger lie around the differences than are looked at.
    case tooManyRows
    /// More purchases without a price than are kept in mind.
    case tooManyUnpriced
    /// A sum that nobody's sales come to.
    case tooLarge
}
