import Crypto
import PurchaseCore
import X509

/// What one OCSP exchange says about one certificate.
enum OCSPFinding: Equatable, Sendable {
    /// Not revoked; good for caching until an instant.
    case good(until: Instant)
    /// Revoked.
    case revoked
    /// Not known now.
    case doubt(VerificationDoubt)

    static func doubt(_ code: VerificationDoubtCode, _ detail: String) -> OCSPFinding {
        .doubt(VerificationDoubt(code, detail))
    }
}

extension OCSPResponse {
    /// Clock differences that are tolerated between a responder and us.
    static let clockTolerance = Span.minutes(5)

    /// Parses a response and says what it proves about a certificate: nothing, unless the issuer or a responder that
    /// it appointed has signed it, it is about this certificate, and it is about now.
    static func judge(_ bytes: [UInt8], about certID: OCSPCertID, issuer: Certificate, now: Instant) -> OCSPFinding {
        guard bytes.count <= bytesMax else {
            return .doubt(.ocspMalformed, "a response of \(bytes.count) bytes; at most \(bytesMax) are read")
        }
        let response: OCSPResponse
        do { response = try OCSPResponse(derEncoded: bytes) } catch {
            return .doubt(.ocspMalformed, "the response can't be parsed")
        }
        switch response {
        case .tryLater:
            return .doubt(.ocspTryLater, "the responder says: try later")
        case .refused(let status):
            return .doubt(.ocspRefused, "the responder answers with the error status \(status)")
        case .basic(let basic):
            return basic.judge(about: certID, issuer: issuer, now: now)
        }
    }
}

extension BasicOCSPResponse {
    fileprivate func judge(about certID: OCSPCertID, issuer: Certificate, now: Instant) -> OCSPFinding {
        // The signature first: until then, everything else is anybody's word.
        guard isSigned(for: issuer, now: now) else {
            return .doubt(.ocspBadlySigned, "the response is not signed by the issuer or a responder of the issuer")
        }
        let matching = answers.filter { $0.certID == certID }
        guard let answer = matching.first, matching.count == 1 else {
            return .doubt(.ocspMalformed, "the response has \(matching.count) answers about the certificate")
        }
        let latest = now + OCSPResponse.clockTolerance
        guard producedAt <= latest, answer.thisUpdate <= latest else {
            return .doubt(.ocspStale, "the response is from the future")
        }
        // RFC 5019 §4: without a nextUpdate there is no telling whether the answer still holds.
        guard let nextUpdate = answer.nextUpdate, nextUpdate >= now - OCSPResponse.clockTolerance else {
            return .doubt(.ocspStale, "the response is past its next update, or has none")
        }
        switch answer.status {
        case .good: return .good(until: nextUpdate)
        case .revoked: return .revoked
        case .unknown: return .doubt(.ocspUnknown, "the responder doesn't know the certificate")
        }
    }

    private func isSigned(for issuer: Certificate, now: Instant) -> Bool {
        guard let algorithm = algorithm.signatureAlgorithm else { return false }
        return ([issuer] + certificates).contains { signer in
            matches(signer) && isAppointed(signer, by: issuer, now: now)
                && signer.publicKey.isValidSignature(signature, for: signedBytes, signatureAlgorithm: algorithm)
        }
    }

    private func matches(_ signer: Certificate) -> Bool {
        switch responder {
        case .name(let name): signer.subject == name
        case .keyHash(let hash):
            Insecure.SHA1.hash(data: signer.publicKey.subjectPublicKeyInfoBytes).elementsEqual(hash)
        }
    }

    /// RFC 6960 §4.2.2.2: the issuer itself, or a certificate that the issuer signed for this purpose.
    private func isAppointed(_ signer: Certificate, by issuer: Certificate, now: Instant) -> Bool {
        if signer == issuer { return true }
        guard signer.issuer == issuer.subject, CertificateValidity(signer).contains(now),
            let usage = try? signer.extensions.extendedKeyUsage, usage.contains(.ocspSigning)
        else { return false }
        return issuer.publicKey.isValidSignature(signer.signature, for: signer)
    }
}
