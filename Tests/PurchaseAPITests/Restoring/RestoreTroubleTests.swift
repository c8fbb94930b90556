import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseAPI

@Suite("Restoring when something is in the way")
struct RestoreTroubleTests {
    /// Three pages of one customer, the first purchase of which is the account's.
    private func fill(_ stack: TestStack, _ count: Int = 50) async throws -> [String] {
        let ids = try (1...count).map { try stack.bought("thing-\($0)", by: "ada-at-apple") }
        #expect(try await stack.api.post("ada", ids[0]).state == "paid")
        return ids
    }

    @Test("an outage in the middle loses nothing, and the restore goes on where it was")
    func outage() async throws {
        try await TestStack.with { stack in
            let ids = try await fill(stack)
            try stack.fail(.transactionHistory, after: 1, .serverError(errorCode: 5_000_001, status: 500))
            let first = try await stack.restore("ada")
            #expect(first.status == 202 && first.headers[.retryAfter] == "5" && !first.flag("complete"))
            #expect(first.number("found") == 20 && first.number("claimed") == 19)
            #expect(try await stack.keys(of: "ada").count == 20)
            let cursor = try #require(first.nextCursor)
            let rest = try await stack.restoreAll("ada", #"{"cursor":"\#(cursor)"}"#)
            #expect(rest.count == 1 && rest[0].status == 200 && rest[0].flag("complete"))
            #expect(rest[0].number("found") == 30 && rest[0].number("histories") == 1)
            #expect(stack.simulator.callsCount() == 2)
            #expect(try await stack.keys(of: "ada").count == ids.count)
        }
    }

    @Test("an interrupted restore may also begin anew")
    func anew() async throws {
        try await TestStack.with { stack in
            let ids = try await fill(stack)
            try stack.fail(.transactionHistory, after: 2, .cutBody)
            #expect(try await stack.restore("ada").status == 202)
            let again = try await stack.restore("ada")
            #expect(again.flag("complete") && again.number("found") == 50 && again.number("recorded") == 10)
            #expect(try await stack.keys(of: "ada").count == ids.count)
            #expect(try await stack.count("SELECT count(*) FROM movements") == 50)
        }
    }

    @Test("Apple's own word on when to ask again is passed on")
    func throttled() async throws {
        try await TestStack.with { stack in
            _ = try await fill(stack, 1)
            try stack.fail(.transactionHistory, after: 0, .throttled(retryAfterMilliseconds: 90_000))
            let answer = try await stack.restore("ada")
            let pause = try #require(answer.headers[.retryAfter].flatMap { Int($0) })
            #expect(answer.status == 202 && (85...91).contains(pause))
            #expect(try await stack.restore("ada").status == 202, "the pause is kept")
        }
    }

    @Test("a long history is read in several calls")
    func longHistory() async throws {
        try await TestStack.with { stack in
            let ids = try await fill(stack, 121)
            let answers = try await stack.restoreAll("ada")
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers.map { $0.number("found") } == [100, 21])
            #expect(answers.map { $0.flag("complete") } == [false, true])
            #expect(try await stack.keys(of: "ada").count == ids.count)
        }
    }

    @Test("what does not verify in the history is left out, told, and never called complete", arguments: [1, 2])
    func forgedPage(times: Int) async throws {
        try await TestStack.with { stack in
            let ids = try await fill(stack, 25)
            try stack.fail(.transactionHistory, after: 0, .forged(.foreignRoot), times: times)
            let answer = try await stack.restore("ada")
            #expect(answer.status == 200 && !answer.flag("complete") && answer.nextCursor == nil)
            #expect(answer.number("unverified") == (times == 1 ? 20 : 25))
            #expect(try await stack.keys(of: "ada").count == (times == 1 ? 6 : 1))
            #expect(try await stack.count("SELECT count(*) FROM refusals WHERE source = 'history'") > 0)
            #expect(try await stack.restore("ada").flag("complete"))
            #expect(try await stack.keys(of: "ada").count == ids.count)
        }
    }

    @Test("a body that is not Apple's is asked for again later")
    func notJSON() async throws {
        try await TestStack.with { stack in
            _ = try await fill(stack, 1)
            for kind in [SimulatedFault.Kind.notJSON, .emptyBody, .unauthorized] {
                // A refused token is tried once more at once.
                try stack.fail(.transactionHistory, after: 0, kind, times: kind.name == "unauthorized" ? 2 : 1)
                let answer = try await stack.restore("ada")
                #expect(answer.status == 202 && answer.headers[.retryAfter] == "60", "\(kind.name)")
            }
            #expect(try await stack.restore("ada").flag("complete"))
        }
    }

    @Test("a customer whom Apple does not know any more ends the history, with a gap")
    func unknownCustomer() async throws {
        try await TestStack.with { stack in
            _ = try await fill(stack, 1)
            try stack.fail(.transactionHistory, after: 0, .notFound(errorCode: 4_040_010))
            let answer = try await stack.restore("ada")
            #expect(answer.status == 200 && !answer.flag("complete") && answer.number("histories") == 1)
        }
    }

