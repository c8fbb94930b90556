import AppStoreSimulator
import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Restoring by signed-in users")
struct RestoreByUserTests {
    private static let token = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"

    /// A stack with an identity provider.
    private func withUsers(_ body: @escaping @Sendable (TestStack) async throws -> Void) async throws {
        try await KeySetServer(providerKey).serve { url in
            try await TestStack.with(userSettings(keys: url), body)
        }
    }

    /// One call of a restore by an account's own user; afterwards the simulator counts what it asked.
    private func restore(_ stack: TestStack, _ account: String, _ body: String? = nil) async throws -> EdgeAnswer {
        stack.simulator.removeAllCalls()
        return try await stack.api.send(
            .post, "/v1/accounts/\(account)/restore", as: nil, json: body,
            headers: [.authorization: "Bearer " + (try stack.token(account))])
    }

    /// A user's post of what StoreKit signed.
    private func post(_ stack: TestStack, _ account: String, signed id: String) async throws -> EdgeAnswer {
        let jws = try stack.simulator.signedTransaction(id)
        return try await stack.api.send(
            .post, "/v1/transactions", as: nil,
            json: #"{"accountId":"\#(account)","signedTransaction":"\#(jws)"}"#,
            headers: [.authorization: "Bearer " + (try stack.token(account))])
    }

    @Test("a bare id that a user posted before opens no history, and the signed transaction does")
    func bareID() async throws {
        try await withUsers { stack in
            let known = try stack.bought("pro", by: "ada-at-apple")
            _ = try stack.bought("gold", .autoRenewable, by: "ada-at-apple")
            let posted = try await stack.api.post("eve", known, token: try stack.token("eve"))
            #expect(posted.status == 200 && posted.flag("entitled"))

            let bare = try await restore(stack, "eve")
            #expect(bare.status == 200 && bare.number("histories") == 0 && bare.number("found") == 0)
            #expect(stack.simulator.callsCount() == 0)
            #expect(try await stack.keys(of: "eve") == ["pro"])

            let jws = try stack.simulator.signedTransaction(known)
            let shown = try await restore(stack, "eve", #"{"signedTransaction":"\#(jws)"}"#)
            #expect(shown.flag("complete") && shown.number("histories") == 1 && shown.number("claimed") == 1)
            #expect(try await stack.keys(of: "eve") == ["gold", "pro"])
        }
    }

    @Test("for the app's backend the claim alone is enough")
    func backend() async throws {
        try await withUsers { stack in
            let known = try stack.bought("pro", by: "ada-at-apple")
            _ = try stack.bought("extra", by: "ada-at-apple")
            _ = try await stack.api.post("ada", known, token: try stack.token("ada"))
            #expect(try await stack.restore("ada").number("histories") == 1)
            #expect(try await stack.keys(of: "ada") == ["extra", "pro"])
        }
    }

    @Test("an account that posted a signed transaction, or whose token the purchase carries, needs nothing more")
    func proven() async throws {
        try await withUsers { stack in
            let adas = try stack.bought("pro", by: "ada-at-apple")
            let bobs = try stack.bought("pro", by: "bob-at-apple") { $0.appAccountToken = Self.token }
            for customer in ["ada-at-apple", "bob-at-apple"] { _ = try stack.bought("extra", by: customer) }
            #expect(try await post(stack, "ada", signed: adas).status == 200)
            _ = try await stack.api.post("bob", bobs, extra: #","appAccountToken":"\#(Self.token)""#)
            for account in ["ada", "bob"] {
                let answer = try await restore(stack, account)
                #expect(answer.flag("complete") && answer.number("histories") == 1, "\(account)")
                #expect(try await stack.keys(of: account) == ["extra", "pro"])
            }
        }
    }

    @Test("another customer's signed transaction proves nothing for who posted the bare id before")
    func foreignProof() async throws {
        try await withUsers { stack in
            let id = try stack.bought("pro", by: "ada-at-apple")
            let (eve, bob) = (try stack.token("eve"), try stack.token("bob"))
            stack.simulator.setOutage(true)
            #expect(try await stack.api.post("eve", id, token: eve).status == 202)
            stack.clock.advance(.seconds(1))
            #expect(try await post(stack, "ada", signed: id).status == 202)
            stack.clock.advance(.seconds(1))
            #expect(try await stack.api.post("bob", id, token: bob).status == 202)
            for account in ["eve", "bob"] {
                let answer = try await restore(stack, account)
                #expect(answer.status == 200 && answer.number("histories") == 0, "\(account)")
            }
            #expect(stack.simulator.callsCount() == 0)
            // Ada's own history is asked for, as soon as Apple answers.
            #expect(try await restore(stack, "ada").status == 202)
        }
    }

    @Test("a history of several calls is gone on with by cursor and signed transaction, and not by the cursor alone")
    func pages() async throws {
        try await withUsers { stack in
            let ids = try (1...121).map { try stack.bought("thing-\($0)", by: "ada-at-apple") }
            _ = try await stack.api.post("ada", ids[0], token: try stack.token("ada"))
            let jws = try stack.simulator.signedTransaction(ids[0])
            let first = try await restore(stack, "ada", #"{"signedTransaction":"\#(jws)"}"#)
            #expect(first.number("found") == 100)
            let cursor = try #require(first.nextCursor)
            let bare = try await restore(stack, "ada", #"{"cursor":"\#(cursor)"}"#)
            #expect(bare.status == 200 && bare.number("found") == 0 && !bare.flag("complete"))
            let rest = try await restore(stack, "ada", #"{"cursor":"\#(cursor)","signedTransaction":"\#(jws)"}"#)
            #expect(rest.number("found") == 21 && rest.flag("complete"))
        }
    }
}
