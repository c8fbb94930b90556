import Crypto

/// Checks the bearer token of a call as Apple does: ES256 with the In-App Purchase key, at most an hour long.
struct BearerTokenCheck: Sendable {
    static let lifetimeSecondsMax: Int64 = 3600
    /// How far ahead of ours a caller's clock may be.
    static let skewSecondsMax: Int64 = 60

    let keyID: String
    let issuerID: String
    let bundleID: String
    let publicKey: P256.Signing.PublicKey

    /// Why the header's token isn't accepted; `nil`: it is.
    ///
    /// The reason is for the list of calls; Apple names none.
    func refusal(of authorization: String?, nowSeconds: Int64) -> String? {
        guard let authorization, authorization.hasPrefix("Bearer ") else { return "no bearer token" }
        let token = authorization.dropFirst("Bearer ".count)
        let segments = token.split(separator: ".", omittingEmptySubsequences: false)
        guard token.utf8.count <= 8192, segments.count == 3,
            let header = Self.object(segments[0]), let claims = Self.object(segments[1]),
            let signature = Base64.decodeURL(segments[2])
        else { return "the token isn't a JWT" }
        guard header["alg"] == "ES256" else { return "alg isn't ES256" }
        guard header["kid"]?.stringValue == keyID else { return "kid isn't \(keyID)" }
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature),
            publicKey.isValidSignature(signature, for: Array((segments[0] + "." + segments[1]).utf8))
        else { return "the signature isn't the In-App Purchase key's" }
        guard claims["iss"]?.stringValue == issuerID else { return "iss isn't \(issuerID)" }
        guard claims["aud"] == "appstoreconnect-v1" else { return "aud isn't appstoreconnect-v1" }
        guard claims["bid"]?.stringValue == bundleID else { return "bid isn't \(bundleID)" }
        guard let expiry = claims["exp"]?.integerValue else { return "exp is missing" }
        guard expiry > nowSeconds else { return "the token has expired" }
        // Some of Apple's libraries send no iat; the token's life is then counted from now.
        let issuedAt: Int64
        if let claimed = claims["iat"] {
            guard let seconds = claimed.integerValue else { return "iat isn't a number of seconds" }
            guard seconds <= nowSeconds + Self.skewSecondsMax else { return "iat is in the future" }
            issuedAt = seconds
        } else {
            issuedAt = nowSeconds
        }
        let lifetime = expiry.subtractingReportingOverflow(issuedAt)
        guard !lifetime.overflow, lifetime.partialValue <= Self.lifetimeSecondsMax else {
            return "exp is more than 60 minutes after iat"
        }
        return nil
    }

    private static func object(_ segment: Substring) -> SimulatorJSONObject? {
        guard let bytes = Base64.decodeURL(segment) else { return nil }
        return (try? SimulatorJSON(parsing: bytes))?.objectValue
    }
}
