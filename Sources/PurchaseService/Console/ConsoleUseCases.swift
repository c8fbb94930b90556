/// What the console needs beyond ``UseCases``: sessions of people who signed in with their keys.
package protocol ConsoleUseCases: Sendable {
    /// Begins a session with a key of role `support` or `finance`; the browser's earlier session ends.
    ///
    /// An unknown key and a revoked one are answered alike, and both count as failures of the network.
    func signIn(
        key: String, from network: String?, replacing token: ConsoleToken?
    ) async throws(ServiceError) -> SignInResult
    /// The session of a token; `nil` when there is none, it is over, or its key is revoked.
    ///
    /// One statement on the database; `takesNotice` hands over what the last action left to be said.
    func session(of token: ConsoleToken, takesNotice: Bool) async throws(ServiceError) -> ConsoleSession?
    /// Has the session's next page say something: a code of 1–40 lower-case letters and underscores.
    func leaveNotice(_ code: String, in token: ConsoleToken) async throws(ServiceError)
    /// Ends a session; idempotent.
    func signOut(_ token: ConsoleToken) async throws(ServiceError)
    /// The words that persons gave for what these events record, by the number that the entries carry; erased ones are
    /// absent.
    func reasons(of events: [RecordedEvent]) async throws(ServiceError) -> [Int64: String]
}

/// What came of an attempt to sign in.
package enum SignInResult: Sendable {
    /// A session began.
    case signedIn(ConsoleToken, Set<Role>)
    /// No key in force has this text.
    case unknownKey
    /// The key is good, and has neither of the console's roles.
    case wrongRole(Set<Role>)
    /// There were too many failures; it is worth another try in so many seconds.
    case heldUp(retryAfterSeconds: Int)

    /// For metrics and logs.
    var code: String {
        switch self {
        case .signedIn: "signed_in"
        case .unknownKey: "unknown_key"
        case .wrongRole: "wrong_role"
        case .heldUp: "held_up"
        }
    }
}

/// The secret that a browser shows for its session: 32 random bytes.
///
/// Prints, reflects and dumps as a placeholder; only ``bytes`` are the secret.
package struct ConsoleToken: Sendable, CustomStringConvertible, CustomReflectable {
    /// Bytes of a token.
    package static let byteCount = 32

    /// The secret.
    package let bytes: [UInt8]

    /// Takes what a browser showed; `nil` unless it is as long as a token.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    private init(random bytes: [UInt8]) { self.bytes = bytes }

    /// A token that nobody can guess.
    package static func fresh() -> ConsoleToken {
        var generator = SystemRandomNumberGenerator()
        return ConsoleToken(random: (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// A placeholder.
    package var description: String { "ConsoleToken(redacted)" }
    /// Nothing inside.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A session that is in force.
package struct ConsoleSession: Sendable {
    /// What the browser shows for it.
    package var token: ConsoleToken
    /// The key's name and roles, as they are now: what acts in the session acts as this caller.
    package var caller: Caller
    /// What every form of the session carries, 32 bytes.
    package var csrfSecret: [UInt8]
    /// What the page is to say about the last action.
    package var notice: String?

    /// The roles whose keys may sign in.
    package static let roles: Set<Role> = [.support, .finance]

    /// Takes every part.
    package init(token: ConsoleToken, caller: Caller, csrfSecret: [UInt8], notice: String?) {
        self.token = token
        self.caller = caller
        self.csrfSecret = csrfSecret
        self.notice = notice
    }
}
