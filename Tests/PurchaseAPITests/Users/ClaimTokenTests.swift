import AppStoreSimulator
import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

@Suite("Claim tokens")
struct ClaimTokenTests {
    private static func read(_ id: String, with token: String?, _ api: StackClient) async throws -> EdgeAnswer {
        let name = try #require(HTTPField.Name("Vouch-Claim-Token"))
        var headers = HTTPFields()
        headers[name] = token
        return try await api.get("/v1/transactions/\(id)", as: .device, headers: headers)
    }

    @Test("each poster's token shows its own claim, and never who the other one is")
    func ownClaim() async throws {
        try await TestStack.with { stack in
            let bought = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            let id = bought.transactionID
            let first = try await stack.api.post("ada", signed: bought.signedTransaction)
            let second = try await stack.api.post("bob", signed: bought.signedTransaction)
            #expect(first.status == 200 && second.status == 409)
            let adas = try #require(first.json?["claimToken"]?.text)
            let bobs = try #require(second.json?["claimToken"]?.text)
            #expect(adas != bobs)
            let seenByAda = try await Self.read(id, with: adas, stack.api)
            #expect(seenByAda.status == 200 && seenByAda.json?["claim"]?["status"]?.text == "held")
            #expect(seenByAda.json?["accountId"]?.text == "ada" && seenByAda.flag("finish"))
            let seenByBob = try await Self.read(id, with: bobs, stack.api)
            #expect(seenByBob.status == 200 && seenByBob.json?["claim"]?["status"]?.text == "conflict")
            #expect(!seenByBob.text.contains("ada") && !seenByBob.flag("finish") && !seenByBob.flag("entitled"))
            // A repeat gets the same one.
            let again = try await stack.api.post("ada", signed: bought.signedTransaction)
            #expect(again.json?["claimToken"]?.text == adas)
        }
    }

    @Test("a token is for one transaction and one account: anything else is 404, as if nothing were there")
    func bound() async throws {
        try await TestStack.with { stack in
            let kinds = SimulatedPurchase(productID: "pro", type: .nonConsumable)
            let (one, two) = (try stack.simulator.purchase(kinds), try stack.simulator.purchase(kinds))
            let posted = try await stack.api.post("ada", signed: one.signedTransaction)
            let token = try #require(posted.json?["claimToken"]?.text)
            // Of another account, which posted only the other one.
            let others = try #require(
                try await stack.api.post("bob", signed: two.signedTransaction).json?["claimToken"]?.text)
            let bytes = try #require(Base64.decode(url: token))
            var forgeries = [others, Base64.url(Array(bytes.dropLast())), Base64.url(bytes + [0]), "AAAA"]
            // Every byte counts: the account's number, and the digest.
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= 1
                forgeries.append(Base64.url(changed))
            }
            for forged in [nil] + forgeries.map(Optional.some) {
                let answer = try await Self.read(one.transactionID, with: forged, stack.api)
                #expect(answer.status == 404, "\(forged ?? "none")")
            }
            #expect(try await Self.read(two.transactionID, with: token, stack.api).status == 404)
            #expect(try await Self.read("999", with: token, stack.api).status == 404)
            #expect(try await Self.read(one.transactionID, with: token, stack.api).status == 200)
        }
    }

    @Test("a token that one process gave out is good in every other, and while the answer is still open")
    func everywhere() async throws {
        try await TestStack.with { stack in
            let posted = try await stack.api.post("ada", "3000000000000001", as: .device)
            #expect(posted.status == 202)
            let token = try #require(posted.json?["claimToken"]?.text)
            try await stack.withAnotherProcess { other in
                let answer = try await Self.read("3000000000000001", with: token, other)
                #expect(answer.status == 200 && answer.state == "pending")
            }
        }
    }
}
