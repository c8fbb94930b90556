/// What a person decided an account may or may not use, whatever it bought: never a state, a delivery or money.
///
/// It lives in a chain of the account's own (``Chain/Identity/account(_:)``).
package struct Override: Hashable, Codable, Sendable {
    /// The most that may be live for one account; the next one is refused until another ends.
    package static let liveMax = 100

    /// What it does to its key.
    package enum Effect: String, Hashable, Codable, Sendable, CaseIterable {
        /// The account may use it.
        case grant
        /// The account may not use it, whatever else entitles.
        case withhold
    }

    /// What is asked for; the same terms again, while they are in force, are the same override.
    package struct Terms: Hashable, Codable, Sendable {
        /// What it is about: an entitlement's key, 1–255 characters.
        package var key: String
        /// Whether it gives or takes.
        package var effect: Effect
        /// The store whose entitlements it stands among.
        package var environment: StoreEnvironment
        /// When it ends by itself; `nil` lasts until a person ends it.
        package var until: Instant?

        /// Takes every part.
        package init(key: String, effect: Effect, environment: StoreEnvironment, until: Instant?) {
            self.key = key
            self.effect = effect
            self.environment = environment
            self.until = until
        }
    }

    /// The end that a person gave it.
    package struct Ending: Hashable, Codable, Sendable {
        /// Our clock.
        package var endedAt: Instant
        /// Where the person's words are kept; they are erasable, the number is not.
        package var reasonNumber: Int64

        /// Takes both parts.
        package init(endedAt: Instant, reasonNumber: Int64) {
            self.endedAt = endedAt
            self.reasonNumber = reasonNumber
        }
    }

    /// `override-<account number>-<number>`.
    package var id: OverrideID
    /// Whose it is.
    package var account: AccountNumber
    /// What was decided.
    package var terms: Terms
    /// From when it is in force, which is when it was made.
    package var since: Instant
    /// Where the person's words are kept; they are erasable, the number is not.
    package var reasonNumber: Int64
    /// `nil` while nobody ended it; its time may be over all the same.
    package var ending: Ending?

    /// An override with every field.
    package init(
        id: OverrideID, account: AccountNumber, terms: Terms, since: Instant, reasonNumber: Int64,
        ending: Ending? = nil
    ) {
        self.id = id
        self.account = account
        self.terms = terms
        self.since = since
        self.reasonNumber = reasonNumber
        self.ending = ending
    }

    /// Whether it is in force at an instant.
    package func isLive(at now: Instant) -> Bool { ending == nil && terms.until.map { now < $0 } ?? true }
}

/// One override: `override-<account number>-<number>`, the numbers counted per account from 1.
package struct OverrideID: StringIdentifier {
    /// The text above.
    package let rawValue: String

    /// Wraps a value of the ledger or of a request.
    package init(_ rawValue: String) { self.rawValue = rawValue }

    /// Derived, so that deciding twice names it the same.
    init(account: AccountNumber, number: Int) { self.init("override-\(account.rawValue)-\(number)") }
}
