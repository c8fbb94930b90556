package import PurchaseCore

/// One item of a transaction's proof, with everything that a third party needs to check it.
package struct EvidenceView: Sendable {
    /// A certificate of the JWS, as it names itself.
    package struct Certificate: Hashable, Sendable {
        /// Whose it is, as an RFC 4514 name.
        package var subject: String
        /// Who signed it.
        package var issuer: String
        /// Lower-case hexadecimal.
        package var serialNumber: String
        /// The first second in which it is valid.
        package var notBefore: Instant
        /// The last second in which it is valid.
        package var notAfter: Instant
    }

    /// One check, and how it ended.
    package struct Step: Hashable, Sendable {
        /// A stable code, as `docs/verification.md` lists them; `digest` besides.
        package var name: String
        /// `passed`, `failed`, `undetermined` or `skipped`.
        package var result: String
        /// What was found; safe to show.
        package var detail: String
    }

    /// The checks, made again now and without a network.
    package struct Verification: Hashable, Sendable {
        /// `passed`, `failed` or `undetermined`.
        package var result: String
        /// In the order in which they are made.
        package var steps: [Step]
    }

    /// What it says, and how it came.
    package var evidence: Evidence
    /// How it stands now.
    package var standing: LedgerEntry.Standing
    /// The place in the ledger of the event that took it in.
    package var position: Int64?
    /// The JWS, verbatim; `nil` once erased.
    package var jws: String?
    /// The certificates of the JWS, leaf first; empty once erased.
    package var certificates: [Certificate] = []
    /// The steps of verifying it again; `nil` once erased.
    package var verification: Verification?

    /// What is left when the text is erased.
    init(evidence: Evidence, standing: LedgerEntry.Standing, position: Int64?) {
        self.evidence = evidence
        self.standing = standing
        self.position = position
    }
}
