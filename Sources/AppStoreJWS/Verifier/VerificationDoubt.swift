/// Why a JWS could be neither accepted nor refused now: everything that can be checked here has passed, and asking
/// again later may settle it.
package struct VerificationDoubt: Error, Equatable, Sendable {
    /// What is open; stable.
    package let code: VerificationDoubtCode
    /// What was seen, for a person; safe to show anybody.
    package let detail: String

    /// Takes a code and a sentence part that shows nothing of the input.
    package init(_ code: VerificationDoubtCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The check that is open.
    package var step: VerificationStep { code.step }
}

extension VerificationDoubt: CustomStringConvertible {
    /// `step/code: detail`.
    package var description: String { "\(step.rawValue)/\(code.rawValue): \(detail)" }
}

/// Every way in which a verification can stay open.
///
/// Raw values are a contract.
package enum VerificationDoubtCode: String, CaseIterable, Sendable {
    /// Signed more than ``JWSVerifier/clockTolerance`` after our now: our clock or the signer's is wrong.
    case signedInFuture = "signed_in_future"
    /// The certificate sends us to an OCSP host that isn't allowed, or its address can't be read.
    case ocspURIElsewhere = "ocsp_uri_elsewhere"
    /// Network fault, time-out, or an HTTP answer that isn't an OCSP response.
    case ocspUnreachable = "ocsp_unreachable"
    /// The responder says `tryLater`.
    case ocspTryLater = "ocsp_try_later"
    /// The responder says `malformedRequest`, `internalError`, `sigRequired` or `unauthorized`.
    case ocspRefused = "ocsp_refused"
    /// The response can't be parsed, or is about another certificate.
    case ocspMalformed = "ocsp_malformed"
    /// The response isn't signed by the issuer or by a responder that the issuer appointed.
    case ocspBadlySigned = "ocsp_badly_signed"
    /// The response isn't about now: from the future, past its next update, or without one.
    case ocspStale = "ocsp_stale"
    /// The responder doesn't know the certificate.
    case ocspUnknown = "ocsp_unknown"

    /// The check that is open.
    package var step: VerificationStep {
        switch self {
        case .signedInFuture: .clock
        case .ocspURIElsewhere, .ocspUnreachable, .ocspTryLater, .ocspRefused, .ocspMalformed, .ocspBadlySigned,
            .ocspStale, .ocspUnknown:
            .ocsp
        }
    }
}
