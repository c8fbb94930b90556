import Crypto
import SwiftASN1
import X509

/// Names one certificate to its issuer's OCSP responder (RFC 6960 §4.1.1), and recognises the answer about it.
///
/// The hashes are SHA-1, the one algorithm that every responder must support (RFC 5019 §2.1.1). Nothing rests on
/// them: the issuer is fixed beforehand, and its signature over the response is what counts.
struct OCSPCertID: Equatable, Sendable {
    static let sha1: ASN1ObjectIdentifier = [1, 3, 14, 3, 2, 26]

    let issuerNameHash: [UInt8]
    let issuerKeyHash: [UInt8]
    let serialNumber: ArraySlice<UInt8>

    /// The id of a certificate; throws if the issuer's name can't be encoded, which a parsed one always can.
    init(of certificate: Certificate, issuer: Certificate) throws {
        var name = DER.Serializer()
        try name.serialize(issuer.subject)
        self.issuerNameHash = Array(Insecure.SHA1.hash(data: name.serializedBytes))
        self.issuerKeyHash = Array(Insecure.SHA1.hash(data: issuer.publicKey.subjectPublicKeyInfoBytes))
        self.serialNumber = certificate.serialNumber.bytes
    }

    /// Reads the id in a response; `nil` if it uses another hash, and so isn't an answer to us.
    init?(derEncoded node: ASN1Node) throws {
        let parts = try DER.sequence(node, identifier: .sequence) { nodes in
            let algorithm = try OCSPAlgorithm(derEncoded: &nodes)
            let name = try ASN1OctetString(derEncoded: &nodes)
            let key = try ASN1OctetString(derEncoded: &nodes)
            let serial = try ArraySlice<UInt8>(derEncoded: &nodes)
            return (algorithm, name, key, serial)
        }
        guard parts.0.identifier == Self.sha1 else { return nil }
        self.issuerNameHash = Array(parts.1.bytes)
        self.issuerKeyHash = Array(parts.2.bytes)
        self.serialNumber = Certificate.SerialNumber(bytes: parts.3).bytes
    }

    /// An OCSPRequest for this one certificate: unsigned, and without a nonce.
    ///
    /// Responders may leave a nonce out of the answer, so it could not be insisted on and would protect nothing;
    /// `nextUpdate` bounds a replay.
    func request() throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { request in
            try request.appendConstructedNode(identifier: .sequence) { tbsRequest in
                try tbsRequest.appendConstructedNode(identifier: .sequence) { requestList in
                    try requestList.appendConstructedNode(identifier: .sequence) { single in
                        try serialize(into: &single)
                    }
                }
            }
        }
        return serializer.serializedBytes
    }

    private func serialize(into serializer: inout DER.Serializer) throws {
        try serializer.appendConstructedNode(identifier: .sequence) { certID in
            try certID.appendConstructedNode(identifier: .sequence) { algorithm in
                try algorithm.serialize(Self.sha1)
                try algorithm.serialize(ASN1Null())
            }
            try certID.serialize(ASN1OctetString(contentBytes: issuerNameHash[...]))
            try certID.serialize(ASN1OctetString(contentBytes: issuerKeyHash[...]))
            try certID.serialize(serialNumber)
        }
    }
}

/// An AlgorithmIdentifier, of which the parameters are read over.
struct OCSPAlgorithm: DERParseable {
    let identifier: ASN1ObjectIdentifier

    init(derEncoded node: ASN1Node) throws {
        self.identifier = try DER.sequence(node, identifier: .sequence) { nodes in
            let identifier = try ASN1ObjectIdentifier(derEncoded: &nodes)
            _ = nodes.next()
            return identifier
        }
    }

    /// The signature algorithm; `nil` for those that are not accepted, SHA-1 among them.
    var signatureAlgorithm: Certificate.SignatureAlgorithm? {
        switch identifier {
        case [1, 2, 840, 10045, 4, 3, 2]: .ecdsaWithSHA256
        case [1, 2, 840, 10045, 4, 3, 3]: .ecdsaWithSHA384
        case [1, 2, 840, 10045, 4, 3, 4]: .ecdsaWithSHA512
        case [1, 2, 840, 113549, 1, 1, 11]: .sha256WithRSAEncryption
        case [1, 2, 840, 113549, 1, 1, 12]: .sha384WithRSAEncryption
        case [1, 2, 840, 113549, 1, 1, 13]: .sha512WithRSAEncryption
        default: nil
        }
    }
}
