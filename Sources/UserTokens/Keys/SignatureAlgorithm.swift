/// The signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037 §3.1), by their names in a JOSE header.
///
/// Asymmetric ones alone, and a closed list: `none` and the HMAC family, which would take a public key for a secret, have
/// no case and so no code.
package enum SignatureAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    case ps256 = "PS256"
    /// ECDSA over P-256 with SHA-256; the signature is r and s, 64 bytes.
    case es256 = "ES256"
    /// ECDSA over P-384 with SHA-384; the signature is r and s, 96 bytes.
    case es384 = "ES384"
    /// Ed25519.
    case edDSA = "EdDSA"
}
