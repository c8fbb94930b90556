/// A reduced price for the first periods of a subscription, or for the next ones.
package struct SimulatedOffer: Hashable, Sendable {
    /// Who gets it: Apple's `offerType`.
    package enum Kind: Int64, CaseIterable, Sendable {
        /// A customer who is new to the group.
        case introductory = 1
        /// A customer whom the app chose.
        case promotional = 2
        /// Whoever has a code.
        case offerCode = 3
        /// A customer whose subscription has ended.
        case winBack = 4
    }

    /// How it is paid: Apple's `offerDiscountType`.
    package enum Discount: String, CaseIterable, Sendable {
        /// Nothing is charged.
        case freeTrial = "FREE_TRIAL"
        /// A lower price for some periods of the usual length.
        case payAsYouGo = "PAY_AS_YOU_GO"
        /// One lower price for one period of another length.
        case payUpFront = "PAY_UP_FRONT"
        /// One lower price for one period of the usual length.
        case oneTime = "ONE_TIME"
    }

    /// The longest period of an offer: a year, in milliseconds.
    static let periodMax = 366 * Milliseconds.day
    /// More periods than any offer has.
    static let periodsMax = 100

    /// Who gets it.
    package var kind: Kind
    /// How it is paid.
    package var discount: Discount
    /// `offerIdentifier`; introductory offers have none.
    package var identifier: String?
    /// What one period costs, in milliunits; a free trial costs 0 whatever this says.
    package var price: Int64
    /// The length of one period in milliseconds, at most a year; `nil`: the subscription's own.
    package var periodMilliseconds: Int64?
    /// For how many periods, 1 to 100.
    package var periodsCount: Int

    /// An offer; the default is one period of the subscription's own length, for nothing.
    package init(
        _ kind: Kind, _ discount: Discount = .freeTrial, identifier: String? = nil, price: Int64 = 0,
        periodMilliseconds: Int64? = nil, periodsCount: Int = 1
    ) {
        self.kind = kind
        self.discount = discount
        self.identifier = identifier
        self.price = price
        self.periodMilliseconds = periodMilliseconds
        self.periodsCount = periodsCount
    }

    /// What is charged for one period, in milliunits.
    var charge: Int64 { discount == .freeTrial ? 0 : price }

    /// Refuses lengths and numbers that no offer has.
    func check() throws(SimulatorError) {
        if let periodMilliseconds, !(1...Self.periodMax).contains(periodMilliseconds) {
            throw .invalid("an offer's periodMilliseconds must be from 1 to a year")
        }
        guard (1...Self.periodsMax).contains(periodsCount), price >= 0 else {
            throw .invalid("an offer has 1 to \(Self.periodsMax) periods, and a price that isn't negative")
        }
    }

    /// The members that Apple gives an offer, in a transaction and in renewal info; all absent without one.
    static func write(_ offer: SimulatedOffer?, period: Int64, to fields: inout SimulatorJSONObject) {
        fields["offerType"] = offer.map { .integer($0.kind.rawValue) }
        fields["offerIdentifier"] = offer?.identifier.map(SimulatorJSON.string)
        fields["offerDiscountType"] = offer.map { .string($0.discount.rawValue) }
        fields["offerPeriod"] = offer.map { .string(duration($0.periodMilliseconds ?? period)) }
    }

    /// ISO 8601: weeks, days or seconds, since a number of milliseconds is no month.
    private static func duration(_ milliseconds: Int64) -> String {
        let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: Milliseconds.day)
        guard rest == 0, days > 0 else { return "PT\(milliseconds / Milliseconds.second)S" }
        return days.isMultiple(of: 7) ? "P\(days / 7)W" : "P\(days)D"
    }
}
