import PurchaseCore
import PurchaseService

/// What a genuine token has to say to be believed; pure.
package struct UserTokenRules: Hashable, Sendable {
    /// Seconds by which the provider's clock and ours may differ.
    static let leewaySeconds: Double = 60

    /// `VOUCH_USER_ISSUER`: compared exactly, a slash at the end included.
    package let issuer: String
    /// `VOUCH_USER_AUDIENCE`: must be one of the token's.
    package let audience: String

    /// Takes both settings.
    package init(issuer: String, audience: String) {
        self.issuer = issuer
        self.audience = audience
    }

    /// What came of judging a token by one set of keys.
    enum Verdict: Equatable {
        case account(AccountID)
        case refused(UserTokenRefusal)
        /// The set may be older than the token's key; by a newer one the verdict may differ.
        case otherKeysNeeded
    }

    /// Judges a token: first the signature, then, and only then, what it says.
    func judge(_ token: SignedToken, by keys: KeySet, now: Instant) -> Verdict {
        switch keys.select(id: token.keyID, token.algorithm) {
        case .unknownID: return .otherKeysNeeded
        case .none: return .refused(.keyUnknown)
        case .key(let key):
            guard key.verifies(token.signature, over: token.signingInput, token.algorithm) else {
                // A provider with one key that has no name can't say that it has another one now.
                return token.keyID == nil ? .otherKeysNeeded : .refused(.signatureInvalid)
            }
            do throws(UserTokenRefusal) {
                return .account(try account(of: try token.claims(), now: now))
            } catch {
                return .refused(error)
            }
        }
    }

    private func account(of claims: SignedToken.Claims, now: Instant) throws(UserTokenRefusal) -> AccountID {
        guard claims.issuer == issuer else { throw .issuerMismatch }
        guard claims.audience?.names.contains(audience) == true else { throw .audienceMismatch }
        let seconds = Double(now.millisecondsSince1970) / 1_000
        guard let end = claims.expiresAt, seconds < end + Self.leewaySeconds else { throw .expired }
        for start in [claims.notBefore, claims.issuedAt] {
            guard let start else { continue }
            guard start <= seconds + Self.leewaySeconds else { throw .notYetValid }
        }
        guard let account = claims.subject.flatMap(AccountID.init(validating:)) else { throw .subjectNotAccount }
        return account
    }
}
