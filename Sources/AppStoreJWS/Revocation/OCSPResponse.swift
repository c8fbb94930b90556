import PurchaseCore
import SwiftASN1
import X509

/// An OCSP response as it was parsed (RFC 6960 §4.2.1); nothing of it is proved yet.
enum OCSPResponse {
    /// The responder answered about certificates.
    case basic(BasicOCSPResponse)
    /// `tryLater`.
    case tryLater
    /// Another error status, by its number.
    case refused(Int)

    /// Bytes of a response that are read; Apple's have about 1,500.
    static let bytesMax = 64 * 1024

    init(derEncoded bytes: [UInt8]) throws {
        let (status, body) = try DER.sequence(try DER.parse(bytes), identifier: .sequence) { nodes in
            let status = try Int(derEncoded: &nodes, withIdentifier: .enumerated)
            let body = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                try DER.sequence(node, identifier: .sequence) { nodes in
                    (try ASN1ObjectIdentifier(derEncoded: &nodes), try ASN1OctetString(derEncoded: &nodes))
                }
            }
            return (status, body)
        }
        switch (status, body) {
        case (0, .some((BasicOCSPResponse.identifier, let content))):
            self = .basic(try BasicOCSPResponse(derEncoded: content.bytes))
        case (0, _): throw ASN1Error.invalidASN1Object(reason: "no basic response")
        case (3, _): self = .tryLater
        case (let status, _): self = .refused(status)
        }
    }
}

/// BasicOCSPResponse: the answers, and who signed them.
struct BasicOCSPResponse {
    static let identifier: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 48, 1, 1]
    /// Certificates that a response may bring along.
    static let certificatesMax = 8

    /// What the signature is over, as it came.
    let signedBytes: ArraySlice<UInt8>
    let responder: Responder
    let producedAt: Instant
    let answers: [Answer]
    let algorithm: OCSPAlgorithm
    let signature: ArraySlice<UInt8>
    let certificates: [Certificate]

    /// Who says that it has signed.
    enum Responder: Equatable {
        case name(DistinguishedName)
        /// SHA-1 of its public key.
        case keyHash(ArraySlice<UInt8>)
    }

    /// The answer about one certificate.
    struct Answer {
        enum Status {
            case good
            case revoked(at: Instant)
            case unknown
        }

        /// `nil`: about a certificate under another hash than we asked with.
        let certID: OCSPCertID?
        let status: Status
        let thisUpdate: Instant
        let nextUpdate: Instant?
    }

    init(derEncoded bytes: ArraySlice<UInt8>) throws {
        let parts = try DER.sequence(try DER.parse(bytes), identifier: .sequence) { nodes in
            guard let data = nodes.next() else { throw ASN1Error.invalidASN1Object(reason: "no response data") }
            let algorithm = try OCSPAlgorithm(derEncoded: &nodes)
            let signature = try ASN1BitString(derEncoded: &nodes)
            let certificates = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) {
                try DER.sequence(of: Certificate.self, identifier: .sequence, rootNode: $0)
            }
            return (data, algorithm, signature, certificates ?? [])
        }
        guard parts.3.count <= Self.certificatesMax, parts.2.paddingBits == 0 else {
            throw ASN1Error.invalidASN1Object(reason: "too many certificates, or a broken signature")
        }
        self.signedBytes = parts.0.encodedBytes
        self.algorithm = parts.1
        self.signature = parts.2.bytes
        self.certificates = parts.3
        (self.responder, self.producedAt, self.answers) = try Self.data(parts.0)
    }

    private static func data(_ node: ASN1Node) throws -> (Responder, Instant, [Answer]) {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let version = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) {
                try Int(derEncoded: $0)
            }
            guard (version ?? 0) == 0, let id = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "another version, or no responder")
            }
            let responder: Responder
            if id.identifier == ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific) {
                responder = .name(
                    try DER.explicitlyTagged(id, tagNumber: 1, tagClass: .contextSpecific) {
                        try DistinguishedName(derEncoded: $0)
                    })
            } else {
                responder = .keyHash(
                    try DER.explicitlyTagged(id, tagNumber: 2, tagClass: .contextSpecific) {
                        try ASN1OctetString(derEncoded: $0).bytes
                    })
            }
            let producedAt = Instant(try GeneralizedTime(derEncoded: &nodes))
            guard let list = nodes.next(), list.identifier == .sequence, case .constructed(let children) = list.content
            else { throw ASN1Error.invalidASN1Object(reason: "no answers") }
            let answers = try children.map { try Self.answer($0) }
            try Self.readOverExtensions(&nodes)
            return (responder, producedAt, answers)
        }
    }

    private static func answer(_ node: ASN1Node) throws -> Answer {
        try DER.sequence(node, identifier: .sequence) { nodes in
            guard let id = nodes.next(), let status = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "an answer without id or status")
            }
            let certID = try OCSPCertID(derEncoded: id)
            let thisUpdate = Instant(try GeneralizedTime(derEncoded: &nodes))
            let nextUpdate = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) {
                Instant(try GeneralizedTime(derEncoded: $0))
            }
            try Self.readOverExtensions(&nodes)
            return Answer(
                certID: certID, status: try Self.status(status), thisUpdate: thisUpdate, nextUpdate: nextUpdate)
        }
    }

    private static func status(_ node: ASN1Node) throws -> Answer.Status {
        switch node.identifier {
        case ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific):
            return .good
        case ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific):
            return try DER.sequence(node, identifier: node.identifier) { nodes in
                let time = Instant(try GeneralizedTime(derEncoded: &nodes))
                // The reason is read over: whatever it is, the certificate is revoked.
                _ = nodes.next()
                return .revoked(at: time)
            }
        case ASN1Identifier(tagWithNumber: 2, tagClass: .contextSpecific):
            return .unknown
        default:
            throw ASN1Error.unexpectedFieldType(node.identifier)
        }
    }

    /// Extensions may follow as `[1]`; a critical one would change the meaning of what was read, so it is a fault.
    private static func readOverExtensions(_ nodes: inout ASN1NodeCollection.Iterator) throws {
        let extensions = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) {
            try DER.sequence(of: Certificate.Extension.self, identifier: .sequence, rootNode: $0)
        }
        guard extensions?.contains(where: \.critical) != true else {
            throw ASN1Error.invalidASN1Object(reason: "a critical extension")
        }
    }
}

extension Instant {
    /// The whole second of an OCSP time, by the proleptic Gregorian calendar.
    init(_ time: GeneralizedTime) {
        let date = CivilDate(year: Int64(time.year), month: Int64(time.month), day: Int64(time.day))
        let timeOfDay = (time.hours * 60 + time.minutes) * 60 + time.seconds
        self.init(millisecondsSince1970: (date.daysSince1970 * 86_400 + Int64(timeOfDay)) * 1_000)
    }
}
