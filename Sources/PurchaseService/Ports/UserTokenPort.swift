package import PurchaseCore

/// Judges the tokens that the app's identity provider gives to its users.
///
/// Implemented by `UserTokens`.
package protocol UserTokenPort: Sendable {
    /// Judges one credential of the form that ``UserToken/isToken(_:)`` recognises; never throws.
    ///
    /// May wait a few seconds for the provider's keys. Ends promptly when the task is cancelled.
    func check(_ token: String) async -> UserTokenAnswer
}

/// What a user's token turned out to be: three outcomes, never two.
package enum UserTokenAnswer: Hashable, Sendable {
    /// Genuine, for us, and in force: the account is its `sub`.
    case account(AccountID)
    /// Not to be believed, now or ever.
    case refused(UserTokenRefusal)
    /// The provider's keys can't be had, so nothing is known: our fault, never the caller's.
    case undetermined
}

/// Why a user's token is not believed; the raw value is a stable code, for logs and metrics.
package enum UserTokenRefusal: String, Error, Hashable, Sendable, CaseIterable {
    /// Not a signed JWT that can be read, or a kind of JWT that is not for callers.
    case malformed
    /// Signed by another algorithm than the fixed list holds: `none` and the HMAC family among them.
    case algorithmNotAllowed = "algorithm_not_allowed"
    /// No key of the provider is the one that the token names.
    case keyUnknown = "key_unknown"
    /// The key did not sign this text.
    case signatureInvalid = "signature_invalid"
    /// Another issuer than `VOUCH_USER_ISSUER`.
    case issuerMismatch = "issuer_mismatch"
    /// For somebody else than `VOUCH_USER_AUDIENCE`.
    case audienceMismatch = "audience_mismatch"
    /// Over, or without an end.
    case expired
    /// Its beginning, or the moment that it says it was issued at, is still to come.
    case notYetValid = "not_yet_valid"
    /// Its `sub` is missing, or can't be an account id.
    case subjectNotAccount = "subject_not_account"
}

/// How users' tokens and keys are told apart.
package enum UserToken {
    /// Whether a credential is a JWT: a compact JWS has two dots, and a key of ours never has one.
    ///
    /// So each credential has one way to be believed, and a token that fails is never tried as a key.
    package static func isToken(_ credential: String) -> Bool { credential.utf8.count { $0 == UInt8(ascii: ".") } == 2 }
}
