import Crypto
import Foundation
import PurchaseCore
import SwiftASN1
import Synchronization
import X509

@testable import AppStoreJWS

/// An OCSP responder that answers as it is told, with real signatures.
final class FakeResponder: Sendable {
    struct Unreachable: Error {}

    /// One answer; the default is a good one, signed by the issuer, about now.
    struct Answer: Sendable {
        enum Status: Sendable { case good, revoked, unknown }
        enum Signer: Sendable {
            case issuer
            /// A certificate that the issuer signed for OCSP.
            case appointed
            /// The same without the extended key usage.
            case appointedForNothing
            /// The same with another extended key usage.
            case appointedForSomethingElse
            /// The same, no longer valid.
            case appointedExpired
            /// A self-made certificate.
            case stranger
            /// Claims to be the issuer, with another key.
            case forger
        }

        var status = Status.good
        var signer = Signer.issuer
        var producedAt = Moment.now - .hours(1)
        var thisUpdate = Moment.now - .hours(1)
        var nextUpdate: Instant? = Moment.now + .hours(12)
        /// Another serial number than the one that was asked about.
        var otherSerial = false
        /// Changes a byte after signing.
        var corrupted = false
        /// Marks an extension of the response as critical.
        var criticalExtension = false
        /// Names the responder by its key instead of by its name.
        var byKey = false
    }

    enum Behaviour: Sendable {
        case answer(Answer)
        case errorStatus(UInt8)
        case garbage([UInt8])
        case unreachable
        /// Doesn't come back until its task is cancelled.
        case hangs
    }

    private struct State {
        var behaviours: [String: Behaviour] = [:]
        var requests: [String] = []
        var gate: [CheckedContinuation<Void, Never>] = []
        var gateIsClosed = false
    }

    private let chain: MintedChain
    private let state = Mutex(State())

    init(_ chain: MintedChain) { self.chain = chain }

    /// Says how one of the two addresses behaves.
    func set(leaf: Behaviour? = nil, intermediate: Behaviour? = nil) {
        state.withLock { state in
            if let leaf { state.behaviours["http://ocsp.example.test/leaf"] = leaf }
            if let intermediate { state.behaviours["http://ocsp.example.test/intermediate"] = intermediate }
        }
    }

    /// URLs that were asked, in order.
    var requests: [String] { state.withLock { $0.requests } }

    /// Holds all requests back until ``open()``.
    func close() { state.withLock { $0.gateIsClosed = true } }

    func open() {
        let waiting = state.withLock { state in
            state.gateIsClosed = false
            defer { state.gate = [] }
            return state.gate
        }
        for continuation in waiting { continuation.resume() }
    }

    /// A checker that asks this responder.
    func checker(
        limits: OCSPChecker.Limits = .init(), hosts: [String] = ["ocsp.example.test"],
        clock: any Clock<Duration> = ContinuousClock()
    ) -> OCSPChecker {
        OCSPChecker(allowedHosts: hosts, limits: limits, clock: clock) { request, url in
            try await self.response(to: request, url: url)
        }
    }

    func response(to request: [UInt8], url: String) async throws -> [UInt8] {
        let behaviour = state.withLock { state in
            state.requests.append(url)
            return state.behaviours[url] ?? .answer(Answer())
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let passes = state.withLock { state in
                if state.gateIsClosed { state.gate.append(continuation) }
                return !state.gateIsClosed
            }
            if passes { continuation.resume() }
        }
        switch behaviour {
        case .answer(let answer): return try sign(answer, to: request, isLeaf: url.hasSuffix("/leaf"))
        case .errorStatus(let status): return [0x30, 0x03, 0x0A, 0x01, status]
        case .garbage(let bytes): return bytes
        case .unreachable: throw Unreachable()
        case .hangs:
            while true { try await Task.sleep(for: .seconds(3_600)) }
        }
    }

    private func sign(_ answer: Answer, to request: [UInt8], isLeaf: Bool) throws -> [UInt8] {
        let issuer = isLeaf ? chain.intermediate : chain.root
        let issuerKey = isLeaf ? chain.intermediateKey : chain.rootKey
        let signer = try signer(answer.signer, issuer: issuer, issuerKey: issuerKey)
        var data = DER.Serializer()
        try data.appendConstructedNode(identifier: .sequence) { data in
            try Self.write(signer.certificate, byKey: answer.byKey, into: &data)
            try data.serialize(Self.time(answer.producedAt))
            try data.appendConstructedNode(identifier: .sequence) { list in
                try list.appendConstructedNode(identifier: .sequence) { single in
                    try Self.write(answer, certID: Self.certID(in: request), into: &single)
                }
            }
            if answer.criticalExtension {
                try data.serialize(explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific) { tagged in
                    try tagged.serializeSequenceOf([
                        Certificate.Extension(oid: [1, 2, 3, 4], critical: true, value: [5, 0])
                    ])
                }
            }
        }
        let signature = try signer.key.signature(for: Data(data.serializedBytes)).derRepresentation
        return try Self.envelope(
            data.serializedBytes, signature: Array(signature), certificate: signer.attached, corrupted: answer.corrupted
        )
    }

    private struct SigningIdentity {
        let certificate: Certificate
        let key: P384.Signing.PrivateKey
        let attached: Certificate?
    }

