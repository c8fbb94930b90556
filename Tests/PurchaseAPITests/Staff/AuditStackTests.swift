import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The list of what people did")
struct AuditStackTests {
    private func audit(_ stack: TestStack, _ query: String = "") async throws -> [TestSupport.JSONValue] {
        let answer = try await stack.api.get("/v1/audit" + query, as: .support)
        #expect(answer.status == 200)
        return answer.json?["actions"]?.items ?? []
    }

    private func said(_ action: TestSupport.JSONValue) -> String {
        [
            "what", "outcome", "effect", "why", "transactionId", "accountId", "caseId", "overrideId", "key",
        ]
        .compactMap { action[$0]?.text }.joined(separator: " ")
    }

    /// One of each, about Ada's purchase, which Bob claims too.
    private func everything(_ stack: TestStack) async throws -> (id: String, caseID: String, overrideID: String) {
        let id = try stack.bought()
        _ = try await stack.api.post("ada", id)
        let caseID = try #require(try await stack.api.post("bob", id).json?["caseId"]?.text)
        #expect(try await stack.api.recheck(id).status == 200)
        _ = try await stack.api.send(
            .post, "/v1/cases/\(caseID)/resolve", as: .support, json: #"{"outcome":"transferred","why":"hers"}"#)
        let made = try await stack.api.send(
            .post, "/v1/accounts/cleo/overrides", as: .support,
            json: #"{"key":"pro","effect":"grant","why":"an outage"}"#)
        let overrideID = try #require(made.json?["id"]?.text)
        _ = try await stack.api.send(
            .delete, "/v1/accounts/cleo/overrides", as: .support,
            json: #"{"overrideId":"\#(overrideID)","why":"over"}"#)
        return (id, caseID, overrideID)
    }

    @Test("each action is there once, newest first, with who, why and what it is about")
    func all() async throws {
        try await TestStack.with { stack in
            let (id, caseID, overrideID) = try await everything(stack)
            let actions = try await audit(stack)
            #expect(
                actions.map(said) == [
                    "override_ended grant over cleo \(overrideID) pro",
                    "override_created grant an outage cleo \(overrideID) pro",
                    "case_resolved transferred hers bob \(caseID)", "recheck a test asks \(id)",
                ])
            #expect(actions.allSatisfy { $0["who"]?.text == "support-key" && $0["at"]?.text != nil })
            let positions = actions.compactMap { $0["position"]?.text.flatMap(Int64.init) }
            #expect(positions == positions.sorted(by: >) && Set(positions).count == 4)
        }
    }

    @Test("a recheck is listed when Apple says the same as before, and when Apple can't be asked")
    func recheckWithoutNews() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            #expect(try await stack.api.recheck(id).status == 200)
            #expect(try await stack.api.recheck("1\(id)").status == 404)
            #expect(try await audit(stack).map(said) == ["recheck a test asks \(id)"])
            let unknown = "7000000000000001"
            _ = try await stack.api.post("ada", unknown)
            _ = try await stack.api.recheck(unknown)
            #expect(
                try await audit(stack).map(said) == [
                    "recheck a test asks \(unknown)", "recheck a test asks \(id)",
                ])
        }
    }

    @Test("it is asked for by person, by account and page by page")
    func filters() async throws {
        try await TestStack.with { stack in
            let (id, caseID, _) = try await everything(stack)
            #expect(try await audit(stack, "?by=support-key").count == 4)
            #expect(try await audit(stack, "?by=somebody").isEmpty)
            let about = ["case_resolved transferred hers bob \(caseID)", "recheck a test asks \(id)"]
            #expect(try await audit(stack, "?accountId=ada").map(said) == about, "it holds no more, and has claimed")
            #expect(try await audit(stack, "?accountId=bob&by=support-key").map(said) == about)
            #expect(try await audit(stack, "?accountId=cleo").count == 2)
            #expect(try await audit(stack, "?accountId=nobody").isEmpty)
            var paged: [String] = []
            var query = "?limit=3"
            while true {
                let page = try await stack.api.get("/v1/audit" + query, as: .support)
                paged += (page.json?["actions"]?.items ?? []).map(said)
                guard let next = page.json?["nextCursor"]?.text else { break }
                query = "?limit=3&cursor=\(next)"
            }
            #expect(try await audit(stack).map(said) == paged)
            let faulty = try await stack.api.get("/v1/audit?by=&accountId=a%20b&cursor=x&limit=0", as: .support)
            #expect(Set(faulty.pointers) == ["/query/by", "/query/accountId", "/query/cursor", "/query/limit"])
            for role in [Role.app, .device, .finance, .admin] {
                #expect(try await stack.api.get("/v1/audit", as: role).status == 403)
            }
        }
    }

    @Test("a recheck of an id that turned out to belong to a known purchase is found under its account")
    func absorbed() async throws {
        try await TestStack.with { stack in
            let first = try stack.bought()
            _ = try await stack.api.post("ada", first)
            let second = try stack.simulator.restore(first).transactionID
            stack.simulator.setOutage(true)
            _ = try await stack.api.post("ada", second)
            _ = try await stack.api.recheck(second)
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            #expect(try await stack.count("SELECT count(*) FROM chains WHERE absorbed_by IS NOT NULL") == 1)
            #expect(
                try await audit(stack, "?accountId=ada").map(said) == ["recheck a test asks \(second)"])
        }
    }
}
