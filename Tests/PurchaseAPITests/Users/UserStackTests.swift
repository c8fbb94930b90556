import AppStoreSimulator
import Foundation
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@testable import vouch

extension TestStack {
    /// A token of the provider for an account, good for a year of the stack's time.
    func token(_ account: String, by key: TestSigningKey = providerKey) throws -> String {
        let end = clock.now.millisecondsSince1970 / 1_000 + 366 * 86_400
        return try TestUserToken(account, now: clock.now).with(["exp": String(end)]).signed(by: key)
    }
}

extension StackClient {
    func get(_ path: String, token: String, at location: SourceLocation = #_sourceLocation) async throws -> EdgeAnswer {
        try await get(path, as: nil, headers: [.authorization: "Bearer " + token], at: location)
    }

    func post(
        _ account: String, _ id: String, token: String, at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await send(
            .post, "/v1/transactions", as: nil, json: #"{"accountId":"\#(account)","transactionId":"\#(id)"}"#,
            headers: [.authorization: "Bearer " + token], at: location)
    }
}

@Suite("Signed-in users")
struct UserStackTests {
    @Test("a user posts and reads its own, and nobody else's is there for it")
    func ownAccount() async throws {
        try await KeySetServer(providerKey).serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let purchase = SimulatedPurchase(productID: "pro", type: .nonConsumable)
                let id = try stack.simulator.purchase(purchase).transactionID
                let (ada, bob) = (try stack.token("ada"), try stack.token("bob"))
                let posted = try await stack.api.post("ada", id, token: ada)
                #expect(posted.status == 200 && posted.flag("finish"))
                #expect(try await stack.api.get("/v1/transactions/\(id)", token: ada).status == 200)
                #expect(try await stack.api.get("/v1/accounts/ada/entitlements", token: ada).activeKeys == ["pro"])

                #expect(try await stack.api.post("ada", id, token: bob).status == 404)
                #expect(try await stack.api.get("/v1/transactions/\(id)", token: bob).status == 404)
                #expect(try await stack.api.get("/v1/accounts/ada/entitlements", token: bob).status == 404)
                // Bob's own post of it is a conflict, which shows him nothing of ada's.
                let claimed = try await stack.api.post("bob", id, token: bob)
                #expect(claimed.status == 409)
                let seen = try await stack.api.get("/v1/transactions/\(id)", token: bob)
                #expect(seen.status == 200 && !seen.text.contains("ada"))
                // Roles that a user doesn't have.
                for path in ["/v1/transactions/\(id)/events", "/v1/accounts/ada/grants", "/v1/changes", "/v1/coverage"]
                {
                    #expect(try await stack.api.get(path, token: ada).status == 403, "\(path)")
                }
            }
        }
    }

    @Test("a UUID is the same account however the token spells it")
    func uuid() async throws {
        let account = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
        try await KeySetServer(providerKey).serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let id = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
                    .transactionID
                let token = try stack.token(account)
                #expect(try await stack.api.post(account.lowercased(), id, token: token).status == 200)
                #expect(
                    try await stack.api.get("/v1/accounts/\(account)/entitlements", token: token).activeKeys == ["pro"])
            }
        }
    }

    @Test("the ledger calls a user `user`: nothing append-only names a person, and no row holds a token")
    func actor() async throws {
        try await KeySetServer(providerKey).serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let id = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
                    .transactionID
                let token = try stack.token("ada.lovelace@example.com")
                #expect(try await stack.api.post("ada.lovelace@example.com", id, token: token).status == 200)
                let actors = try await stack.rows("SELECT DISTINCT actor FROM events WHERE input = 'claim'")
                #expect(actors == [["user"]])
                let events = try await stack.rows("SELECT jsonb_agg(e)::text FROM events e")
                #expect(!events.description.contains("lovelace"))
                let claimant = try await stack.rows(
                    """
                    SELECT a.account_id FROM events e JOIN accounts a ON jsonb_path_exists(
                        e.entries, '$.**.account ? (@ == $n)', jsonb_build_object('n', a.account_number))
                    WHERE e.input = 'claim'
                    """)
                #expect(claimant == [["ada.lovelace@example.com"]])
            }
        }
    }

    @Test("a bad token is 401, stores nothing, and is never looked up as a key")
    func badTokens() async throws {
        try await KeySetServer(providerKey).serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let now = stack.clock.now
                let good = TestUserToken("ada", now: now)
                let seconds = now.millisecondsSince1970 / 1_000
                let stranger = TestSigningKey.p256(providerKey.id)
                var bad = [
                    good.unsigned(algorithm: "none", keyID: providerKey.id), try good.signed(by: stranger),
                    try good.with(["aud": #""other""#]).signed(by: providerKey),
                    try good.with(["iss": #""https://evil.example""#]).signed(by: providerKey),
                    try good.with(["exp": String(seconds - 61)]).signed(by: providerKey),
                    try good.with(["nbf": String(seconds + 600)]).signed(by: providerKey),
                    try good.with(["sub": #""not an account""#]).signed(by: providerKey),
                    try good.signed(by: .p256("unknown")), "a.b.c",
                ]
                bad += providerKey.publicForms.map {
                    good.authenticated(with: $0, as: "HS256", keyID: providerKey.id)
                }
                for token in bad {
                    let answer = try await stack.api.post("ada", "2000000000000001", token: token)
                    #expect(answer.status == 401, "\(token)")
                    #expect(answer.headers[.wwwAuthenticate] == #"Bearer error="invalid_token""#)
                }
                #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
                #expect(try await stack.count("SELECT count(*) FROM accounts") == 0)
                // A key of the database whose text looks like a token is no key.
                let text = "vouch_a.b.c"
                let digest = KeyText.sha256(of: text)
                try await stack.database.withOwnerClient { client in
                    _ = try await client.query(
                        "INSERT INTO keys (name, roles, sha256) VALUES ('dotted', ARRAY['support'], \(digest))")
                }
                #expect(try await stack.api.get("/v1/coverage", token: text).status == 401)
                let page = await stack.metrics.render()
                #expect(page.contains(#"vouch_user_tokens_total{outcome="algorithm_not_allowed"}"#))
                #expect(page.contains(#"vouch_user_key_fetches_total{outcome="read"}"#))
            }
        }
    }

    @Test("without an identity provider every token is 401")
    func switchedOff() async throws {
        try await TestStack.with { stack in
            let token = try stack.token("ada")
            let answer = try await stack.api.get("/v1/accounts/ada/entitlements", token: token)
            #expect(answer.status == 401)
        }
    }

    @Test("a new key of the provider counts without a restart, and an old one ends")
    func rotation() async throws {
        let server = KeySetServer(providerKey)
        try await server.serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let path = "/v1/accounts/ada/entitlements"
                let new = TestSigningKey.ed25519("provider-2")
                let (byOld, byNew) = (try stack.token("ada"), try stack.token("ada", by: new))
                #expect(try await stack.api.get(path, token: byOld).status == 200)
                #expect(try await stack.api.get(path, token: byNew).status == 401)
                server.publish(new)
                stack.clock.advance(.seconds(11))
                #expect(try await stack.api.get(path, token: byNew).status == 200)
                #expect(try await stack.api.get(path, token: byOld).status == 401)
            }
        }
    }

    @Test("a service starts without the provider; its users wait with 503, and others don't notice")
    func outage() async throws {
        let server = KeySetServer(providerKey)
        server.answer(.status(.internalServerError))
        try await server.serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let path = "/v1/accounts/ada/entitlements"
                let token = try stack.token("ada")
                let answer = try await stack.api.get(path, token: token)
                #expect(answer.status == 503 && answer.code == "overloaded")
                #expect(answer.headers[.retryAfter] == "5")
                #expect(try await stack.api.post("ada", "2000000000000001", token: token).status == 503)
                #expect(try await stack.api.get(path, as: .app).status == 200)
                // Answers that are no set, or that point elsewhere.
                let good = TestKeySet.json(of: [providerKey])
                let padding = Array(repeating: UInt8(ascii: " "), count: 128 << 10)
                for bad in [
                    KeySetServer.Answer.redirect(good), .document(Array("<html>".utf8)), .document(good + padding),
                    .document(TestKeySet.json([])),
                ] {
                    server.answer(bad)
                    stack.clock.advance(.seconds(11))
                    #expect(try await stack.api.get(path, token: token).status == 503)
                }
                server.publish(providerKey)
                stack.clock.advance(.seconds(11))
                #expect(try await stack.api.get(path, token: token).status == 200)
                // From now on an outage is bridged, for a day.
                server.answer(.status(.serviceUnavailable))
                stack.clock.advance(.hours(23))
                #expect(try await stack.api.get(path, token: token).status == 200)
                stack.clock.advance(.hours(2))
                #expect(try await stack.api.get(path, token: token).status == 503)
            }
        }
    }

    @Test("a file of keys is read again when it has changed")
    func file() async throws {
        let fixture = try SettingsFixture()
        let path = try fixture.write(
            String(decoding: TestKeySet.json(of: [providerKey]), as: UTF8.self), to: "keys.json")
        try await TestStack.with(userSettings(keys: path)) { stack in
            let url = "/v1/accounts/ada/entitlements"
            let new = TestSigningKey.p384("provider-2")
            let (byOld, byNew) = (try stack.token("ada"), try stack.token("ada", by: new))
            #expect(try await stack.api.get(url, token: byOld).status == 200)
            try Data(TestKeySet.json(of: [new])).write(to: URL(filePath: path))
            stack.clock.advance(.seconds(61))
            #expect(try await stack.api.get(url, token: byOld).status == 401)
            #expect(try await stack.api.get(url, token: byNew).status == 200)
        }
        withExtendedLifetime(fixture) {}
    }
}
