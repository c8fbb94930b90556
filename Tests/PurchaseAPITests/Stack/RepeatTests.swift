import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@testable import vouch

@Suite("Repeats of a posted transaction")
struct RepeatTests {
    /// A purchase that Ada holds, posted at both processes, so that both have read its chain.
    private func known(_ stack: TestStack, _ replica: StackClient) async throws -> String {
        let id = try stack.bought()
        for api in [stack.api, replica, stack.api, replica] {
            let answer = try await api.post("ada", id)
            #expect(answer.status == 200 && answer.flag("finish"))
        }
        return id
    }

    @Test("a repeat costs one statement on the lane of lookups, none elsewhere, and no call to Apple")
    func cost() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            for _ in 0..<2 { #expect(try await stack.api.post("ada", id).status == 200) }
            let calls = stack.simulator.callsCount()
            func statements(_ lane: String) async throws -> Double {
                let scrape = MetricsStackTests.Scrape(await stack.metrics.render())
                return try #require(scrape["vouch_postgres_statements_total{lane=\"\(lane)\"}"])
            }
            // Reading the page of metrics asks the database too.
            let pages = [try await statements("read"), try await statements("read")]
            let before = (try await statements("read"), try await statements("lookup"), try await statements("commit"))
            let perPage = pages[1] - pages[0]
            for _ in 0..<10 { #expect(try await stack.api.post("ada", id).status == 200) }
            #expect(try await statements("lookup") - before.1 == 10)
            #expect(try await statements("commit") == before.2)
            #expect(try await statements("read") - before.0 == 5 * perPage)
            #expect(stack.simulator.callsCount() == calls)
        }
    }

    @Test("a refund that another process learnt of is in the next answer of this one")
    func refund() async throws {
        try await TestStack.with { stack in
            try await stack.withReplica { replica in
                let id = try await known(stack, replica)
                try stack.simulator.refund(id, SimulatedRefund(kind: .full))
                #expect(try await replica.recheck(id).state == "refunded")
                let answer = try await stack.api.post("ada", id)
                #expect(answer.stateAndReason == "refunded/refund_full" && !answer.flag("entitled"))
                #expect(try await stack.api.get("/v1/transactions/\(id)", as: .support).state == "refunded")
                #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            }
        }
    }

    @Test("after a transfer at another process the former holder is in conflict, and the new one holds")
    func transfer() async throws {
        try await TestStack.with { stack in
            try await stack.withReplica { replica in
                let id = try await known(stack, replica)
                let dispute = try await stack.api.post("bob", id)
                #expect(dispute.status == 409)
                let caseID = try #require(dispute.json?["caseId"]?.text)
                let resolved = try await replica.send(
                    .post, "/v1/cases/\(caseID)/resolve", as: .support,
                    json: #"{"outcome":"transferred","why":"seen the invoice"}"#)
                #expect(resolved.status == 200)
                #expect(try await stack.api.post("bob", id).status == 200)
                #expect(try await stack.api.post("ada", id).status == 409)
                #expect(try await replica.post("ada", id).status == 409)
            }
        }
    }

    @Test("an account that was erased at another process is nobody's any more: a repeat claims anew")
    func erase() async throws {
        try await TestStack.with { stack in
            try await stack.withReplica { replica in
                let id = try await known(stack, replica)
                let erased = try await replica.send(
                    .post, "/v1/accounts/ada/erase", as: .support, json: #"{"why":"request 7"}"#)
                #expect(erased.status == 200)
                let read = try await stack.api.get("/v1/transactions/\(id)", as: .support)
                #expect(read.status == 200 && read.json?["accountId"] == .null)
                let again = try await stack.api.post("ada", id)
                #expect(again.status == 200)
                let numbers = try await stack.rows("SELECT account_number::text FROM accounts ORDER BY 1")
                #expect(numbers.count == 2)
            }
        }
    }

    @Test("an override that support makes at another process is in the next read of entitlements")
    func override() async throws {
        try await TestStack.with { stack in
            try await stack.withReplica { replica in
                _ = try await known(stack, replica)
                #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
                let made = try await replica.send(
                    .post, "/v1/accounts/ada/overrides", as: .support,
                    json: #"{"key":"pro","effect":"withhold","why":"a chargeback"}"#)
                #expect(made.status == 201)
                #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            }
        }
    }

    @Test("a token that the app states with a repeat counts at once, and another post finds it")
    func token() async throws {
        try await TestStack.with { stack in
            try await stack.withReplica { replica in
                let id = try await known(stack, replica)
                let token = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
                let stated = try await replica.post("ada", id, extra: #","appAccountToken":"\#(token)""#)
                #expect(stated.status == 200)
                #expect(try await stack.rows("SELECT stated_token FROM accounts") == [[token]])
                #expect(try await stack.api.post("ada", id).status == 200)
                let number = try #require(try await stack.store.findAccount(AccountID("ada")))
                let chain = try await stack.store.standing(of: TransactionID(id), for: AccountID("ada")).chain
                #expect(chain?.erasable.accounts[number]?.token?.rawValue == token)
            }
        }
    }
}
