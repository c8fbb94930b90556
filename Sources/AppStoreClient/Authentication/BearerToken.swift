import JWTKit
import PurchaseCore

/// A signed bearer token; prints as a placeholder.
struct BearerToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The compact JWT: for the Authorization header and nothing else.
    let value: String
    /// Tells tokens of one source apart; ascending.
    let serial: Int
    /// When it was signed, by our clock.
    let mintedAt: Instant
    /// Apple refuses it from here on.
    let expiresAt: Instant

    /// A placeholder.
    var description: String { "BearerToken(\(serial), redacted)" }
    /// A placeholder.
    var debugDescription: String { description }
    /// Nothing inside.
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// The claims of a token (App Store Server API, "Generating JSON Web Tokens for API requests"); times in seconds.
struct BearerClaims: JWTPayload, Equatable {
    /// The issuer id of the Keys page of App Store Connect.
    let iss: String
    /// Issued: seconds since 1970.
    let iat: Int64
    /// Ends: seconds since 1970; Apple refuses more than 60 minutes after `iat`.
    let exp: Int64
    /// Always `appstoreconnect-v1`.
    let aud: String
    /// The bundle id, case-sensitive.
    let bid: String

    /// We only ever sign these; nothing is checked.
    func verify(using algorithm: some JWTAlgorithm) throws {}
}
