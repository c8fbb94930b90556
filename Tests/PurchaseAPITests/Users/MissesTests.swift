import AppStoreSimulator
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@testable import vouch

extension TestStack {
    /// Another process of the service over the same database, alive during the body.
    func withAnotherProcess(
        on setup: TestingSetup = .router, _ change: (inout Settings) -> Void = { _ in },
        _ body: @escaping @Sendable (StackClient) async throws -> Void
    ) async throws {
        var settings = settings
        change(&settings)
        let other = try await VouchStack.build(
            settings: settings, logger: TestDatabase.silent, now: { [clock] in clock.now })
        let (service, application) = (other.service, Application(router: other.router, logger: TestDatabase.silent))
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await service.pool.run() }
                group.addTask { try await application.test(setup) { try await body(StackClient(client: $0)) } }
                try await group.next()
                group.cancelAll()
            }
        } catch {
            await other.close()
            throw error
        }
        await other.close()
    }

    /// Transactions, accounts, and rows of the bound.
    fileprivate func sizes() async throws -> [[String?]] {
        try await rows(
            """
            SELECT (SELECT count(*) FROM transactions)::text, (SELECT count(*) FROM accounts)::text,
                (SELECT count(*) FROM unproven_posts)::text
            """)
    }

    fileprivate func notes() async throws -> Int64 { try await count("SELECT count(*) FROM unproven_posts") }
}

@Suite("Misses of device and user callers")
struct MissesTests {
    /// An id that Apple does not know.
    private static func made(_ number: Int) -> String { String(3_000_000_000_000_000 + number) }

    /// Posts made-up ids for an account until one is held up; how many were let in.
    private static func exhaust(
        _ api: StackClient, _ account: String, from first: Int = 0, atMost: Int = 40
    ) async throws -> Int {
        for number in 0..<atMost {
            let answer = try await api.post(account, made(first + number), as: .device)
            if answer.status == 429 { return number }
            #expect(answer.status == 202 && answer.reason == "not_found_yet")
        }
        return atMost
    }

    @Test("the eleventh id that Apple does not know is 429 for that account, says when, and stores nothing")
    func account() async throws {
        try await TestStack.with { stack in
            #expect(try await Self.exhaust(stack.api, "mallory") == 10)
            #expect(try await stack.sizes() == [["10", "1", "20"]])
            let held = try await stack.api.post("mallory", Self.made(99), as: .device)
            #expect(held.status == 429 && held.code == "rate-limited" && held.json?["finish"] == .bool(false))
            let pause = try #require(held.headers[.retryAfter].flatMap { Int($0) })
            #expect((3_000...3_600).contains(pause))
            #expect(try await stack.sizes() == [["10", "1", "20"]])
            // Others are served, and so is a signed purchase of the same account: it is no guess.
            #expect(try await stack.api.post("ada", Self.made(100), as: .device).status == 202)
            let bought = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            #expect(try await stack.api.post("mallory", signed: bought.signedTransaction).status == 200)
            // An hour later the misses are forgotten.
            stack.clock.advance(.seconds(Int64(pause) + 1))
            #expect(try await stack.api.post("mallory", Self.made(99), as: .device).status == 202)
        }
    }

    @Test("the bound is one for all processes, and survives a restart")
    func processes() async throws {
        try await TestStack.with { stack in
            for number in 0..<5 {
                #expect(try await stack.api.post("mallory", Self.made(number), as: .device).status == 202)
            }
            try await stack.withAnotherProcess { other in
                let letIn = try await Self.exhaust(other, "mallory", from: 5)
                #expect(letIn == 5)
            }
            #expect(try await stack.api.post("mallory", Self.made(20), as: .device).status == 429)
            try await stack.withAnotherProcess { restarted in
                let answer = try await restarted.post("mallory", Self.made(20), as: .device)
                #expect(answer.status == 429)
            }
        }
    }

    @Test("a genuine id costs nothing, however many are posted; a repeat costs nothing more")
    func genuine() async throws {
        try await TestStack.with { stack in
            for _ in 0..<15 {
                let id = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
                    .transactionID
                #expect(try await stack.api.post("ada", id, as: .device).status == 200)
                #expect(try await stack.api.post("ada", id, as: .device).status == 200)
            }
            #expect(try await stack.notes() == 0)
            for _ in 0..<15 {
                #expect(try await stack.api.post("ada", Self.made(1), as: .device).status == 202)
            }
            #expect(try await stack.notes() == 2)
        }
    }

    @Test("the app's server is not bounded, and leaves no trace here; nor do signed transactions")
    func unbounded() async throws {
        try await TestStack.with { stack in
            for number in 0..<12 {
                #expect(try await stack.api.post("ada", Self.made(number), as: .app).status == 202)
            }
            let bought = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            #expect(try await stack.api.post("ada", signed: bought.signedTransaction).status == 200)
            #expect(try await stack.notes() == 0)
        }
    }

