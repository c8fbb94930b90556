import Foundation
import PurchaseCore
import TestSupport

/// An identity provider whose users sign in to the app.
struct SimulatedProvider {
    private let key = TestSigningKey.p256("provider-1")
    private let keySet: URL

    /// Publishes its keys in a file, until ``end()``.
    init() throws {
        keySet = FileManager.default.temporaryDirectory.appending(path: "vouch-provider-\(UUID().uuidString).json")
        try Data(TestKeySet.json(of: [key])).write(to: keySet)
    }

    /// What a server is told of it.
    var settings: [String: String] {
        [
            "VOUCH_USER_ISSUER": TestUserToken.issuer, "VOUCH_USER_AUDIENCE": TestUserToken.audience,
            "VOUCH_USER_JWKS": keySet.path,
        ]
    }

    /// A user's token, good for ten minutes.
    func token(for account: UUID) throws -> String {
        let now = Instant(millisecondsSince1970: Int64(Date().timeIntervalSince1970 * 1_000))
        return try TestUserToken(account.uuidString, now: now).signed(by: key)
    }

    /// Takes the file away.
    func end() { try? FileManager.default.removeItem(at: keySet) }
}
