package import PurchaseCore

/// The outcome of a verification: three, never two.
///
/// A fault of a network, a clock or a server is never "invalid".
package enum Verification<Claims: Sendable>: Sendable {
    /// Signed by Apple for this purpose, and nothing speaks against it.
    case verified(Verified<Claims>)
    /// Not evidence, for ever.
    case invalid(VerificationFailure)
    /// Everything that can be checked here has passed; revocation or the clock is open. The claims may choose what to
    /// ask next, and prove nothing.
    case undetermined(VerificationDoubt, Unconfirmed<Claims>)
}

/// Claims that Apple signed, and the proof.
///
/// Its one initialiser says what it assumes: only ``JWSVerifier`` and a reader of rows that were stored as verified may
/// call it.
package struct Verified<Claims: Sendable>: Sendable {
    /// The decoded payload.
    package let claims: Claims
    /// The JWS, character for character as it came.
    package let jws: String
    /// SHA-256 of ``jws``, 32 bytes.
    ///
    /// Not an identity of what was signed: anybody can turn the second half of an ECDSA signature into its one other
    /// valid form, so two different texts can carry the same evidence.
    package let sha256: [UInt8]
    /// When Apple signed it, by its own word (`signedDate`; an app transaction's `receiptCreationDate`).
    package let signedDate: Instant
    /// Until when the signing certificate is valid.
    ///
    /// Device and notification evidence under an expired leaf only asks for a check.
    package let leafNotAfter: Instant
    /// What was learnt about revocation.
    package let ocspChecked: OCSPCoverage

    /// Asserts that the caller has verified all of this, or reads it from where only verified evidence is written.
    package init(
        assumingVerified claims: Claims, jws: String, sha256: [UInt8], signedDate: Instant, leafNotAfter: Instant,
        ocspChecked: OCSPCoverage
    ) {
        self.claims = claims
        self.jws = jws
        self.sha256 = sha256
        self.signedDate = signedDate
        self.leafNotAfter = leafNotAfter
        self.ocspChecked = ocspChecked
    }
}

extension Verified: Equatable where Claims: Equatable {}

/// Claims whose chain and signature have passed and whose revocation, or date, is open: a different type from
/// ``Verified``, so that nothing can mistake the one for the other.
package struct Unconfirmed<Claims: Sendable>: Sendable {
    /// The decoded payload.
    package let claims: Claims
    /// The JWS, character for character as it came.
    package let jws: String
    /// SHA-256 of ``jws``, 32 bytes.
    package let sha256: [UInt8]
    /// When it was signed, by its own word.
    package let signedDate: Instant
    /// Until when the signing certificate is valid.
    package let leafNotAfter: Instant
}

extension Unconfirmed: Equatable where Claims: Equatable {}

/// What was learnt about the revocation of the two certificates below the root.
package struct OCSPCoverage: Equatable, Sendable {
    /// The signing certificate.
    package let leaf: OCSPCheck
    /// Its issuer.
    package let intermediate: OCSPCheck

    /// States what was learnt.
    package init(leaf: OCSPCheck, intermediate: OCSPCheck) {
        self.leaf = leaf
        self.intermediate = intermediate
    }

    /// OCSP is switched off.
    package static let off = OCSPCoverage(leaf: .off, intermediate: .off)
}

/// What was learnt about the revocation of one certificate.
package enum OCSPCheck: String, CaseIterable, Sendable {
    /// The issuer says that it is not revoked.
    case good
    /// The certificate names no responder: there is nobody to ask.
    case noURI = "no_uri"
    /// The certificate is no longer valid, and issuers don't answer for those.
    case expired
    /// OCSP is switched off.
    case off
}
