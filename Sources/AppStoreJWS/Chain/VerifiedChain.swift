import Crypto
import FoundationEssentials
import PurchaseCore
@_spi(DisableValidityCheck) import X509

/// Leaf, intermediate and trusted root, of which everything has been proved that doesn't depend on a date: they sign
/// each other under RFC 5280, carry Apple's markers, and the leaf's key can make ES256 signatures.
///
/// Dates are left out on purpose: such a chain may be cached, and validity is checked at each evidence's own
/// `signedDate`, cached or not.
struct VerifiedChain: Sendable {
    /// The key that must have signed the JWS.
    let leafKey: P256.Signing.PublicKey
    let leaf: Certificate
    let intermediate: Certificate
    let root: Certificate
    /// The DER of leaf and intermediate, which key the revocation cache.
    let leafDER: [UInt8]
    let intermediateDER: [UInt8]

    let leafValidity: CertificateValidity
    let intermediateValidity: CertificateValidity
    let rootValidity: CertificateValidity

    /// The first instant after `now` at which one of the certificates stops being valid; `nil` when none is left.
    func nextExpiry(after now: Instant) -> Instant? {
        [leafValidity, intermediateValidity, rootValidity].map(\.notAfter).filter { $0 > now }.min()
    }

    /// Fails unless all three certificates were valid at an instant.
    func checkValidity(at signedDate: Instant) throws(VerificationFailure) {
        for (name, validity) in [
            ("leaf", leafValidity), ("intermediate", intermediateValidity), ("root", rootValidity),
        ]
        where !validity.contains(signedDate) {
            throw VerificationFailure(
                .notValidWhenSigned,
                "the \(name) certificate was not valid when the payload was signed: signed at "
                    + "\(signedDate.millisecondsSince1970) ms, valid from \(validity.notBefore.millisecondsSince1970) ms "
                    + "to \(validity.notAfter.millisecondsSince1970) ms since 1970")
        }
    }
}

/// From when until when a certificate is valid, both seconds included.
struct CertificateValidity: Equatable, Sendable {
    let notBefore: Instant
    /// The last valid second's beginning.
    let notAfter: Instant

    init(_ certificate: Certificate) {
        self.notBefore = Instant(certificate.notValidBefore)
        self.notAfter = Instant(certificate.notValidAfter)
    }

    /// RFC 5280 §4.1.2.5 counts whole seconds: the last one is valid to its end.
    func contains(_ instant: Instant) -> Bool {
        notBefore <= instant && instant < notAfter + .seconds(1)
    }
}

extension Instant {
    /// The whole second of a certificate's date.
    init(_ date: Date) {
        self.init(millisecondsSince1970: Int64(date.timeIntervalSince1970.rounded(.down)) * 1_000)
    }
}
