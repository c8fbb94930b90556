import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Signed proof for support")
struct EvidenceListTests {
    private static func proof(
        _ stack: TestStack, _ id: String, _ query: String = ""
    ) async throws -> (answer: EdgeAnswer, items: [TestSupport.JSONValue]) {
        let answer = try await stack.api.get("/v1/transactions/\(id)/evidence\(query)", as: .support)
        return (answer, answer.json?["evidence"]?.items ?? [])
    }

    @Test("an item has Apple's text as it came, its three certificates, and steps that can be checked again")
    func complete() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let signed = try stack.simulator.signedTransaction(id)
            _ = try await stack.api.post("ada", signed: signed)
            let (answer, items) = try await Self.proof(stack, id)
            #expect(answer.status == 200 && answer.json?["nextCursor"] == .null)
            #expect(Set(items.map { $0["standing"]?.text }) == ["deciding", "device"])
            let device = try #require(items.first { $0["source"]?.text == "device" })
            #expect(device["jws"]?.text == signed)
            for item in items {
                let certificates = item["certificates"]?.items ?? []
                #expect(certificates.count == 3)
                #expect(certificates.allSatisfy { $0["subject"]?.text?.contains("CN=") == true })
                #expect(certificates[0]["issuer"] == certificates[1]["subject"])
                #expect(certificates.allSatisfy { $0["serialNumber"]?.text?.isEmpty == false })
                #expect(item["verification"]?["result"]?.text == "passed")
                let steps = item["verification"]?["steps"]?.items ?? []
                #expect(steps.first?["step"]?.text == "digest" && steps.last?["step"]?.text == "ocsp")
                #expect(steps.dropLast().allSatisfy { $0["result"]?.text == "passed" })
            }
        }
    }

    @Test("after a refund the refund decides, and what decided before is stale")
    func standing() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            _ = try await stack.api.recheck(id)
            let (_, items) = try await Self.proof(stack, id)
            #expect(items.map { $0["standing"]?.text } == ["deciding", "stale"])
            #expect(items[0]["revocationDate"] != .null && items[1]["revocationDate"] == .null)

            let first = try await Self.proof(stack, id, "?limit=1")
            let cursor = try #require(first.answer.json?["nextCursor"]?.text)
            let second = try await Self.proof(stack, id, "?limit=1&cursor=\(cursor)")
            #expect(first.items + second.items == items && second.answer.json?["nextCursor"] == .null)
        }
    }

    @Test("a text that is not what the ledger recorded fails the first step")
    func altered() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            _ = try await stack.rows("UPDATE evidence_bodies SET rest = 'x' || rest RETURNING source")
            let (_, items) = try await Self.proof(stack, id)
            #expect(items.first?["verification"]?["result"]?.text == "failed")
            #expect(items.first?["verification"]?["steps"]?.items?.first?["result"]?.text == "failed")
        }
    }

    @Test("without the text it is a 410, while the timeline and the explanation go on")
    func erased() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            _ = try await stack.rows("DELETE FROM evidence_bodies RETURNING source")
            let (answer, _) = try await Self.proof(stack, id)
            #expect(answer.status == 410 && answer.code == "evidence-erased")
            #expect(try await stack.api.get("/v1/transactions/\(id)/explanation", as: .support).status == 200)
            #expect(try await stack.api.get("/v1/transactions/\(id)/events", as: .support).status == 200)
        }
    }

    @Test("what is erased is listed without its text as long as one text of the transaction is left, on every page")
    func partlyErased() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            _ = try await stack.rows("DELETE FROM evidence_bodies RETURNING source")
            try stack.simulator.refund(id)
            _ = try await stack.api.recheck(id)
            let first = try await Self.proof(stack, id, "?limit=1")
            #expect(first.answer.status == 200 && first.items.first?["jws"]?.text != nil)
            let cursor = try #require(first.answer.json?["nextCursor"]?.text)
            let second = try await Self.proof(stack, id, "?limit=1&cursor=\(cursor)")
            #expect(second.answer.status == 200 && second.items.count == 1)
            let erased = try #require(second.items.first)
            #expect(erased["jws"] == .null && erased["verification"] == .null && erased["certificates"]?.items == [])
            #expect(erased["sha256"]?.text != nil && erased["standing"]?.text == "stale")

            _ = try await stack.rows("DELETE FROM evidence_bodies RETURNING source")
            for query in ["?limit=1", "?limit=1&cursor=\(cursor)"] {
                let (answer, _) = try await Self.proof(stack, id, query)
                #expect(answer.status == 410 && answer.code == "evidence-erased", "\(query)")
            }
        }
    }

    @Test("a first page of erased items leads on to the one whose text is left")
    func newestErased() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            _ = try await stack.api.recheck(id)
            let newest = try #require(try await Self.proof(stack, id).items.first?["sha256"]?.text)
            _ = try await stack.rows(
                "DELETE FROM evidence_bodies WHERE sha256 = decode(\(newest), 'hex') RETURNING source")
            let first = try await Self.proof(stack, id, "?limit=1")
            #expect(first.answer.status == 200 && first.items.first?["jws"] == .null)
            let cursor = try #require(first.answer.json?["nextCursor"]?.text)
            let second = try await Self.proof(stack, id, "?limit=1&cursor=\(cursor)")
            #expect(second.items.first?["jws"]?.text != nil)
        }
    }

    @Test("before Apple's first word there is none; an id that was never recorded is a 404")
    func none() async throws {
        try await TestStack.with { stack in
            stack.simulator.setOutage(true)
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            let (answer, items) = try await Self.proof(stack, id)
            #expect(answer.status == 200 && items.isEmpty)
            #expect(try await Self.proof(stack, "12345").answer.status == 404)
        }
    }
}
