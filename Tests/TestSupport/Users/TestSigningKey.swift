import Crypto
import CryptoExtras
import Foundation

/// A private key of a made-up identity provider, and its public side as a JSON Web Key.
package struct TestSigningKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
    }

    private let material: Material
    /// The `kid` of both sides; `nil` leaves it out.
    package var id: String?

    /// A new P-256 key.
    package static func p256(_ id: String?) -> Self { Self(material: .p256(P256.Signing.PrivateKey()), id: id) }

    /// A new P-384 key.
    package static func p384(_ id: String?) -> Self { Self(material: .p384(P384.Signing.PrivateKey()), id: id) }

    /// A new Ed25519 key.
    package static func ed25519(_ id: String?) -> Self {
        Self(material: .ed25519(Curve25519.Signing.PrivateKey()), id: id)
    }

    /// A new RSA key; fewer than 2048 bits are made too.
    package static func rsa(_ id: String?, bits: Int = 2_048) throws -> Self {
        let key =
            bits < 2_048
            ? try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: bits))
            : try _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits))
        return Self(material: .rsa(key), id: id)
    }

    /// The algorithm that such a key usually signs with.
    package var algorithm: String {
        switch material {
        case .rsa: "RS256"
        case .p256: "ES256"
        case .p384: "ES384"
        case .ed25519: "EdDSA"
        }
    }

    /// The public key's bytes in the forms that a careless verifier might take for a shared secret.
    package var publicForms: [[UInt8]] {
        switch material {
        case .rsa(let key):
            [
                Array(key.publicKey.derRepresentation), Array(key.publicKey.pemRepresentation.utf8),
                Array(key.publicKey.pkcs1DERRepresentation),
            ]
        case .p256(let key): [Array(key.publicKey.derRepresentation), Array(key.publicKey.x963Representation)]
        case .p384(let key): [Array(key.publicKey.derRepresentation)]
        case .ed25519(let key): [Array(key.publicKey.rawRepresentation)]
        }
    }

    /// The public side as a JSON Web Key, with members of type string on top; a `nil` takes one away.
    package func jwk(_ changes: [String: String?] = [:]) -> String {
        var members: [String: String] = ["use": "sig"]
        members["kid"] = id
        switch material {
        case .rsa(let key):
            // The primitives of a key of ours can always be had.
            let numbers = try? key.publicKey.getKeyPrimitives()
            members["kty"] = "RSA"
            members["n"] = TestBase64URL.text(numbers?.modulus ?? Data())
            members["e"] = TestBase64URL.text(numbers?.publicExponent ?? Data())
        case .p256(let key): members.merge(Self.point(key.publicKey.rawRepresentation, "P-256")) { $1 }
        case .p384(let key): members.merge(Self.point(key.publicKey.rawRepresentation, "P-384")) { $1 }
        case .ed25519(let key):
            members["kty"] = "OKP"
            members["crv"] = "Ed25519"
            members["x"] = TestBase64URL.text(key.publicKey.rawRepresentation)
        }
        for (name, value) in changes { members[name] = value }
        return "{" + members.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }.joined(separator: ",")
            + "}"
    }

    private static func point(_ raw: Data, _ curve: String) -> [String: String] {
        [
            "kty": "EC", "crv": curve, "x": TestBase64URL.text(raw.prefix(raw.count / 2)),
            "y": TestBase64URL.text(raw.suffix(raw.count / 2)),
        ]
    }

    /// Signs as an algorithm of RFC 7518 that fits the key; with `PS256` an RSA key signs with PSS.
    package func signature(over bytes: [UInt8], as algorithm: String? = nil) throws -> [UInt8] {
        switch material {
        case .rsa(let key):
            Array(
                try key.signature(
                    for: SHA256.hash(data: bytes), padding: algorithm == "PS256" ? .PSS : .insecurePKCS1v1_5
                )
                .rawRepresentation)
        case .p256(let key): Array(try key.signature(for: SHA256.hash(data: bytes)).rawRepresentation)
        case .p384(let key): Array(try key.signature(for: SHA384.hash(data: bytes)).rawRepresentation)
        case .ed25519(let key): Array(try key.signature(for: bytes))
        }
    }
}

/// Unpadded base64url.
package enum TestBase64URL {
    /// Encodes.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
