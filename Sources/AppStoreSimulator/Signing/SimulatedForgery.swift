/// What is wrong with a forged JWS; each kind has exactly one defect, everything else is as Apple would sign it.
package enum SimulatedForgery: String, CaseIterable, Sendable {
    /// The signature is 64 random bytes.
    case signature
    /// The payload was changed after signing: another price, no revocation.
    case payload
    /// A well-formed chain under a root of its own, with the very names of Apple's certificates.
    case foreignRoot
    /// The leaf lacks 1.2.840.113635.100.6.11.1.
    case missingLeafOID
    /// The intermediate lacks 1.2.840.113635.100.6.2.1.
    case missingIntermediateOID
    /// `x5c` holds the leaf alone.
    case chain1
    /// `x5c` holds leaf and intermediate.
    case chain2
    /// `x5c` holds a genuine chain of four, with a second intermediate.
    case chain4
    /// The leaf had expired at `signedDate`.
    case expiredLeaf
    /// The leaf is a forger's, with the genuine leaf's names and OID, in front of the genuine intermediate and root.
    case swappedLeaf
    /// `alg` is `none` and the signature is empty.
    case algNone
    /// `alg` is `HS256`, keyed with the leaf's public key.
    case algHS256
    /// `alg` is `RS256`, while the signature is a correct ES256 one.
    case algRS256
    /// The signature is correct but DER-encoded instead of raw.
    case derSignature
    /// The leaf's key is P-384; chain and signature are otherwise correct.
    case p384Leaf
}
