package import PurchaseCore

/// Sessions of the console, and attempts to begin one: in the database, so that they hold across processes and restarts.
///
/// A part of ``LedgerPort``; throws ``LedgerError`` alone. A token is known here by its SHA-256 alone.
package protocol ConsoleSessionPort: Sendable {
    /// Notes an attempt to sign in from a network, unless there are too many without success; then nothing is written.
    ///
    /// Attempts at the same instant may pass a bound together, one for each statement under way.
    func noteSignIn(from network: String, now: Instant) async throws(LedgerError) -> SignInAdmission
    /// Opens a session and takes back the noted attempt; the key's oldest sessions beyond the bound end, and so does
    /// `replaced`.
    ///
    /// False, with nothing opened, when the key was revoked meanwhile.
    func openSession(
        _ session: NewConsoleSession, attempt: Int64, replacing replaced: [UInt8]?, now: Instant
    ) async throws(LedgerError) -> Bool
    /// The session of a token, which counts as used now; `nil` when it is over, for whatever reason.
    ///
    /// `takesNotice` hands over the notice, which is done once.
    func session(
        ofToken sha256: [UInt8], takesNotice: Bool, now: Instant
    ) async throws(LedgerError) -> StoredConsoleSession?
    /// Has the next page of a session say something: a code of 1–40 lower-case letters and underscores.
    func keepNotice(_ code: String, forToken sha256: [UInt8]) async throws(LedgerError)
    /// Ends a session; one that is over stays so.
    func endSession(ofToken sha256: [UInt8]) async throws(LedgerError)
    /// The words of persons, by the numbers under which events refer to them; erased ones are absent.
    func reasons(numbered numbers: [Int64]) async throws(LedgerError) -> [Int64: String]
}

/// Whether an attempt to sign in is let through.
package enum SignInAdmission: Hashable, Sendable {
    /// It is, under this number.
    case admitted(attempt: Int64)
    /// There were too many without success; from this instant on it is worth another try.
    case heldUp(until: Instant)
}

/// Times and bounds of sessions and attempts.
package enum ConsoleSessionBounds {
    /// How long a session lasts without being used.
    package static let idle = Span.minutes(30)
    /// How long a session lasts at most.
    package static let life = Span.hours(12)
    /// How old the noted moment of the last use may become before it is noted again: a page view is seldom a write.
    package static let noted = Span.minutes(1)
    /// Sessions of one key; the oldest end first.
    package static let perKey: Int64 = 5
    /// How long an attempt without success counts.
    package static let window = Span.minutes(15)
    /// Attempts without success from one network that are let through within ``window``.
    package static let attemptsPerNetwork: Int64 = 10
    /// Attempts without success from all networks together.
    package static let attemptsInAll: Int64 = 600
}

/// A session to open.
package struct NewConsoleSession: Sendable {
    /// Of the token's bytes, 32 bytes.
    package var tokenSHA256: [UInt8]
    /// Whose it is: a key's number.
    package var keyID: Int64
    /// 32 random bytes.
    package var csrfSecret: [UInt8]

    /// Takes every part.
    package init(tokenSHA256: [UInt8], keyID: Int64, csrfSecret: [UInt8]) {
        self.tokenSHA256 = tokenSHA256
        self.keyID = keyID
        self.csrfSecret = csrfSecret
    }
}

/// A session that is in force.
package struct StoredConsoleSession: Hashable, Sendable {
    /// Whose it is, as the key is now.
    package var key: AccessKey
    /// What the session's forms carry, 32 bytes.
    package var csrfSecret: [UInt8]
    /// What the next page is to say; `nil` for nothing, and when it wasn't asked for.
    package var notice: String?

    /// Takes every part.
    package init(key: AccessKey, csrfSecret: [UInt8], notice: String?) {
        self.key = key
        self.csrfSecret = csrfSecret
        self.notice = notice
    }
}
