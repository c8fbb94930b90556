import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Overrides, through the whole stack")
struct OverrideStackTests {
    private func make(
        _ stack: TestStack, _ account: String, _ effect: String = "grant", key: String = "pro", extra: String = ""
    ) async throws -> EdgeAnswer {
        try await stack.api.send(
            .post, "/v1/accounts/\(account)/overrides", as: .support,
            json: #"{"key":"\#(key)","effect":"\#(effect)","why":"an outage"\#(extra)}"#)
    }

    private func end(_ stack: TestStack, _ account: String, _ id: String) async throws -> EdgeAnswer {
        try await stack.api.send(
            .delete, "/v1/accounts/\(account)/overrides", as: .support,
            json: #"{"overrideId":"\#(id)","why":"a mistake"}"#)
    }

    private func first(_ stack: TestStack, _ account: String) async throws -> TestSupport.JSONValue? {
        try await stack.api.get("/v1/accounts/\(account)/entitlements").json?["entitlements"]?.items?.first
    }

    @Test("goodwill for an account that never bought: given, listed with who and why, ended")
    func goodwill() async throws {
        try await TestStack.with { stack in
            let made = try await make(stack, "ada")
            #expect(made.status == 201)
            let id = try #require(made.json?["id"]?.text)
            #expect(made.json?["madeBy"]?.text == "support-key" && made.json?["why"]?.text == "an outage")
            #expect(made.flag("active"))
            let right = try #require(try await first(stack, "ada"))
            #expect(right["active"] == .bool(true) && right["reason"]?.text == "override")
            #expect(right["overrideId"]?.text == id)
            for name in ["productId", "transactionId", "originalTransactionId", "until"] {
                #expect(right[name] == .null, "\(name)")
            }
            let again = try await make(stack, "ada")
            #expect(again.status == 200)
            #expect(again.json?["id"]?.text == id)
            #expect(try await stack.count("SELECT count(*) FROM reasons") == 1)

            stack.clock.advance(.minutes(1))
            let ended = try await end(stack, "ada", id)
            #expect(ended.status == 200)
            #expect(ended.json?["endedBy"]?.text == "support-key" && ended.json?["endedWhy"]?.text == "a mistake")
            #expect(!ended.flag("active"))
            #expect(try await first(stack, "ada") == nil)
            #expect(try await end(stack, "ada", id).json == ended.json, "ending again changes nothing")
            #expect(try await make(stack, "ada").status == 201)
            let listed = try await stack.api.get("/v1/accounts/ada/overrides?limit=1", as: .support)
            #expect(listed.json?["overrides"]?.items?.first?["id"]?.text != id, "newest first")
            let next = try #require(listed.json?["nextCursor"]?.text)
            let rest = try await stack.api.get("/v1/accounts/ada/overrides?limit=1&cursor=\(next)", as: .support)
            #expect(rest.json?["overrides"]?.items == ended.json.map { [$0] })
            #expect(rest.json?["nextCursor"] == .null)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a withholding hides what was bought, touches neither state nor money, and gives it back at its end")
    func withheld() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            let before = try await stack.api.get("/v1/transactions/\(id)", as: .support).json
            let money = try await stack.rows("SELECT row_id, amount_milliunits::text FROM movements")
            let made = try await make(stack, "ada", "withhold")
            let right = try #require(try await first(stack, "ada"))
            #expect(right["active"] == .bool(false) && right["reason"]?.text == "withheld")
            #expect(try await stack.api.get("/v1/transactions/\(id)", as: .support).json == before)
            #expect(try await stack.rows("SELECT row_id, amount_milliunits::text FROM movements") == money)
            let query = try await stack.api.send(
                .post, "/v1/entitlements/query", json: #"{"accountIds":["ada","bob"]}"#)
            #expect(query.json?["accounts"]?.items?.first?["entitlements"]?.items == [right])
            _ = try await end(stack, "ada", try #require(made.json?["id"]?.text))
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
        }
    }

    @Test("an override ends at its time without anybody, in the list and for the entity tag")
    func ends() async throws {
        try await TestStack.with { stack in
            let made = try await make(stack, "ada", extra: #","until":"2199-01-01T00:00:00Z","environment":"Sandbox""#)
            #expect(made.json?["until"]?.text == "2199-01-01T00:00:00.000Z")
            #expect(try await first(stack, "ada")?["environment"]?.text == "Sandbox")
            let tag = try #require(try await stack.api.get("/v1/accounts/ada/entitlements").headers[.eTag])
            stack.clock.advance(.days(400 * 365))
            let later = try await stack.api.get(
                "/v1/accounts/ada/entitlements", headers: [.ifNoneMatch: tag])
            #expect(later.status == 200)
            #expect(later.json?["entitlements"]?.items == [])
            let listed = try await stack.api.get("/v1/accounts/ada/overrides", as: .support)
            #expect(listed.json?["overrides"]?.items?.first?["active"] == .bool(false))
        }
    }

    @Test("the feed tells of each override made and ended, so that a consumer can follow")
    func feed() async throws {
        try await TestStack.with { stack in
            let id = try #require(try await make(stack, "ada", "withhold").json?["id"]?.text)
            _ = try await end(stack, "ada", id)
            let changes = try await stack.api.get("/v1/changes").json?["changes"]?.items ?? []
            #expect(changes.map { $0["kind"]?.text } == ["entitlement", "entitlement"])
            #expect(changes.allSatisfy { $0["transactionId"] == .null && $0["accountId"]?.text == "ada" })
            #expect(changes.allSatisfy { $0["data"]?["overrideId"]?.text == id })
            #expect(changes.allSatisfy { $0["data"]?["effect"]?.text == "withhold" })
            #expect(changes.allSatisfy { $0["data"]?["active"] == .bool(false) })
            #expect(changes.map { $0["data"]?["ended"] } == [.bool(false), .bool(true)])
            #expect(changes.map { $0["data"]?["reason"]?.text } == ["withheld", nil])
        }
    }

    @Test("many who give the same at once give it once; different ones get numbers of their own")
    func concurrent() async throws {
        try await TestStack.with { stack in
            try await stack.withReplica { replica in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<16 {
                        let api = number.isMultiple(of: 2) ? stack.api : replica
                        let key = number < 8 ? "same" : "key-\(number)"
                        group.addTask {
                            try await api.send(
                                .post, "/v1/accounts/ada/overrides", as: .support,
                                json: #"{"key":"\#(key)","effect":"grant","why":"a test"}"#
                            ).status
                        }
                    }
                    var statuses: [Int] = []
                    for try await status in group { statuses.append(status) }
                    #expect(statuses.count { $0 == 201 } == 9 && statuses.count { $0 == 200 } == 7)
                }
            }
            #expect(try await stack.count("SELECT count(*) FROM overrides") == 9)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a hundred are in force at most: the next one is a 409, and an ended one makes room")
    func bounded() async throws {
        try await TestStack.with { stack in
            var last = ""
            for number in 0..<Override.liveMax {
                let made = try await make(stack, "ada", key: "key-\(number)")
                #expect(made.status == 201)
                last = made.json?["id"]?.text ?? ""
            }
            let refused = try await make(stack, "ada")
            #expect(refused.status == 409 && refused.code == "override-limit")
            #expect(try await make(stack, "bob").status == 201, "the bound is each account's own")
            _ = try await end(stack, "ada", last)
            #expect(try await make(stack, "ada").status == 201)
        }
    }

    @Test("an override is found under its own account alone, and by support alone")
    func access() async throws {
        try await TestStack.with { stack in
            let id = try #require(try await make(stack, "ada").json?["id"]?.text)
            _ = try await make(stack, "bob")
            #expect(try await end(stack, "bob", id).status == 404)
            #expect(try await end(stack, "nobody", id).status == 404)
            #expect(try await end(stack, "ada", "override-1-99").status == 404)
            #expect(try await stack.api.get("/v1/accounts/nobody/overrides", as: .support).status == 200)
            #expect(try await stack.api.get("/v1/accounts/ada/overrides", as: .app).status == 403)
        }
    }
}
