/// Why a JWS is invalid: definite, the same for ever, and never the result of a network or a clock.
package struct VerificationFailure: Error, Equatable, Sendable {
    /// What is wrong; stable.
    package let code: VerificationFailureCode
    /// What was found, for a person; safe to show anybody: it has sizes, counts and dates, and no text of the input.
    package let detail: String

    /// Takes a code and a sentence part that shows nothing of the input.
    package init(_ code: VerificationFailureCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The check that failed.
    package var step: VerificationStep { code.step }
    /// How a refused submission is answered.
    package var refusal: VerificationRefusal { code.refusal }
}

extension VerificationFailure: CustomStringConvertible {
    /// `step/code: detail`.
    package var description: String { "\(step.rawValue)/\(code.rawValue): \(detail)" }
}

/// The refusal that a submission with an invalid JWS gets.
package enum VerificationRefusal: String, CaseIterable, Sendable {
    /// The signature isn't the leaf's over these bytes, or isn't ES256.
    case signatureInvalid = "signature_invalid"
    /// The certificates don't lead to a trusted root, aren't Apple's for this purpose, were not valid, or are revoked.
    case chainUntrusted = "chain_untrusted"
    /// It can't be read as evidence.
    case malformedEvidence = "malformed_evidence"
}

/// Every way in which a JWS can be invalid.
///
/// Raw values are a contract: they are stored with refused evidence.
package enum VerificationFailureCode: String, CaseIterable, Sendable {
    /// More bytes than are read.
    case tooLarge = "too_large"
    /// Not three segments.
    case segmentCount = "segment_count"
    /// An empty header, or one larger than is read.
    case headerSize = "header_size"
    /// A segment isn't unpadded, canonical base64url.
    case notBase64URL = "not_base64url"
    /// The signature isn't 64 bytes: a DER-encoded one has about 70.
    case signatureNotRaw = "signature_not_raw"
    /// The header isn't a bounded JSON object.
    case headerMalformed = "header_malformed"
    /// The header names a member twice.
    case headerDuplicateName = "header_duplicate_name"
    /// The header has `crit`.
    case headerCritical = "header_critical"
    /// `alg` isn't the string ES256.
    case algorithmNotES256 = "algorithm_not_es256"
    /// The header has no array `x5c`.
    case x5cMissing = "x5c_missing"
    /// `x5c` has another number of certificates than three; Xcode's test data has one.
    case certificateCount = "certificate_count"
    /// An element of `x5c` isn't base64 of a DER certificate.
    case certificateMalformed = "certificate_malformed"
    /// The leaf's key can't make an ES256 signature.
    case leafKeyNotP256 = "leaf_key_not_p256"
    /// The third certificate isn't, byte for byte, a trusted root.
    case rootUntrusted = "root_untrusted"
    /// A certificate names another issuer than the next one.
    case issuerMismatch = "issuer_mismatch"
    /// A certificate isn't signed by the next one.
    case certificateSignatureInvalid = "certificate_signature_invalid"
    /// The chain breaks a rule of RFC 5280: version, CA flag, path length, key usage, name constraints, an unknown
    /// critical extension.
    case chainPolicy = "chain_policy"
    /// The leaf lacks 1.2.840.113635.100.6.11.1.
    case leafOIDMissing = "leaf_oid_missing"
    /// The intermediate lacks 1.2.840.113635.100.6.2.1.
    case intermediateOIDMissing = "intermediate_oid_missing"
    /// The signature isn't the leaf's over these bytes.
    case signatureMismatch = "signature_mismatch"
    /// The payload isn't a bounded JSON object.
    case payloadMalformed = "payload_malformed"
    /// The payload names a member twice.
    case payloadDuplicateName = "payload_duplicate_name"
    /// The payload is signed, and of another kind than was asked for.
    case payloadKind = "payload_kind"
    /// A field that every decision rests on is absent.
    case fieldMissing = "field_missing"
    /// A field that every decision rests on is there and can't be read.
    case fieldUnreadable = "field_unreadable"
    /// A certificate was not valid when the evidence was signed.
    case notValidWhenSigned = "not_valid_when_signed"
    /// The issuer says that a certificate is revoked.
    case certificateRevoked = "certificate_revoked"

    /// The check that fails with this code.
    package var step: VerificationStep {
        switch self {
        case .tooLarge, .segmentCount, .headerSize, .notBase64URL: .structure
        case .headerMalformed, .headerDuplicateName, .headerCritical: .header
        case .algorithmNotES256: .algorithm
        case .x5cMissing, .certificateCount, .certificateMalformed, .leafKeyNotP256: .certificates
        case .rootUntrusted, .issuerMismatch, .certificateSignatureInvalid, .chainPolicy: .chain
        case .leafOIDMissing, .intermediateOIDMissing: .appleOIDs
        case .signatureNotRaw, .signatureMismatch: .signature
        case .payloadMalformed, .payloadDuplicateName, .payloadKind, .fieldMissing, .fieldUnreadable: .payload
        case .notValidWhenSigned: .validity
        case .certificateRevoked: .ocsp
        }
    }

    /// How a refused submission is answered.
    package var refusal: VerificationRefusal {
        switch self {
        case .algorithmNotES256, .leafKeyNotP256, .signatureNotRaw, .signatureMismatch:
            .signatureInvalid
        case .certificateCount, .rootUntrusted, .issuerMismatch, .certificateSignatureInvalid, .chainPolicy,
            .leafOIDMissing, .intermediateOIDMissing, .notValidWhenSigned, .certificateRevoked:
            .chainUntrusted
        case .tooLarge, .segmentCount, .headerSize, .notBase64URL, .headerMalformed, .headerDuplicateName,
            .headerCritical, .x5cMissing, .certificateMalformed, .payloadMalformed, .payloadDuplicateName,
            .payloadKind, .fieldMissing, .fieldUnreadable:
            .malformedEvidence
        }
    }
}
