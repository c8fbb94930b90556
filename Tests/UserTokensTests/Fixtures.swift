import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import UserTokens

/// 2026-11-23T00:00:00Z.
let noon = Instant(millisecondsSince1970: 1_795_392_000_000)

/// Keys that all tests share: making an RSA key takes a moment.
enum Keys {
    // SAFETY: without its keys no test can run.
    static let rsa = try! TestSigningKey.rsa("rsa-1")
    // SAFETY: as above.
    static let weak = try! TestSigningKey.rsa("weak", bits: 1_024)
    static let p256 = TestSigningKey.p256("p256-1")
    static let p384 = TestSigningKey.p384("p384-1")
    static let ed25519 = TestSigningKey.ed25519("ed-1")
    static let stranger = TestSigningKey.p256("p256-1")

    static func set(_ jwks: String...) throws -> KeySet { try KeySet(json: TestKeySet.json(jwks)) }

    /// One of each kind.
    static let all: [TestSigningKey] = [rsa, p256, p384, ed25519]
    static func allInOne() throws -> KeySet { try KeySet(json: TestKeySet.json(of: all)) }
}

extension UserTokenRules {
    static let tests = UserTokenRules(issuer: TestUserToken.issuer, audience: TestUserToken.audience)

    /// What the pure part of the check makes of a token's text.
    func judge(_ text: String, by keys: KeySet, at now: Instant = noon) -> Verdict {
        do throws(UserTokenRefusal) {
            return judge(try SignedToken(text), by: keys, now: now)
        } catch {
            return .refused(error)
        }
    }
}

/// A token for the account `ada`.
func token(_ changes: [String: String?] = [:], header: [String: String?] = [:]) -> TestUserToken {
    TestUserToken("ada", now: noon).with(changes, header: header)
}
