import HTTPTypes
import PurchaseAPI
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The answer to a posted transaction")
struct EdgeSubmissionTests {
    /// What a use case came to, and the answer that it must get.
    struct Example: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let outcome: SubmissionOutcome
        let status: Int
        var code: String?
        var refusal: String?
        var retryAfter: String?
        var finish = false
        var hasToken = true
    }

    static func recorded(_ view: TransactionView) -> SubmissionOutcome { .recorded(view, claimToken: "token-1") }

    static let examples = [
        Example(
            testDescription: "paid and held", outcome: recorded(Sample.view(Sample.paid, mayFinish: true)), status: 200,
            finish: true),
        Example(
            testDescription: "refunded and held", outcome: recorded(Sample.view(Sample.refunded, mayFinish: true)),
            status: 200, finish: true),
        Example(
            testDescription: "received, no check planned", outcome: recorded(Sample.view(.received, claim: .waiting)),
            status: 202, retryAfter: "5"),
        Example(
            testDescription: "pending, due in 4.001 s",
            outcome: recorded(
                Sample.view(
                    .pending(.appStoreUnavailable), claim: .waiting,
                    nextCheckAt: Sample.now + Span(milliseconds: 4_001))),
            status: 202, retryAfter: "5"),
        Example(
            testDescription: "pending, due in 4 s",
            outcome: recorded(
                Sample.view(.pending(.notFoundYet), claim: .waiting, nextCheckAt: Sample.now + .seconds(4))),
            status: 202, retryAfter: "4"),
        Example(
            testDescription: "pending, overdue",
            outcome: recorded(
                Sample.view(.pending(.notFoundYet), claim: .waiting, nextCheckAt: Sample.now - .seconds(90))),
            status: 202, retryAfter: "1"),
        Example(
            testDescription: "pending, due in a year",
            outcome: recorded(
                Sample.view(.pending(.notFoundYet), claim: .waiting, nextCheckAt: Sample.now + .days(365))),
            status: 202, retryAfter: "86400"),
        Example(
            testDescription: "another account holds it", outcome: recorded(Sample.view(Sample.paid, claim: .conflict)),
            status: 409, code: "transaction-claimed"),
        Example(
            testDescription: "claimed by another while pending",
            outcome: recorded(Sample.view(.pending(.revocationUnconfirmed), claim: .conflict)), status: 409,
            code: "transaction-claimed"),
        Example(
            testDescription: "the token is another account's",
            outcome: recorded(Sample.view(Sample.paid, claim: .refused)), status: 422, code: "transaction-refused",
            refusal: "account_token_mismatch"),
        Example(
            testDescription: "refused and claimed: the refusal comes first",
            outcome: recorded(Sample.view(.pending(.notFoundYet), refusal: .bundleMismatch, claim: .conflict)),
            status: 422, code: "transaction-refused", refusal: "bundle_mismatch"),
        Example(
            testDescription: "refused while paid and held",
            outcome: recorded(Sample.view(Sample.paid, refusal: .environmentNotAllowed, mayFinish: true)), status: 422,
            code: "transaction-refused", refusal: "environment_not_allowed", finish: true),
        Example(
            testDescription: "unknown to Apple", outcome: recorded(Sample.view(.received, refusal: .notFound)),
            status: 422, code: "transaction-refused", refusal: "not_found"),
    ]

    @Test("refusal before claim before state", arguments: examples)
    func precedence(example: Example) async throws {
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in example.outcome }
        try await withEdge(useCases) { edge in
            let answer = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1"}"#)
            #expect(answer.status == example.status)
            #expect(answer.code == example.code)
            #expect(answer.headers[.retryAfter] == example.retryAfter)
            #expect(answer.json?["finish"] == .bool(example.finish))
            #expect(answer.json?["claimToken"]?.text == "token-1")
            #expect(answer.headers[.cacheControl] == "no-store")
            // In a 200 or 202 `refusal` is the transaction's, and null.
            #expect(answer.json?["refusal"]?.text == example.refusal)
            if example.status == 409 {
                #expect(answer.json?["caseId"]?.text == "case-production-2000000900000001-12")
            }
        }
    }

    @Test("a refused submission is 422 with its reason, and no token", arguments: SubmissionRefusal.allCases)
    func refused(refusal: SubmissionRefusal) async throws {
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in .refused(refusal, detail: "It is\u{1b} odd.") }
        try await withEdge(useCases) { edge in
            let answer = try await edge.post("/v1/transactions", #"{"accountId":"a","signedTransaction":"x"}"#)
            #expect(answer.status == 422)
            #expect(answer.json?["refusal"]?.text == refusal.rawValue)
            #expect(answer.json?["detail"]?.text == "It is? odd.")
            #expect(answer.json?["finish"] == .bool(false))
            #expect(answer.json?["claimToken"] == nil)
        }
    }

    @Test("a conflict without a case is a fault of ours, never a 409 that the contract does not know")
    func conflictWithoutCase() async throws {
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in
            var view = Sample.view(Sample.paid, claim: .conflict)
            view.claim?.caseID = nil
            return .recorded(view, claimToken: "t")
        }
        try await withEdge(useCases) { edge in
            let answer = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1"}"#)
            #expect(answer.status == 500)
        }
    }

    @Test("every reason, refusal and code of ours that an answer can hold is one of the contract")
    func closedLists() async throws {
        let pending = PendingReason.allCases.map { PurchaseState.pending($0) }
        let id = EvidenceID(sha256: Sample.digest, source: .notification)
        let paid = PaidReason.allCases.map { PurchaseState.paid($0, deciding: id) }
        let refunded = RefundedReason.allCases.map { PurchaseState.refunded($0, deciding: id) }
        for state in [.received] + pending + paid + refunded {
            for reason in EntitlementReason.allCases {
                var useCases = StubUseCases()
                useCases.onTransaction = { _, _, _ async throws(ServiceError) in
                    var view = Sample.view(state, refusal: TransactionRefusal.allCases.randomElement())
                    view.entitlementReason = reason
                    view.accountID = AccountID("player-1")
                    return view
                }
                try await withEdge(useCases) { edge in
                    let answer = try await edge.get("/v1/transactions/1")
                    #expect(answer.status == 200)
                    #expect(answer.json?["reason"]?.text == state.reasonCode)
                }
            }
        }
    }

    @Test("what Apple says keeps its names and units, and what is unknown is null")
    func transaction() async throws {
        var useCases = StubUseCases()
        useCases.onTransaction = { _, _, _ async throws(ServiceError) in
            var view = Sample.view(Sample.refunded)
            view.facts?.price = 9_223_372_036_854_775_807
            view.facts?.currency = "VND"
            view.facts?.revocationDate = Instant(millisecondsSince1970: 1_697_679_936_049)
            view.facts?.revocationPercentage = 33_333
            view.facts?.type = .unknown("Something New")
            return view
        }
        try await withEdge(useCases) { edge in
            let json = try #require(try await edge.get("/v1/transactions/1").json)
            #expect(json["price"] == .object(["milliunits": .integer(.max), "currency": .string("VND")]))
            #expect(json["revocationDate"]?.text == "2023-10-19T01:45:36.049Z")
            #expect(json["revocationPercentage"] == .integer(33_333))
            #expect(json["type"]?.text == "Something New")
            #expect(json["expiresDate"] == .null)
            #expect(json["accountId"] == .null)
            #expect(json["claimToken"] == nil)
        }
    }
}