    @Test("a miss is given back when Apple comes to know the id, whoever asked")
    func givenBack() async throws {
        try await TestStack.with { stack in
            let late = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
                .transactionID
            let fault = try stack.simulator.inject(
                SimulatedFault(.notFound(errorCode: 4_040_010), transactionID: late, times: nil))
            #expect(try await stack.api.post("ada", late, as: .device).reason == "not_found_yet")
            #expect(try await Self.exhaust(stack.api, "ada") == 9)
            #expect(stack.simulator.removeFault(fault))
            stack.clock.advance(.seconds(30))
            await stack.recheckUntilQuiet()
            #expect(try await stack.api.get("/v1/transactions/\(late)", as: .support).state == "paid")
            #expect(try await stack.api.post("ada", Self.made(50), as: .device).status == 202)
            #expect(try await stack.api.post("ada", Self.made(51), as: .device).status == 429)
            // What is proven is never held up, also while the account is at its bound.
            #expect(try await stack.api.post("ada", late, as: .device).status == 200)
        }
    }

    @Test("an outage of Apple's makes no misses: ids without an answer count for a minute")
    func outage() async throws {
        try await TestStack.with { stack in
            _ = try stack.simulator.inject(SimulatedFault(.serverError(errorCode: nil, status: 503), times: nil))
            for number in 0..<10 {
                let answer = try await stack.api.post("ada", Self.made(number), as: .device)
                #expect(answer.reason == "app_store_unavailable")
            }
            let held = try await stack.api.post("ada", Self.made(10), as: .device)
            #expect(held.status == 429)
            let pause = try #require(held.headers[.retryAfter].flatMap { Int($0) })
            #expect((1...60).contains(pause))
            stack.clock.advance(.seconds(61))
            #expect(try await stack.api.post("ada", Self.made(10), as: .device).status == 202)
        }
    }

    @Test("a publishable key is bounded whatever accounts are invented for it; another key is not")
    func key() async throws {
        try await TestStack.with { stack in
            for number in 0..<150 {
                let answer = try await stack.api.post("invented-\(number)", Self.made(number), as: .device)
                #expect(answer.status == 202)
            }
            #expect(try await stack.api.post("one-more", Self.made(150), as: .device).status == 429)
            let digest = KeyText.sha256(of: "second")
            try await stack.database.withOwnerClient { client in
                _ = try await client.query(
                    "INSERT INTO keys (name, roles, sha256) VALUES ('second', ARRAY['device'], \(digest))")
            }
            let other = try await stack.api.send(
                .post, "/v1/transactions", as: nil, json: #"{"accountId":"x","transactionId":"\#(Self.made(150))"}"#,
                headers: [.authorization: "Bearer second"])
            #expect(other.status == 202)
        }
    }

    @Test("a network is bounded, found behind the trusted proxy and nowhere else")
    func network() async throws {
        try await TestStack.with { stack in
            let proxies = ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }
            try await stack.withAnotherProcess(on: .live, { $0.trustedProxies = proxies }) { api in
                func post(_ number: Int, from forwarded: String) async throws -> Int {
                    let name = try #require(HTTPField.Name("X-Forwarded-For"))
                    return try await api.send(
                        .post, "/v1/transactions", as: .device,
                        json: #"{"accountId":"invented-\#(number)","transactionId":"\#(Self.made(number))"}"#,
                        headers: [name: forwarded]
                    ).status
                }
                // What the caller itself claims to be forwarded changes nothing.
                var statuses: [Int] = []
                for number in 0...30 {
                    statuses.append(try await post(number, from: "192.0.2.\(number), 198.51.100.7"))
                }
                #expect(statuses == Array(repeating: 202, count: 30) + [429])
                let elsewhere = try await post(31, from: "198.51.100.8")
                #expect(elsewhere == 202)
            }
            // Without a trusted proxy all of them come from one place.
            try await stack.withAnotherProcess(on: .live) { api in
                let name = try #require(HTTPField.Name("X-Forwarded-For"))
                var statuses: [Int] = []
                for number in 100..<131 {
                    statuses.append(
                        try await api.send(
                            .post, "/v1/transactions", as: .device,
                            json: #"{"accountId":"more-\#(number)","transactionId":"\#(Self.made(number))"}"#,
                            headers: [name: "198.51.100.\(number)"]
                        ).status)
                }
                #expect(statuses == Array(repeating: 202, count: 30) + [429])
            }
        }
    }

    @Test("signed-in users are bounded by their account")
    func users() async throws {
        try await KeySetServer(providerKey).serve { url in
            try await TestStack.with(userSettings(keys: url)) { stack in
                let token = try stack.token("ada")
                for number in 0..<10 {
                    #expect(try await stack.api.post("ada", Self.made(number), token: token).status == 202)
                }
                #expect(try await stack.api.post("ada", Self.made(10), token: token).status == 429)
                // The account is the same, whoever posts for it, but its own server is trusted.
                #expect(try await stack.api.post("ada", Self.made(10), as: .device).status == 429)
                #expect(try await stack.api.post("ada", Self.made(10), as: .app).status == 202)
            }
        }
    }

    @Test("the table names nobody, and forgets what is past within a few posts")
    func table() async throws {
        try await TestStack.with { stack in
            for number in 0..<8 { _ = try await stack.api.post("mallory", Self.made(number), as: .device) }
            let rows = try await stack.rows("SELECT poster, transaction_id FROM unproven_posts")
            #expect(rows.count == 16)
            for row in rows { #expect(row[0]?.wholeMatch(of: /[0-9a-f]{32}/) != nil) }
            stack.clock.advance(.hours(1))
            _ = try await stack.api.post("ada", Self.made(20), as: .device)
            #expect(try await stack.notes() == 2)
        }
    }
}
