/// The checks of a JWS in the order in which they are made; the first that fails names the outcome.
///
/// The order is the rule that nothing is used before it has been proved: no byte of the payload is interpreted before
/// the signature over it, and no network is asked before everything that can be decided here has been decided.
package enum VerificationStep: String, CaseIterable, Comparable, Sendable {
    /// Size, three segments, strict base64url.
    case structure
    /// The protected header is JSON, bounded, without repeated names and critical members.
    case header
    /// `alg` is ES256.
    case algorithm
    /// Exactly three X.509 certificates, the leaf's key on P-256.
    case certificates
    /// Leaf, intermediate and a trusted root sign each other under RFC 5280.
    case chain
    /// Apple's marker extensions on leaf and intermediate.
    case appleOIDs = "apple_oids"
    /// 64 bytes of r and s over the first two segments, by the leaf's key.
    case signature
    /// The payload is JSON of the expected kind, with the fields that decisions rest on.
    case payload
    /// All three certificates were valid when the evidence was signed.
    case validity
    /// The evidence wasn't signed in our future.
    case clock
    /// The issuer has not revoked the certificates.
    case ocsp

    /// The order of the checks.
    package static func < (left: Self, right: Self) -> Bool { left.position < right.position }

    private var position: Int {
        switch self {
        case .structure: 0
        case .header: 1
        case .algorithm: 2
        case .certificates: 3
        case .chain: 4
        case .appleOIDs: 5
        case .signature: 6
        case .payload: 7
        case .validity: 8
        case .clock: 9
        case .ocsp: 10
        }
    }
}