    @Test("a revision that Apple does not take any more begins the history anew")
    func oldRevision() async throws {
        try await TestStack.with { stack in
            let ids = try await fill(stack, 3)
            let cursor = PageCursor.text(
                RestoreCursor(current: .original(.production, OriginalTransactionID(ids[0])), revision: "of old"))
            let answer = try await stack.restore("ada", #"{"cursor":"\#(cursor)"}"#)
            #expect(answer.flag("complete") && answer.number("found") == 3)
        }
    }

    @Test("another account's cursor opens nothing")
    func foreignCursor() async throws {
        try await TestStack.with { stack in
            let ids = try await fill(stack, 3)
            let cursor = PageCursor.text(RestoreCursor(current: .original(.production, OriginalTransactionID(ids[0]))))
            _ = try await stack.api.post("bob", try stack.bought("bobs", by: "bob-at-apple"))
            let answer = try await stack.restore("bob", #"{"cursor":"\#(cursor)"}"#)
            #expect(answer.number("found") == 1 && answer.number("claimed") == 0)
            #expect(try await stack.keys(of: "bob") == ["bobs"])
            #expect(try await stack.restore("eve", #"{"cursor":"\#(cursor)"}"#).number("found") == 0)
        }
    }

    @Test("an account whose only purchase Apple could not be asked about yet is told to come back")
    func nothingKnownYet() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro", by: "ada-at-apple")
            _ = try stack.bought("extra", by: "ada-at-apple")
            stack.simulator.setOutage(true)
            let body = #"{"transactionId":"\#(id)"}"#
            let first = try await stack.restore("ada", body)
            #expect(first.status == 202 && first.nextCursor == nil && first.headers[.retryAfter] != nil)
            #expect(try await stack.restore("ada").status == 202)
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            #expect(try await stack.restore("ada", body).flag("complete"))
            #expect(try await stack.keys(of: "ada") == ["extra", "pro"])
        }
    }

    private static let token = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
    private static let another = "9b2d7c10-0000-4000-8000-0000000000aa"

    @Test("a purchase with another account's token stays unclaimed", arguments: [true, false])
    func tokens(isKnown: Bool) async throws {
        try await TestStack.with { stack in
            let own = try stack.bought("pro", by: "the-household") { $0.appAccountToken = Self.token }
            let bobs = try stack.bought("extra", by: "the-household") { $0.appAccountToken = Self.another }
            let known = try stack.bought("gold", by: "the-household")
            // Known to be another's by ada's own token, or by bob's.
            if isKnown {
                _ = try await stack.api.post("ada", known, extra: #","appAccountToken":"\#(Self.token)""#)
            } else {
                _ = try await stack.api.post("ada", known)
                let other = try stack.bought("coins", by: "bob-at-apple")
                _ = try await stack.api.post("bob", other, extra: #","appAccountToken":"\#(Self.another)""#)
            }
            let answer = try await stack.restore("ada")
            #expect(answer.flag("complete") && answer.number("unclaimed") == 1)
            #expect(Set(answer.restored) == ["\(own) paid held", "\(known) paid held"])
            // Nothing keeps the one it belongs to from it.
            #expect(
                try await stack.api.post("bob", bobs, extra: #","appAccountToken":"\#(Self.another)""#).flag("entitled")
            )
        }
    }

    @Test("where a token is required, a purchase without one is left")
    func requiredToken() async throws {
        try await TestStack.with(["VOUCH_ACCOUNT_TOKEN_RULE": "require"]) { stack in
            let own = try stack.bought("pro", by: "ada-at-apple") { $0.appAccountToken = Self.token }
            _ = try stack.bought("extra", by: "ada-at-apple")
            _ = try await stack.api.post("ada", own, extra: #","appAccountToken":"\#(Self.token)""#)
            let answer = try await stack.restore("ada")
            #expect(answer.number("unclaimed") == 1 && answer.restored == ["\(own) paid held"])
            #expect(try await stack.count("SELECT count(*) FROM claims") == 1)
        }
    }

    @Test("restores at once claim each purchase once")
    func race() async throws {
        try await TestStack.with { stack in
            let ids = try (1...12).map { try stack.bought("thing-\($0)", by: "the-household") }
            // An account has one restore at a time; these are four of the same customer.
            let accounts = ["ada", "bob", "eve", "dan"]
            for (account, id) in zip(accounts, ids) { _ = try await stack.api.post(account, id) }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for account in accounts {
                    group.addTask { try await stack.restore(account).flag("complete") }
                }
                for try await isComplete in group { #expect(isComplete) }
            }
            let held = try await stack.count("SELECT count(*) FROM claims WHERE status = 'held'")
            let all = try await stack.count("SELECT count(*) FROM claims")
            #expect(held == 12 && all == 12)
            try await stack.expectReplayEqualsStore()
        }
    }
}
