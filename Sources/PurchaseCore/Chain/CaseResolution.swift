extension ClaimCase {
    /// What a person decided about a dispute.
    package enum Outcome: String, Hashable, Codable, Sendable, CaseIterable {
        /// The claimant holds the chain now; the account that held it before has lost it.
        case transferred
        /// The claimant does not get it.
        case refused
    }

    /// How and why a dispute was closed.
    package struct Resolution: Hashable, Codable, Sendable {
        /// What was decided.
        package var outcome: Outcome
        /// Where the person's words are kept; they are erasable, the number is not.
        package var reasonNumber: Int64
        /// Our clock.
        package var resolvedAt: Instant
        /// Who held the chain before a transfer, and gets it back should the transfer turn out a mistake.
        ///
        /// `nil` for a refusal, and when nobody held it.
        package var takenFrom: AccountNumber?

        /// A resolution with every field.
        package init(outcome: Outcome, reasonNumber: Int64, resolvedAt: Instant, takenFrom: AccountNumber? = nil) {
            self.outcome = outcome
            self.reasonNumber = reasonNumber
            self.resolvedAt = resolvedAt
            self.takenFrom = takenFrom
        }
    }
}
