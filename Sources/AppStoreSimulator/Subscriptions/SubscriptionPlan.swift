/// How a subscription behaves that goes on by itself, as the simulator's clock passes its instants.
package struct SubscriptionTerms: Hashable, Sendable {
    /// How long before a period's end the next one is charged, in milliseconds: at most a day, as at Apple.
    package var renewsAheadMilliseconds: Int64
    /// How long after a period's end a customer whose billing failed is served; `nil`: the app grants no grace period.
    package var gracePeriodMilliseconds: Int64?
    /// How long after a period's end billing is tried, in milliseconds.
    package var billingRetryMilliseconds: Int64

    /// Charged at the period's end, no grace period, and 60 days of retry, in milliseconds.
    package init(
        renewsAheadMilliseconds: Int64 = 0, gracePeriodMilliseconds: Int64? = nil,
        billingRetryMilliseconds: Int64 = 60 * Milliseconds.day
    ) {
        self.renewsAheadMilliseconds = renewsAheadMilliseconds
        self.gracePeriodMilliseconds = gracePeriodMilliseconds
        self.billingRetryMilliseconds = billingRetryMilliseconds
    }

    func check() throws(SimulatorError) {
        guard (0...Milliseconds.day).contains(renewsAheadMilliseconds) else {
            throw .invalid("renewsAheadMilliseconds must be from 0 to a day")
        }
        guard (1...(60 * Milliseconds.day)).contains(billingRetryMilliseconds) else {
            throw .invalid("billingRetryMilliseconds must be from 1 to 60 days")
        }
        if let gracePeriodMilliseconds, !(1...billingRetryMilliseconds).contains(gracePeriodMilliseconds) {
            throw .invalid("gracePeriodMilliseconds must be from 1 to the time for which billing is tried")
        }
    }
}

/// What the store knows of a subscription beyond its transactions and its renewal info.
struct SubscriptionPlan: Sendable {
    /// What a period without an offer costs, in milliunits; `nil`: it has no price.
    var regularPrice: Int64?
    /// The offer under which the present period was charged.
    var offer: SimulatedOffer?
    /// For how many more periods it holds.
    var offerPeriodsLeft = 0
    /// The offer that begins with the next renewal.
    var nextOffer: SimulatedOffer?
    /// The length of the periods after the next renewal, if that changes; milliseconds.
    var nextPeriod: Int64?
    /// Whether the customer's payment works.
    var isBillingWorking = true
    /// Whether the product can still be bought.
    var isForSale = true
    /// Whether renewal is off because the customer refused a price.
    var isPriceRefused = false
    /// How it goes on by itself; `nil`: on command alone.
    var terms: SubscriptionTerms?

    /// The offer under which the next period is charged, and how many more it holds for then.
    var upcomingOffer: (offer: SimulatedOffer, left: Int)? {
        if let nextOffer { return (nextOffer, nextOffer.periodsCount - 1) }
        if let offer, offerPeriodsLeft > 0 { return (offer, offerPeriodsLeft - 1) }
        return nil
    }

    /// A period has begun: what was planned for it is done.
    mutating func begin(_ offer: SimulatedOffer?, left: Int) {
        self.offer = offer
        offerPeriodsLeft = left
        (nextOffer, nextPeriod) = (nil, nil)
        // Somebody paid.
        (isBillingWorking, isForSale, isPriceRefused) = (true, true, false)
    }
}

/// What happens to a subscription by itself.
enum SubscriptionEvent: Sendable {
    case renewal
    case billingFailure
    case graceEnd
    case expiry(SimulatedExpiry)
}
