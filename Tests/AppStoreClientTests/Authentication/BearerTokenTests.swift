import Crypto
import Foundation
import JWTKit
import PurchaseCore
import Synchronization
import Testing

@testable import AppStoreClient

@Suite("Bearer token")
struct BearerTokenTests {
    private func makeSource(_ clock: ManualClock) throws -> BearerTokenSource {
        BearerTokenSource(
            issuerID: "issuer", keyID: "KEY1", bundleID: BundleID("com.Example.App"),
            key: try InAppPurchaseKey(pem: testSigningKey.pemRepresentation), now: { clock.now })
    }

    @Test("it is an ES256 JWT with exactly Apple's header and claims, signed by the key")
    func contents() async throws {
        let clock = ManualClock()
        let token = try await makeSource(clock).token()
        let parts = token.value.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        try #require(parts.count == 3)
        let header = try #require(try JSONSerialization.jsonObject(with: decoded(parts[0])) as? [String: String])
        #expect(header == ["alg": "ES256", "kid": "KEY1", "typ": "JWT"])
        let claims = try #require(try JSONSerialization.jsonObject(with: decoded(parts[1])) as? [String: Any])
        #expect(Set(claims.keys) == ["iss", "iat", "exp", "aud", "bid"])
        #expect(claims["iss"] as? String == "issuer")
        #expect(claims["aud"] as? String == "appstoreconnect-v1")
        #expect(claims["bid"] as? String == "com.Example.App")
        let now = Int(ManualClock.start.millisecondsSince1970 / 1_000)
        #expect(claims["iat"] as? Int == now - 60)
        #expect(claims["exp"] as? Int == now - 60 + 900)
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: decoded(parts[2]))
        let signed = Data((parts[0] + "." + parts[1]).utf8)
        #expect(testSigningKey.publicKey.isValidSignature(signature, for: signed))
    }

    @Test("JWTKit's own verifier accepts it")
    func independentVerifier() async throws {
        let token = try await makeSource(ManualClock()).token()
        let keys = await JWTKeyCollection().add(
            ecdsa: try ES256PublicKey(pem: testSigningKey.publicKey.pemRepresentation), kid: "KEY1")
        let claims = try await keys.verify(token.value, as: BearerClaims.self)
        #expect(claims.aud == "appstoreconnect-v1")
    }

    @Test("one token serves until five minutes before its end, then a new one is signed")
    func renewal() async throws {
        let clock = ManualClock()
        let source = try makeSource(clock)
        let first = try await source.token()
        clock.advance(by: .seconds(540 - 1))
        #expect(try await source.token().serial == first.serial)
        clock.advance(by: .seconds(1))
        let second = try await source.token()
        #expect(second.serial != first.serial)
        #expect(second.expiresAt == clock.now + .seconds(840))
    }

    @Test("a clock that is set back gives a new token, not one from the future")
    func clockSetBack() async throws {
        let wall = Mutex(ManualClock.start)
        let source = BearerTokenSource(
            issuerID: "issuer", keyID: "KEY1", bundleID: BundleID("b"),
            key: try InAppPurchaseKey(pem: testSigningKey.pemRepresentation), now: { wall.withLock { $0 } })
        let first = try await source.token()
        wall.withLock { $0 = ManualClock.start - .hours(2) }
        let second = try await source.token()
        #expect(second.serial != first.serial)
        #expect(second.expiresAt < first.expiresAt)
    }

    @Test("a refused token is replaced once a minute, however many calls were refused with it")
    func replacement() async throws {
        let clock = ManualClock()
        let source = try makeSource(clock)
        let first = try await source.token()
        let fresh = try #require(try await source.replacement(for: first))
        #expect(fresh.serial > first.serial)
        #expect(try await source.replacement(for: first)?.serial == fresh.serial)
        #expect(try await source.replacement(for: fresh) == nil)
        clock.advance(by: .seconds(60))
        let third = try #require(try await source.replacement(for: fresh))
        #expect(third.serial > fresh.serial)
    }

    @Test("a token never prints itself")
    func redaction() async throws {
        let token = try await makeSource(ManualClock()).token()
        var dumped = ""
        dump(token, to: &dumped)
        for text in ["\(token)", String(reflecting: token), dumped] { #expect(!text.contains(token.value)) }
    }

    private func decoded(_ text: String) throws -> Data {
        let padded =
            text.replacing("-", with: "+").replacing("_", with: "/")
            + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return try #require(Data(base64Encoded: padded))
    }
}
