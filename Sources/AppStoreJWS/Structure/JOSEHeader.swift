import PurchaseCore

/// The two members of the protected header that are used: `alg`, which must be ES256, and `x5c`.
///
/// Everything else that could point at a key (`jwk`, `jku`, `kid`, `x5u`) is ignored: the key comes from `x5c` and is
/// worth what its chain is worth.
struct JOSEHeader: Sendable {
    /// Certificates that `x5c` must have: leaf, intermediate, root.
    static let certificateCount = 3

    /// Three DER certificates, leaf first; not parsed yet.
    let certificates: [[UInt8]]

    /// Reads a header segment; fails with the codes of the steps `structure` (base64url), `header`, `algorithm` and
    /// `certificates`.
    init(segment: ArraySlice<UInt8>) throws(VerificationFailure) {
        guard let bytes = Base64.decode(url: segment) else {
            throw VerificationFailure(.notBase64URL, "the header segment is not unpadded base64url")
        }
        let header: JSONObject
        do throws(JSONFault) {
            header = try JSONParser.object(bytes, limits: .header)
        } catch {
            throw VerificationFailure(
                error == .duplicateName ? .headerDuplicateName : .headerMalformed, "the header \(error.explanation)")
        }
        // RFC 7515 §4.1.11: a critical member that isn't understood makes the JWS invalid. None is understood.
        guard header["crit"] == nil else {
            throw VerificationFailure(.headerCritical, "the header names critical members; none is supported")
        }
        guard header["alg"] == .string("ES256") else {
            throw VerificationFailure(.algorithmNotES256, "alg is not ES256")
        }
        self.certificates = try Self.certificates(of: header)
    }

    private static func certificates(of header: JSONObject) throws(VerificationFailure) -> [[UInt8]] {
        guard case .array(let elements) = header["x5c"] else {
            throw VerificationFailure(.x5cMissing, "the header has no x5c array")
        }
        guard elements.count == certificateCount else {
            throw VerificationFailure(
                .certificateCount, "x5c has \(elements.count) certificates; Apple's has \(certificateCount)")
        }
        var certificates: [[UInt8]] = []
        for (position, element) in elements.enumerated() {
            guard case .string(let text) = element, let der = Base64.decode(standard: Array(text.utf8)[...]) else {
                throw VerificationFailure(.certificateMalformed, "x5c[\(position)] is not standard base64")
            }
            certificates.append(der)
        }
        return certificates
    }
}
