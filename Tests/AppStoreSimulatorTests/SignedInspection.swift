import AppStoreSimulator
import Crypto
import Foundation
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// A JWS taken apart and judged, step by step, without any of the simulator's or the verifier's code.
struct SignedInspection {
    /// A step of verification that fails.
    enum Defect: Hashable {
        case segments, algorithm, headerMembers, chainLength, path, leafMarker, intermediateMarker, leafKey, signature
    }

    let header: [String: Any]
    let payload: [String: Any]
    let certificates: [Certificate]
    private let segments: [String]

    init(_ jws: String) throws {
        segments = jws.components(separatedBy: ".")
        header = try Self.object(segments[0])
        payload = try Self.object(segments[1])
        certificates = try (header["x5c"] as? [String] ?? []).map { text in
            guard let der = Data(base64Encoded: text) else { throw NotBase64(text: text) }
            return try Certificate(derEncoded: Array(der))
        }
    }

    struct NotBase64: Error {
        let text: String
    }

    func string(_ name: String) -> String? { payload[name] as? String }
    func integer(_ name: String) -> Int64? { (payload[name] as? NSNumber)?.int64Value }

    /// Every step that fails under a root, at the payload's `signedDate`.
    func defects(under root: Certificate) async throws -> Set<Defect> {
        var defects: Set<Defect> = []
        if segments.count != 3 || jwsIsPadded { defects.insert(.segments) }
        if header["alg"] as? String != "ES256" { defects.insert(.algorithm) }
        if Set(header.keys) != ["alg", "x5c"] { defects.insert(.headerMembers) }
        if certificates.count != 3 { defects.insert(.chainLength) }
        let instant = Date(timeIntervalSince1970: Double(integer("signedDate") ?? 0) / 1000)
        if try await !hasPath(to: root, at: instant) { defects.insert(.path) }
        if !Self.isMarked(certificates.first, 1, 2, 840, 113635, 100, 6, 11, 1) { defects.insert(.leafMarker) }
        if certificates.count > 1, !Self.isMarked(certificates[1], 1, 2, 840, 113635, 100, 6, 2, 1) {
            defects.insert(.intermediateMarker)
        }
        guard let leaf = certificates.first, let key = P256.Signing.PublicKey(leaf.publicKey) else {
            return defects.union([.leafKey])
        }
        let raw = try Self.decode(segments[2])
        let signed = Data((segments[0] + "." + segments[1]).utf8)
        if let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw),
            key.isValidSignature(signature, for: signed)
        {
            return defects
        }
        return defects.union([.signature])
    }

    private var jwsIsPadded: Bool { segments.contains { $0.contains("=") } }

    private func hasPath(to root: Certificate, at instant: Date) async throws -> Bool {
        guard let leaf = certificates.first else { return false }
        var verifier = Verifier(rootCertificates: CertificateStore([root])) {
            RFC5280Policy(fixedExpiryValidationTime: instant)
        }
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore(certificates.dropFirst())) {
        case .validCertificate: return true
        case .couldNotValidate: return false
        }
    }

    private static func isMarked(_ certificate: Certificate?, _ oid: UInt...) -> Bool {
        guard let certificate else { return false }
        let marker = certificate.extensions.first { $0.oid == ASN1ObjectIdentifier(elements: oid) }
        return marker.map { Array($0.value) == [0x05, 0x00] && !$0.critical } ?? false
    }

    private static func object(_ segment: String) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: decode(segment)) as? [String: Any] ?? [:]
    }

    private static func decode(_ segment: String) throws -> Data {
        var text = segment.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while text.count % 4 != 0 { text += "=" }
        guard let data = Data(base64Encoded: text) else { throw NotBase64(text: segment) }
        return data
    }
}

extension ASN1ObjectIdentifier {
    fileprivate init(elements: [UInt]) {
        self = (try? ASN1ObjectIdentifier(elements: elements[...])) ?? [0, 0]
    }
}
