package import PurchaseCore
import SwiftASN1
import X509

/// A certificate of a JWS, for people: what it names, not what it is worth.
package struct CertificateSummary: Hashable, Sendable {
    /// Whose it is, as an RFC 4514 name.
    package let subject: String
    /// Who signed it.
    package let issuer: String
    /// Lower-case hexadecimal, without leading zero bytes.
    package let serialNumber: String
    /// The first second in which it is valid.
    package let notBefore: Instant
    /// The last second in which it is valid.
    package let notAfter: Instant

    /// The certificates that a JWS carries, leaf first; empty where they can't be read.
    ///
    /// Nothing is verified.
    package static func all(in jws: String) -> [CertificateSummary] {
        guard let compact = try? CompactJWS(jws), let header = try? JOSEHeader(segment: compact.headerSegment) else {
            return []
        }
        return header.certificates.compactMap { der in (try? Certificate(derEncoded: der)).map(Self.init) }
    }

    private init(_ certificate: Certificate) {
        let validity = CertificateValidity(certificate)
        subject = certificate.subject.description
        issuer = certificate.issuer.description
        serialNumber = Hexadecimal.text(certificate.serialNumber.bytes)
        notBefore = validity.notBefore
        notAfter = validity.notAfter
    }
}

extension JWSVerifier {
    /// The same roots, and no network: revocation is not asked about.
    package var offline: JWSVerifier { JWSVerifier(trustedRoots: trustedRoots, ocsp: nil) }
}
