package import Crypto
import X509

/// The private key of a certificate that the simulator issues.
package enum SimulatedSigningKey: Sendable {
    /// What Apple's leaf certificates use.
    case p256(P256.Signing.PrivateKey)
    /// What Apple's root and intermediate use; wrong for a leaf.
    case p384(P384.Signing.PrivateKey)

    /// The public half, as a certificate holds it.
    var publicKey: Certificate.PublicKey {
        switch self {
        case .p256(let key): Certificate.PublicKey(key.publicKey)
        case .p384(let key): Certificate.PublicKey(key.publicKey)
        }
    }

    /// The public half as DER `SubjectPublicKeyInfo`.
    var publicKeyDER: [UInt8] {
        switch self {
        case .p256(let key): Array(key.publicKey.derRepresentation)
        case .p384(let key): Array(key.publicKey.derRepresentation)
        }
    }

    /// Signs with ECDSA over SHA-256: raw `r || s` as JWS wants it (RFC 7518 §3.4), or DER.
    ///
    /// Throws CryptoKit's errors.
    func signature(over bytes: [UInt8], asDER: Bool = false) throws -> [UInt8] {
        switch self {
        case .p256(let key):
            let signature = try key.signature(for: bytes)
            return Array(asDER ? signature.derRepresentation : signature.rawRepresentation)
        case .p384(let key):
            let signature = try key.signature(for: SHA256.hash(data: bytes))
            return Array(asDER ? signature.derRepresentation : signature.rawRepresentation)
        }
    }
}