    private func signer(
        _ signer: Answer.Signer, issuer: Certificate, issuerKey: P384.Signing.PrivateKey
    ) throws -> SigningIdentity {
        let key = TestKeys.p384(50)
        func responder(
            usages: [ExtendedKeyUsage.Usage], until end: Instant = Moment.leafEnds,
            signedBy signingKey: P384.Signing.PrivateKey
        ) throws -> SigningIdentity {
            let name = try MintedChain.name("OCSP responder")
            let certificate = try MintedChain.certificate(
                serial: 77, key: .init(key.publicKey), subject: name, issuer: issuer.subject,
                validity: (Moment.leafBegins, end), issuerKey: .init(signingKey),
                extensions: try .init {
                    Critical(BasicConstraints.notCertificateAuthority)
                    if !usages.isEmpty { try ExtendedKeyUsage(usages) }
                })
            return SigningIdentity(certificate: certificate, key: key, attached: certificate)
        }
        switch signer {
        case .issuer: return SigningIdentity(certificate: issuer, key: issuerKey, attached: nil)
        case .appointed: return try responder(usages: [.ocspSigning], signedBy: issuerKey)
        case .appointedForNothing: return try responder(usages: [], signedBy: issuerKey)
        case .appointedForSomethingElse: return try responder(usages: [.serverAuth, .any], signedBy: issuerKey)
        case .appointedExpired:
            return try responder(usages: [.ocspSigning], until: Moment.now - .days(1), signedBy: issuerKey)
        case .stranger: return try responder(usages: [.ocspSigning], signedBy: key)
        case .forger: return SigningIdentity(certificate: issuer, key: key, attached: nil)
        }
    }

    private static func write(
        _ signer: Certificate, byKey: Bool, into data: inout DER.Serializer
    ) throws {
        if byKey {
            let hash = Array(Insecure.SHA1.hash(data: signer.publicKey.subjectPublicKeyInfoBytes))
            try data.serialize(
                ASN1OctetString(contentBytes: hash[...]), explicitlyTaggedWithTagNumber: 2, tagClass: .contextSpecific)
        } else {
            try data.serialize(signer.subject, explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific)
        }
    }

    private static func write(_ answer: Answer, certID: ASN1Node, into single: inout DER.Serializer) throws {
        if answer.otherSerial {
            var bytes = Array(certID.encodedBytes)
            bytes[bytes.count - 1] ^= 1
            single.serializeRawBytes(bytes)
        } else {
            single.serialize(certID)
        }
        switch answer.status {
        case .good: single.appendPrimitiveNode(identifier: .init(tagWithNumber: 0, tagClass: .contextSpecific)) { _ in }
        case .unknown:
            single.appendPrimitiveNode(identifier: .init(tagWithNumber: 2, tagClass: .contextSpecific)) { _ in }
        case .revoked:
            try single.appendConstructedNode(identifier: .init(tagWithNumber: 1, tagClass: .contextSpecific)) {
                try $0.serialize(time(answer.thisUpdate))
            }
        }
        try single.serialize(time(answer.thisUpdate))
        if let nextUpdate = answer.nextUpdate {
            try single.serialize(time(nextUpdate), explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific)
        }
    }

    private static func envelope(
        _ data: [UInt8], signature: [UInt8], certificate: Certificate?, corrupted: Bool
    ) throws -> [UInt8] {
        var basic = DER.Serializer()
        try basic.appendConstructedNode(identifier: .sequence) { basic in
            var signed = data
            // The last byte is inside the last answer's time.
            if corrupted { signed[signed.count - 2] = signed[signed.count - 2] == 0x31 ? 0x32 : 0x31 }
            basic.serializeRawBytes(signed)
            try basic.appendConstructedNode(identifier: .sequence) { algorithm in
                try algorithm.serialize(ASN1ObjectIdentifier("1.2.840.10045.4.3.3"))
            }
            try basic.serialize(ASN1BitString(bytes: signature[...]))
            if let certificate {
                try basic.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) {
                    try $0.serializeSequenceOf([certificate])
                }
            }
        }
        var response = DER.Serializer()
        try response.appendConstructedNode(identifier: .sequence) { response in
            response.appendPrimitiveNode(identifier: .enumerated) { $0.append(0) }
            try response.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { tagged in
                try tagged.appendConstructedNode(identifier: .sequence) { body in
                    try body.serialize(ASN1ObjectIdentifier("1.3.6.1.5.5.7.48.1.1"))
                    try body.serialize(ASN1OctetString(contentBytes: basic.serializedBytes[...]))
                }
            }
        }
        return response.serializedBytes
    }

    /// Request ⊃ tbsRequest ⊃ requestList ⊃ first request ⊃ certID.
    private static func certID(in request: [UInt8]) throws -> ASN1Node {
        var node = try DER.parse(request)
        for _ in 0..<4 {
            guard case .constructed(let children) = node.content, let first = children.first(where: { _ in true })
            else {
                throw ASN1Error.invalidASN1Object(reason: "not an OCSP request")
            }
            node = first
        }
        return node
    }

    private static func time(_ instant: Instant) throws -> GeneralizedTime {
        let parts = Calendar(identifier: .iso8601).dateComponents(
            in: TimeZone(secondsFromGMT: 0) ?? .gmt,
            from: Date(timeIntervalSince1970: Double(instant.millisecondsSince1970) / 1_000))
        return try GeneralizedTime(
            year: parts.year ?? 0, month: parts.month ?? 0, day: parts.day ?? 0, hours: parts.hour ?? 0,
            minutes: parts.minute ?? 0, seconds: parts.second ?? 0, fractionalSeconds: 0)
    }
}

/// A clock on which every sleep is over at once.
struct HastyClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration = .zero
        func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
        func duration(to other: Self) -> Duration { other.offset - offset }
        static func < (left: Self, right: Self) -> Bool { left.offset < right.offset }
    }

    var now: Instant { Instant() }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}
