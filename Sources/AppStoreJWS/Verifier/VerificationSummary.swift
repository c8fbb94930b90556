/// How a verification ended, without anything of what was verified: for metrics.
package struct VerificationSummary: Hashable, Sendable {
    /// The three outcomes.
    package enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// See ``Verification/verified(_:)``.
        case verified
        /// See ``Verification/invalid(_:)``.
        case invalid
        /// See ``Verification/undetermined(_:_:)``.
        case undetermined
    }

    /// What was asked for.
    package let kind: SignedPayloadKind
    /// How it ended.
    package let outcome: Outcome
    /// The code of the failure or of the doubt; `nil` when verified.
    package let code: String?

    /// Reads off how a verification ended.
    init<Claims: SignedPayload>(_ verification: Verification<Claims>) {
        kind = Claims.kind
        switch verification {
        case .verified: (outcome, code) = (.verified, nil)
        case .invalid(let failure): (outcome, code) = (.invalid, failure.code.rawValue)
        case .undetermined(let doubt, _): (outcome, code) = (.undetermined, doubt.code.rawValue)
        }
    }
}
