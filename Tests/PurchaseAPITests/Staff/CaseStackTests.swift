import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Cases, through the whole stack")
struct CaseStackTests {
    /// A purchase that Ada holds and Bob claims too; the id, and Bob's case.
    private func dispute(
        _ stack: TestStack, _ product: String = "pro", _ type: SimulatedProductType = .nonConsumable
    ) async throws -> (id: String, caseID: String) {
        let id = try stack.bought(product, type)
        #expect(try await stack.api.post("ada", id).status == 200)
        let refused = try await stack.api.post("bob", id)
        #expect(refused.status == 409)
        return (id, try #require(refused.json?["caseId"]?.text))
    }

    private func resolve(
        _ stack: TestStack, _ id: String, _ outcome: String, why: String = "seen the invoice"
    )
        async throws -> EdgeAnswer
    {
        try await stack.api.send(
            .post, "/v1/cases/\(id)/resolve", as: .support, json: #"{"outcome":"\#(outcome)","why":"\#(why)"}"#)
    }

    @Test("support finds an open case with both accounts, transfers it, and both accounts hear of it")
    func transfer() async throws {
        try await TestStack.with { stack in
            let (id, caseID) = try await dispute(stack)
            stack.clock.advance(.hours(2))
            let listed = try await stack.api.get("/v1/cases", as: .support)
            let open = try #require(listed.json?["cases"]?.items?.first)
            #expect(listed.json?["cases"]?.items?.count == 1)
            #expect(open["id"]?.text == caseID && open["status"]?.text == "open" && open["outcome"] == .null)
            #expect(open["claimant"]?["accountId"]?.text == "bob")
            #expect(open["holder"]?["accountId"]?.text == "ada")
            #expect(open["transactions"]?.items?.compactMap { $0["transactionId"]?.text } == [id])
            let age = try #require(open["ageSeconds"]?.whole)
            #expect(age >= 7_200)

            let closed = try await resolve(stack, caseID, "transferred")
            #expect(closed.status == 200)
            #expect(closed.json?["status"]?.text == "resolved" && closed.json?["outcome"]?.text == "transferred")
            #expect(closed.json?["resolvedBy"]?.text == "support-key")
            #expect(closed.json?["why"]?.text == "seen the invoice")
            #expect(closed.json?["holder"]?["accountId"]?.text == "bob")

            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            #expect(try await stack.api.get("/v1/accounts/bob/entitlements").activeKeys == ["pro"])
            let own = try await stack.api.post("bob", id)
            #expect(own.status == 200 && own.flag("finish"))
            let lost = try await stack.api.post("ada", id)
            #expect(lost.status == 409)
            #expect(lost.json?["caseId"]?.text != caseID)

            let changes = try await stack.api.get("/v1/changes").json?["changes"]?.items ?? []
            let said = changes.suffix(5).map { change in
                let data = change["data"]
                return "\(change["kind"]?.text ?? "") \(change["accountId"]?.text ?? "-") "
                    + (data?["outcome"]?.text ?? data?["reason"]?.text ?? data?["status"]?.text ?? "")
                    + (data?["ended"] == .bool(true) ? " ended" : "")
            }
            #expect(
                said == [
                    "case bob open", "case ada refused", "case bob transferred", "entitlement ada unclaimed ended",
                    "entitlement bob paid",
                ])
            #expect(try await stack.api.get("/v1/cases", as: .support).json?["cases"]?.items?.isEmpty == true)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("who and why are in the ledger: the key's name in the event, the words under a number")
    func whoAndWhy() async throws {
        try await TestStack.with { stack in
            let (id, caseID) = try await dispute(stack)
            _ = try await resolve(stack, caseID, "refused", why: "no receipt")
            let events = try await stack.api.get("/v1/transactions/\(id)/events", as: .support)
            let last = try #require(events.json?["events"]?.items?.last)
            #expect(last["actor"]?.text == "support-key")
            #expect(last["input"]?.text == "staff_action" && last["rule"]?.text == "case_resolved")
            let number = try #require(last["changes"]?.items?.first?["reasonNumber"]?.whole)
            #expect(
                try await stack.rows("SELECT words FROM reasons WHERE reason_number = \(number)") == [["no receipt"]])
            #expect(!events.text.contains("no receipt"))

            let again = try await resolve(stack, caseID, "refused", why: "again")
            #expect(again.json?["why"]?.text == "no receipt", "a repeat changes nothing")
            #expect(try await stack.count("SELECT count(*) FROM reasons") == 1)
            #expect(try await stack.api.post("bob", id).status == 409)
            #expect(try await stack.count("SELECT count(*) FROM cases") == 1)
        }
    }

    @Test("an open delivery is made anew, an acknowledged one stays, and a mistake is corrected")
    func deliveries() async throws {
        try await TestStack.with { stack in
            let (_, first) = try await dispute(stack, "coins", .consumable)
            let credited = try #require(try await stack.api.get("/v1/accounts/ada/grants").grants.first?.id)
            _ = try await stack.api.send(.post, "/v1/grants/\(credited)/acknowledge")
            let (_, second) = try await dispute(stack, "coins", .consumable)
            for id in [first, second] { #expect(try await resolve(stack, id, "transferred").status == 200) }
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.isEmpty)
            #expect(try await stack.api.get("/v1/accounts/bob/grants").grants.map(\.kind) == ["reinstatement"])
            for id in [first, second] { #expect(try await resolve(stack, id, "refused").status == 200) }
            #expect(try await stack.api.get("/v1/accounts/bob/grants").grants.isEmpty)
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.count == 1)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("people who disagree at the same moment leave one holder and a ledger that replays")
    func concurrent() async throws {
        try await TestStack.with { stack in
            let (_, caseID) = try await dispute(stack)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        try await resolve(stack, caseID, number.isMultiple(of: 2) ? "transferred" : "refused").status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(try await stack.count("SELECT count(*) FROM claims WHERE status = 'held'") == 1)
            #expect(try await stack.count("SELECT count(*) FROM entitlements") == 1)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("cases are listed page by page, oldest first, and by account")
    func pages() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            for number in 0..<5 {
                stack.clock.advance(.minutes(1))
                _ = try await stack.api.post("other-\(number)", id)
            }
            var accounts: [String] = []
            var query = "?limit=2"
            while true {
                let page = try await stack.api.get("/v1/cases" + query, as: .support)
                accounts += (page.json?["cases"]?.items ?? []).compactMap { $0["claimant"]?["accountId"]?.text }
                guard let next = page.json?["nextCursor"]?.text else { break }
                query = "?limit=2&cursor=\(next)"
            }
            #expect(accounts == (0..<5).map { "other-\($0)" })
            for (account, count) in [("ada", 5), ("other-3", 1), ("nobody", 0)] {
                let found = try await stack.api.get("/v1/cases?accountId=\(account)", as: .support)
                #expect(found.json?["cases"]?.items?.count == count, "\(account)")
            }
            #expect(try await stack.api.get("/v1/cases?status=resolved", as: .support).json?["cases"]?.items == [])
            #expect(try await stack.api.get("/v1/cases/case-production-1-1", as: .support).status == 404)
            #expect(try await resolve(stack, "case-production-1-1", "refused").status == 404)
            #expect(try await stack.api.get("/v1/cases", as: .app).status == 403)
        }
    }
}
