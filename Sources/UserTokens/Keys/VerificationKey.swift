import Crypto
import CryptoExtras
import FoundationEssentials
import PurchaseCore

/// One public key of the identity provider, made from a JSON Web Key (RFC 7517) that may be used as it is.
struct VerificationKey: Sendable {
    /// Bits that an RSA modulus may have: fewer can be broken, more make every check slow.
    static let rsaBits = 2_048...8_192

    /// Why a JSON Web Key is left out of the set.
    enum Fault: String, Error, Hashable, Sendable, CaseIterable {
        /// `use` or `key_ops` say that it is for something else.
        case notForSignatures = "not_for_signatures"
        /// A type, curve or `alg` outside ``SignatureAlgorithm``; symmetric keys among them.
        case notSupported = "not_supported"
        /// An RSA key outside ``rsaBits``.
        case rsaSize = "rsa_size"
        /// Its private part is in it: whoever could read the set can sign.
        case isPrivate = "is_private"
        /// A member is missing, of the wrong form or length, or names no point of the curve.
        case malformed
    }

    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// The key's `kid`, if it has one.
    let id: String?
    /// What it may check: what its type can, narrowed by its own `alg`.
    let algorithms: Set<SignatureAlgorithm>
    private let material: Material

    init(_ key: JSONWebKey) throws(Fault) {
        guard key.use == nil || key.use == "sig", key.keyOperations?.contains("verify") ?? true else {
            throw .notForSignatures
        }
        guard key.d == nil, key.k == nil else { throw key.k == nil ? .isPrivate : .notSupported }
        let able: Set<SignatureAlgorithm>
        (material, able) = try Self.material(of: key)
        if let name = key.algorithm {
            guard let own = SignatureAlgorithm(rawValue: name), able.contains(own) else { throw .notSupported }
            algorithms = [own]
        } else {
            algorithms = able
        }
        id = key.id
    }

    private static func material(
        of key: JSONWebKey
    ) throws(Fault) -> (Material, Set<SignatureAlgorithm>) {
        switch (key.type, key.curve) {
        case ("RSA", _): return (.rsa(try rsa(key)), [.rs256, .ps256])
        case ("EC", "P-256"):
            let point = try bytes(key.x, count: 32) + bytes(key.y, count: 32)
            guard let made = try? P256.Signing.PublicKey(rawRepresentation: point) else { throw .malformed }
            return (.p256(made), [.es256])
        case ("EC", "P-384"):
            let point = try bytes(key.x, count: 48) + bytes(key.y, count: 48)
            guard let made = try? P384.Signing.PublicKey(rawRepresentation: point) else { throw .malformed }
            return (.p384(made), [.es384])
        case ("OKP", "Ed25519"):
            let point = try bytes(key.x, count: 32)
            guard let made = try? Curve25519.Signing.PublicKey(rawRepresentation: point) else { throw .malformed }
            return (.ed25519(made), [.edDSA])
        default: throw .notSupported
        }
    }

    private static func rsa(_ key: JSONWebKey) throws(Fault) -> _RSA.Signing.PublicKey {
        guard let modulus = key.n.flatMap({ Base64.decode(url: $0) }),
            let exponent = key.e.flatMap({ Base64.decode(url: $0) }),
            !modulus.isEmpty, (1...8).contains(exponent.count)
        else { throw .malformed }
        // Measured before the library sees it, which would take a weak key for a malformed one.
        let significant = modulus.drop { $0 == 0 }
        let bits = significant.count * 8 - (significant.first?.leadingZeroBitCount ?? 0)
        guard rsaBits.contains(bits) else { throw .rsaSize }
        guard let made = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else { throw .malformed }
        return made
    }

    private static func bytes(_ text: String?, count: Int) throws(Fault) -> [UInt8] {
        guard let bytes = text.flatMap({ Base64.decode(url: $0) }), bytes.count == count else { throw .malformed }
        return bytes
    }

    /// Whether a signature over the bytes is this key's, under an algorithm of ``algorithms``.
    func verifies(_ signature: [UInt8], over bytes: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
        guard algorithms.contains(algorithm) else { return false }
        switch (material, algorithm) {
        case (.rsa(let key), .rs256):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: bytes),
                padding: .insecurePKCS1v1_5)
        case (.rsa(let key), .ps256):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: bytes), padding: .PSS)
        case (.p256(let key), .es256):
            guard let made = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(made, for: SHA256.hash(data: bytes))
        case (.p384(let key), .es384):
            guard let made = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(made, for: SHA384.hash(data: bytes))
        case (.ed25519(let key), .edDSA): return key.isValidSignature(signature, for: bytes)
        case (.rsa, _), (.p256, _), (.p384, _), (.ed25519, _): return false
        }
    }
}

/// The members of a JSON Web Key that are looked at (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
struct JSONWebKey: Decodable {
    var type: String
    var id: String?
    var use: String?
    var keyOperations: [String]?
    var algorithm: String?
    var curve: String?
    var n: String?
    var e: String?
    var x: String?
    var y: String?
    /// The private part of an RSA, EC or OKP key.
    var d: String?
    /// A symmetric key.
    var k: String?

    private enum CodingKeys: String, CodingKey {
        case type = "kty"
        case id = "kid"
        case use
        case keyOperations = "key_ops"
        case algorithm = "alg"
        case curve = "crv"
        case n, e, x, y, d, k
    }
}
