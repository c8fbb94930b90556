import SwiftASN1
package import X509

/// A leaf's key with the certificates that vouch for it, ready to sign.
package struct SimulatedSigningChain: Sendable {
    /// Leaf first, root last.
    package let certificates: [Certificate]
    /// The key that signs: the leaf's, unless a forgery swapped it.
    package let leafKey: SimulatedSigningKey
    /// The certificates as the `x5c` header wants them: DER in standard base64 (RFC 7515 §4.1.6).
    package let x5c: [String]
    /// The protected header `{"alg":"ES256","x5c":[…]}` in URL-safe base64: the same for every JWS of this chain.
    let headerSegment: String

    /// Joins certificates and key without checking that they fit: a forgery may not.
    ///
    /// Throws ASN.1 errors.
    package init(certificates: [Certificate], leafKey: SimulatedSigningKey) throws {
        self.certificates = certificates
        self.leafKey = leafKey
        self.x5c = try certificates.map { certificate in
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return Base64.standard(serializer.serializedBytes)
        }
        self.headerSegment = Self.headerSegment(algorithm: "ES256", x5c: x5c)
    }

    /// The header with another algorithm's name.
    static func headerSegment(algorithm: String, x5c: [String]) -> String {
        let header: SimulatorJSONObject = [
            "alg": .string(algorithm), "x5c": .array(x5c.map(SimulatorJSON.string)),
        ]
        return Base64.url(header.bytes)
    }
}
