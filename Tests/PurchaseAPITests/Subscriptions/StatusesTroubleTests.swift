import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Answers about a subscription that can't be used")
struct StatusesTroubleTests {
    @Test(
        "the question stays open, nobody loses anything, and the next answer serves",
        arguments: [
            SimulatedFault.Kind.forged(.foreignRoot), .wrongTransaction(transactionID: nil), .notJSON, .emptyBody,
            .cutBody, .serverError(errorCode: nil, status: 502), .throttled(retryAfterMilliseconds: 30_000),
            .notFound(errorCode: 4_040_010), .status(403, body: "{}", contentType: "application/json"),
        ])
    func fault(kind: SimulatedFault.Kind) async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            try stack.fail(.subscriptionStatuses, after: 0, kind)
            #expect(await stack.pass(.minutes(2)) == 1, "not asked again at once")
            #expect(try await stack.storedRenewals() == [])
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
            #expect(try await stack.access(of: "ada") == "true paid")
            #expect(await stack.pass(.minutes(2)) == 1)
            #expect(try await stack.storedRenewals() == ["app_store 1"])
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 1)
        }
    }

    /// An answer that Apple gives, and what is wrong with it.
    enum Odd: CaseIterable {
        case withoutRenewal, withoutTransaction, withoutTheSubscription, underAnotherID

        func reply(_ statuses: SubscriptionStatuses) -> AppStoreReply<SubscriptionStatuses> {
            switch self {
            case .withoutTheSubscription:
                .answered(SubscriptionStatuses(environment: nil, bundleID: nil, groups: []))
            case .withoutRenewal, .withoutTransaction, .underAnotherID:
                .answered(
                    statuses.mapping { item in
                        SubscriptionStatuses.LastTransaction(
                            status: item.status,
                            originalTransactionID: self == .underAnotherID
                                ? OriginalTransactionID("1") : item.originalTransactionID,
                            signedTransactionInfo: self == .withoutTransaction ? nil : item.signedTransactionInfo,
                            signedRenewalInfo: self == .withoutRenewal ? nil : item.signedRenewalInfo)
                    })
            }
        }
    }

    @Test("an answer that lacks a part, or is listed wrongly, is none", arguments: Odd.allCases)
    func odd(answer: Odd) async throws {
        try await TestStack.with { stack in
            let id = TransactionID(try await stack.subscribe("ada"))
            stack.clock.advance(.minutes(2))
            let checker = stack.withStatuses { answer.reply($0) }
            let chain = try #require(try await checker.check(id, first: nil, lane: .retry))
            let check = try #require(chain.checks[id])
            #expect(check.statusesAttempts == 1 && !check.asksStatuses(at: stack.clock.now))
            #expect(chain.renewal == nil && chain.transactions[id]?.state.name == .paid)
            // Asked again by itself, and then the answer is whole.
            #expect(await stack.pass(.minutes(1)) == 1)
            #expect(try await stack.storedRenewals() == ["app_store 1"])
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("renewal info beside another subscription's transaction is refused, and kept with the reason")
    func swapped() async throws {
        try await TestStack.with { stack in
            let gold = TransactionID(try await stack.subscribe("ada"))
            _ = try await stack.subscribe("ada", to: "silver")
            stack.clock.advance(.minutes(2))
            let checker = stack.withStatuses { statuses in
                let renewals = statuses.groups.flatMap(\.lastTransactions).map(\.signedRenewalInfo)
                return .answered(
                    statuses.mapping { item in
                        SubscriptionStatuses.LastTransaction(
                            status: item.status, originalTransactionID: item.originalTransactionID,
                            signedTransactionInfo: item.signedTransactionInfo,
                            signedRenewalInfo: renewals.first { $0 != item.signedRenewalInfo } ?? nil)
                    })
            }
            let chain = try #require(try await checker.check(gold, first: nil, lane: .retry))
            #expect(chain.renewal == nil)
            let reasons = try await stack.rows("SELECT DISTINCT source || ' ' || code FROM refusals")
            #expect(reasons == [["app_store other_original"]])
        }
    }

    @Test("an answer cut short by a crash is asked for again, and taken in once")
    func repeated() async throws {
        try await TestStack.with { stack in
            let id = TransactionID(try await stack.subscribe("ada"))
            stack.clock.advance(.minutes(2))
            let seen = Box<[SubscriptionStatuses]>([])
            let first = stack.withStatuses { statuses in
                seen.update { $0.append(statuses) }
                return .answered(statuses)
            }
            _ = try await first.check(id, first: nil, lane: .retry)
            let events = try await stack.count("SELECT count(*) FROM events")
            // The same signed texts once more, as if nobody knew that they had been committed.
            let answer = try #require(seen.value.first)
            let again = stack.withStatuses { _ in .answered(answer) }
            let chain = try #require(try await stack.store.chain(holding: id))
            let question = try #require(StatusesQuestion(about: id, in: Self.due(chain, id), at: stack.clock.now))
            _ = try await again.checkStatuses(question, of: chain, lane: .retry)
            #expect(try await stack.count("SELECT count(*) FROM events") == events)
            #expect(try await stack.storedRenewals() == ["app_store 1"])
        }
    }

    /// The chain as if its question were still due.
    private static func due(_ chain: Chain, _ id: TransactionID) -> Chain {
        var chain = chain
        chain.checks[id]?.statusesAt = .init(millisecondsSince1970: 0)
        return chain
    }
}
