import JWTKit
import PurchaseCore

/// Signs bearer tokens, keeps the newest one, and replaces it before it ends or when Apple refuses it.
///
/// One token serves all calls for some minutes: Apple's libraries sign one for each, which costs a signature and
/// gains nothing.
actor BearerTokenSource {
    /// How far `iat` lies in the past, so that a clock that is a little fast gives no token "from the future".
    static let issuedBefore = Span.seconds(60)
    /// From `iat` to `exp`; Apple allows 60 minutes.
    static let lifetime = Span.minutes(15)
    /// A token with less than this left is replaced before it is used.
    static let renewBefore = Span.minutes(5)
    /// A replacement that is refused too is not replaced again for so long: the key is wrong, not the token.
    static let replacementPause = Span.seconds(60)

    private let issuerID: String
    private let keyID: String
    private let bundleID: BundleID
    private let key: InAppPurchaseKey
    private let now: @Sendable () -> Instant
    private var keys: JWTKeyCollection?
    private var newest: BearerToken?
    private var replacedAt: Instant?
    private var serial = 0

    init(
        issuerID: String, keyID: String, bundleID: BundleID, key: InAppPurchaseKey,
        now: @escaping @Sendable () -> Instant
    ) {
        self.issuerID = issuerID
        self.keyID = keyID
        self.bundleID = bundleID
        self.key = key
        self.now = now
    }

    /// The token to use now.
    /// - Throws: what JWTKit throws when it cannot sign.
    func token() async throws -> BearerToken {
        let instant = now()
        // A clock that was set back leaves a token from the future; it is no better than an old one.
        if let newest, newest.expiresAt - instant > Self.renewBefore, instant - newest.mintedAt >= .zero {
            return newest
        }
        return try await mint()
    }

    /// A token to repeat a call with after 401, or `nil` when a repeat can't help: the refused token was itself
    /// a fresh replacement of the last minute.
    /// - Throws: what JWTKit throws when it cannot sign.
    func replacement(for refused: BearerToken) async throws -> BearerToken? {
        if let newest, newest.serial > refused.serial { return newest }
        let instant = now()
        if let replacedAt {
            let since = instant - replacedAt
            if since >= .zero, since < Self.replacementPause { return nil }
        }
        replacedAt = instant
        return try await mint()
    }

    private func mint() async throws -> BearerToken {
        let instant = now()
        let issued = instant - Self.issuedBefore
        let expires = issued + Self.lifetime
        let claims = BearerClaims(
            iss: issuerID, iat: issued.secondsSince1970, exp: expires.secondsSince1970, aud: "appstoreconnect-v1",
            bid: bundleID.rawValue)
        let value = try await collection().sign(claims, kid: JWKIdentifier(string: keyID))
        serial += 1
        let token = BearerToken(value: value, serial: serial, mintedAt: instant, expiresAt: expires)
        if newest.map({ $0.serial < token.serial }) ?? true { newest = token }
        return token
    }

    private func collection() async -> JWTKeyCollection {
        if let keys { return keys }
        let made = await JWTKeyCollection().add(ecdsa: key.signingKey, kid: JWKIdentifier(string: keyID))
        keys = made
        return made
    }
}

extension Instant {
    /// Whole seconds since 1970, rounded down: the unit of JWT claims.
    var secondsSince1970: Int64 { (millisecondsSince1970 - (millisecondsSince1970 % 1_000 + 1_000) % 1_000) / 1_000 }
}
