import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseAPI

@Suite("Requests to restore")
struct EdgeRestoreTests {
    /// Everything that a cursor can hold.
    private static let full = RestoreCursor(
        done: [
            .original(.production, OriginalTransactionID("1")), .original(.sandbox, OriginalTransactionID("22")),
        ],
        current: .original(.sandbox, OriginalTransactionID("333")), revision: "1646387008228_;,\"x", hasGaps: true)

    @Test("what is asked reaches the use case")
    func requests() async throws {
        let seen = Box<[RestoreRequest]>([])
        var useCases = StubUseCases()
        useCases.onRestore = { request, account, _ async throws(ServiceError) in
            #expect(account == AccountID("player-1"))
            seen.update { $0.append(request) }
            return .restored(Restoration())
        }
        let path = "/v1/accounts/player-1/restore"
        try await withEdge(useCases) { edge in
            let bare = try await edge.send(.post, path, bytes: nil)
            #expect(bare.status == 200)
            for body in [
                "{}", #"{"transactionId":"7"}"#, #"{"signedTransaction":"a.b.c","claimConsumables":true}"#,
                #"{"cursor":"\#(PageCursor.text(Self.full))"}"#,
                #"{"cursor":"\#(PageCursor.text(Self.full))","signedTransaction":"a.b.c"}"#,
            ] {
                let answer = try await edge.post(path, body)
                #expect(answer.status == 200)
            }
        }
        #expect(
            seen.value == [
                RestoreRequest(beginning: .account), RestoreRequest(beginning: .account),
                RestoreRequest(beginning: .transaction(.transactionID(TransactionID("7")))),
                RestoreRequest(beginning: .transaction(.signedTransaction("a.b.c")), claimsConsumables: true),
                RestoreRequest(beginning: .cursor(Self.full)),
                RestoreRequest(beginning: .cursor(Self.full), shown: "a.b.c"),
            ])
    }

    @Test(
        "a faulty request names each fault",
        arguments: [
            (#"{"transactionId":"x"}"#, ["/transactionId"], "app"),
            (#"{"transactionId":"1","signedTransaction":"a.b.c"}"#, [""], "app"),
            (#"{"transactionId":"1","cursor":"x"}"#, ["", "/cursor"], "app"),
            (#"{"claimConsumables":1}"#, ["/claimConsumables"], "app"),
            (#"{"claimConsumables":null}"#, ["/claimConsumables"], "app"),
            (#"{"accountId":"a"}"#, ["/accountId"], "app"), ("[]", [""], "app"),
            // One id gives a whole history, and consumables may have been delivered long ago.
            (#"{"transactionId":"1"}"#, ["/transactionId"], "user"),
            (#"{"claimConsumables":true}"#, ["/claimConsumables"], "user"),
        ])
    func faulty(body: String, pointers: [String], key: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/accounts/alice/restore", body, key: key)
            #expect(answer.status == 400)
            #expect(answer.pointers.sorted() == pointers.sorted())
            #expect(answer.json?["finish"] == nil)
        }
    }

    @Test("a user restores its own account alone")
    func ownAccount() async throws {
        try await withEdge { edge in
            let own = try await edge.post("/v1/accounts/alice/restore", "{}", key: "user")
            #expect(own.status == 200)
            let foreign = try await edge.post("/v1/accounts/bob/restore", "{}", key: "user")
            #expect(foreign.status == 404)
        }
    }

    @Test("bytes that are not JSON by their label are refused")
    func contentType() async throws {
        try await withEdge { edge in
            let answer = try await edge.send(
                .post, "/v1/accounts/alice/restore", headers: [.contentType: "text/plain"], bytes: Array("{}".utf8))
            #expect(answer.status == 415)
        }
    }

    @Test(
        "a cursor comes back as it was, and nothing else is one",
        arguments: [
            RestoreCursor(), full, RestoreCursor(hasGaps: true),
            RestoreCursor(
                done: (0..<10).map { _ in
                    .original(.production, OriginalTransactionID(String(repeating: "9", count: 32)))
                },
                current: .original(.sandbox, OriginalTransactionID("1")), revision: String(repeating: "r", count: 1_024)
            ),
        ])
    func cursor(cursor: RestoreCursor) {
        let text = PageCursor.text(cursor)
        #expect(PageCursor.restore(text) == cursor)
        #expect(text.utf8.count <= 2_048)
        #expect(PageCursor.restore(String(text.dropLast())) != cursor)
    }

    @Test("text of other lists, or with too much in it, is no cursor")
    func noCursor() {
        let eleven = RestoreCursor(done: (0..<11).map { .original(.production, OriginalTransactionID("\($0)")) })
        for text in [
            "", "x", PageCursor.text(afterVersion: 7), PageCursor.text(RevenueCursor(asOf: 1, offset: 2)),
            PageCursor.text(eleven), String(repeating: "A", count: 2_049),
        ] {
            #expect(PageCursor.restore(text) == nil, "\(text)")
        }
    }
}
