import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Faulty requests")
struct EdgeRequestTests {
    /// A post that must be answered 400 with exactly these pointers, in any order.
    struct Faulty: CustomTestStringConvertible, Sendable {
        let body: String
        let pointers: [String]
        var key = "app"
        var testDescription: String { "\(body) by \(key)" }
    }

    static let faulty = [
        Faulty(body: "", pointers: [""]),
        Faulty(body: "null", pointers: [""]),
        Faulty(body: "[]", pointers: [""]),
        Faulty(body: #"{"accountId":"a","transactionId":"1""#, pointers: [""]),
        Faulty(body: #"{"accountId":"a","transactionId":"1"} x"#, pointers: [""]),
        Faulty(body: "{}", pointers: ["/accountId", ""]),
        Faulty(body: #"{"accountId":"a"}"#, pointers: [""]),
        Faulty(body: #"{"accountId":"a","transactionId":"1","signedTransaction":"x.y.z"}"#, pointers: [""]),
        Faulty(body: #"{"accountId":"","transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":"..","transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":"a b","transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":"é","transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":null,"transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":7,"transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":"a","transactionId":1}"#, pointers: ["/transactionId"]),
        Faulty(body: #"{"accountId":"a","transactionId":"x"}"#, pointers: ["/transactionId"]),
        Faulty(body: #"{"accountId":"a","transactionId":""}"#, pointers: ["/transactionId"]),
        Faulty(body: #"{"accountId":"a","transactionId":"../1"}"#, pointers: ["/transactionId"]),
        Faulty(body: #"{"accountId":"a","transactionId":"١"}"#, pointers: ["/transactionId"]),
        Faulty(
            body: #"{"accountId":"a","transactionId":""# + String(repeating: "1", count: 33) + #""}"#,
            pointers: ["/transactionId"]),
        Faulty(body: #"{"accountId":"a","signedTransaction":""}"#, pointers: ["/signedTransaction"]),
        Faulty(body: #"{"accountId":"a","signedTransaction":["x"]}"#, pointers: ["/signedTransaction"]),
        Faulty(body: #"{"accountId":"a","transactionId":"1","environment":"Xcode"}"#, pointers: ["/environment"]),
        Faulty(body: #"{"accountId":"a","transactionId":"1","environment":"production"}"#, pointers: ["/environment"]),
        Faulty(body: #"{"accountId":"a","transactionId":"1","appAccountToken":"7"}"#, pointers: ["/appAccountToken"]),
        Faulty(
            body: #"{"accountId":"a","transactionId":"1","appAccountToken":"7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"}"#,
            pointers: ["/appAccountToken"], key: "device"),
        Faulty(
            body: #"{"accountId":"alice","transactionId":"1","appAccountToken":""}"#, pointers: ["/appAccountToken"],
            key: "user"),
        Faulty(body: #"{"accountId":"a","accountId":"b","transactionId":"1"}"#, pointers: ["/accountId"]),
        Faulty(body: #"{"accountId":"a","transactionId":"1","receipt":"x"}"#, pointers: ["/receipt"]),
        Faulty(body: #"{"accountId":"a","transactionId":"1","a/b~c":1}"#, pointers: ["/a~1b~0c"]),
        Faulty(
            body: #"{"accountId":"a b","transactionId":1,"environment":"x","one":1,"two":{}}"#,
            pointers: ["/accountId", "/transactionId", "/environment", "/one", "/two"]),
    ]

    @Test("a faulty post names every fault at once and reaches no use case", arguments: faulty)
    func post(example: Faulty) async throws {
        let calls = Box(0)
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in
            calls.update { $0 += 1 }
            throw .notFound
        }
        try await withEdge(useCases) { edge in
            let answer = try await edge.post("/v1/transactions", example.body, key: example.key)
            #expect(answer.status == 400)
            #expect(answer.code == "invalid-request")
            #expect(answer.pointers.sorted() == example.pointers.sorted())
            #expect(answer.json?["finish"] == .bool(false))
        }
        #expect(calls.value == 0)
    }

    @Test("a body that is not UTF-8, or nests without end, is one fault of the body")
    func brokenBytes() async throws {
        try await withEdge { edge in
            let nested = Array(String(repeating: #"{"a":"#, count: 10_000).utf8)
            for bytes in [
                Array(#"{"accountId":""#.utf8) + [0xFF, 0x22, 0x7D], [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], nested,
            ] {
                let answer = try await edge.send(.post, "/v1/transactions", bytes: bytes)
                #expect(answer.status == 400)
                #expect(answer.pointers == [""])
            }
        }
    }

    @Test("no more than fifty faults are listed, and nothing of the input is echoed raw")
    func boundedEcho() async throws {
        try await withEdge { edge in
            let many = (0..<200).map { #""\u001b[31m\u0000<script>\#($0)":1"# }.joined(separator: ",")
            let answer = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1",\#(many)}"#)
            #expect(answer.status == 400)
            #expect(answer.pointers.count == 50)
            #expect(answer.pointers.first == "/?[31m?<script>0")
            let long = String(repeating: "x", count: 30_000)
            let other = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1","\#(long)":1}"#)
            #expect(other.pointers.first?.count == 68)
            #expect(other.body.count < 1_000)
        }
    }

    @Test("what is well formed reaches the use case in its one form")
    func accepted() async throws {
        let seen = Box<[Submission]>([])
        var useCases = StubUseCases()
        useCases.onSubmit = { submission, _ async throws(ServiceError) in
            seen.update { $0.append(submission) }
            throw .notFound
        }
        try await withEdge(useCases) { edge in
            let uuid = "7E3FB204-2D3D-4F6A-9C5C-0A4D3F1B7A11"
            _ = try await edge.post(
                "/v1/transactions",
                #"{"accountId":"\#(uuid)","transactionId":"007","environment":"Sandbox","appAccountToken":"\#(uuid)"}"#)
            _ = try await edge.post(
                "/v1/transactions",
                #"{"signedTransaction":"x","accountId":"a|b","appAccountToken":"00000000-0000-0000-0000-000000000000"}"#,
                headers: [.contentType: #"Application/JSON; charset="UTF-8""#])
            _ = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1"}"#, key: "app+device")
        }
        let uuid = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
        #expect(
            seen.value == [
                Submission(
                    account: AccountID(uuid), subject: .transactionID(TransactionID("007")), environment: .sandbox,
                    appAccountToken: AppAccountToken(validating: uuid)),
                Submission(
                    account: AccountID("a|b"), subject: .signedTransaction("x"), environment: nil, appAccountToken: nil),
                Submission(
                    account: AccountID("a"), subject: .transactionID(TransactionID("1")), environment: nil,
                    appAccountToken: nil),
            ])
    }

    @Test(
        "another content type is 415",
        arguments: [
            "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
            "application/jsonp", "application/problem+json", "",
        ])
    func contentType(type: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.post(
                "/v1/transactions", #"{"accountId":"a","transactionId":"1"}"#, headers: [.contentType: type])
            #expect(answer.status == 415)
            #expect(answer.json?["finish"] == .bool(false))
            let recheck = try await edge.post(
                "/v1/transactions/1/recheck", #"{"why":"x"}"#, key: "support", headers: [.contentType: type])
            #expect(recheck.status == 415)
            #expect(recheck.json?["finish"] == nil)
        }
    }

    @Test("a compressed body is 415, before it is taken for broken JSON")
    func contentEncoding() async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/transactions", "{}", headers: [.contentEncoding: "gzip"])
            #expect(answer.status == 415)
        }
    }

    @Test("a body at the bound is read, one byte more is 413")
    func size() async throws {
        try await withEdge(maximumBodyBytes: 100) { edge in
            let start = #"{"accountId":"a","transactionId":"1","x":""#
            let fits = start + String(repeating: "x", count: 100 - start.utf8.count - 2) + #""}"#
            #expect(fits.utf8.count == 100)
            #expect(try await edge.post("/v1/transactions", fits).status == 400)
            let answer = try await edge.post("/v1/transactions", fits + " ")
            #expect(answer.status == 413)
            #expect(answer.json?["finish"] == .bool(false))
            #expect(try await edge.post("/v1/transactions/1/recheck", fits + " ", key: "support").status == 413)
            #expect(try await edge.post("/v1/grants/g.1/acknowledge", fits + " ").status == 413)
            #expect(try await edge.post("/v1/grants/g.1/acknowledge", fits).status == 404)
        }
    }

    @Test(
        "a malformed path, query or header parameter is 400 and named",
        arguments: [
            ("/v1/transactions/abc", "/path/transactionId"), ("/v1/transactions/1%2F2", "/path/transactionId"),
            ("/v1/transactions/%31%", "/path/transactionId"), ("/v1/transactions/1?x=1", "/query/x"),
            ("/v1/transactions/1/events?limit=0", "/query/limit"),
            ("/v1/transactions/1/events?limit=201", "/query/limit"),
            ("/v1/transactions/1/events?limit=+1", "/query/limit"),
            ("/v1/transactions/1/events?limit=", "/query/limit"),
            ("/v1/transactions/1/events?limit=1&limit=2", "/query/limit"),
            ("/v1/transactions/1/events?limit=99999999999999999999", "/query/limit"),
            ("/v1/transactions/1/events?cursor=Zzz", "/query/cursor"),
            ("/v1/transactions/1/events?cursor=%FF", "/query/cursor"),
            ("/v1/accounts/../entitlements", "/path/accountId"),
            ("/v1/accounts/%2e%2e/entitlements", "/path/accountId"),
            ("/v1/accounts/a%2Fb/entitlements", "/path/accountId"),
            ("/v1/accounts/a%00/grants", "/path/accountId"), ("/v1/accounts/a%0Ab/grants", "/path/accountId"),
            ("/v1/accounts/a/grants?status=open", "/query/status"),
            ("/v1/accounts/a/grants?a%2Fb%0A=1", "/query/a~1b?"),
        ])
    func parameters(path: String, pointer: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.get(path, key: "app+support")
            #expect(answer.status == 400)
            #expect(answer.pointers == [pointer])
        }
    }

    @Test("an account id that needs percent-encoding arrives decoded, and a UUID lower-cased")
    func decodedAccount() async throws {
        let seen = Box<[String]>([])
        var useCases = StubUseCases()
        useCases.onEntitlements = { account async throws(ServiceError) in
            seen.update { $0.append(account.rawValue) }
            return []
        }
        try await withEdge(useCases) { edge in
            for path in ["a%7Cb", "a|b", "auth0%7C5f%40x", "%7E.~", "7E3FB204-2D3D-4F6A-9C5C-0A4D3F1B7A11"] {
                let answer220 = try await edge.get("/v1/accounts/\(path)/entitlements")
                #expect(answer220.status == 200)
            }
        }
        #expect(seen.value == ["a|b", "a|b", "auth0|5f@x", "~.~", "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"])
    }

    @Test("faults of path, query and body are listed together")
    func together() async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/transactions/x/recheck?y=1", #"{"z":1}"#, key: "support")
            #expect(answer.pointers.sorted() == ["/path/transactionId", "/query/y", "/why", "/z"])
        }
    }

    @Test("a recheck wants a reason that says something", arguments: ["", " \\n", "a\\u0000b", "\\u001b[2J"])
    func why(text: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/transactions/1/recheck", #"{"why":"\#(text)"}"#, key: "support")
            #expect(answer.status == 400)
            #expect(answer.pointers == ["/why"])
        }
    }

    @Test("a reason may have 500 characters of any script")
    func longWhy() async throws {
        let seen = Box("")
        var useCases = StubUseCases()
        useCases.onRecheck = { _, why async throws(ServiceError) in
            seen.set(why)
            return Sample.view(Sample.paid)
        }
        try await withEdge(useCases) { edge in
            let long = String(repeating: "é", count: 500)
            let longest = try await edge.post("/v1/transactions/1/recheck", #"{"why":"\#(long)"}"#, key: "support")
            #expect(longest.status == 200)
            #expect(seen.value == long)
            let tooLong = try await edge.post("/v1/transactions/1/recheck", #"{"why":"\#(long)x"}"#, key: "support")
            #expect(tooLong.status == 400)
        }
    }

    @Test("a claim token of another form is 400, a good one reaches the use case")
    func claimToken() async throws {
        let seen = Box<[String?]>([])
        var useCases = StubUseCases()
        useCases.onTransaction = { _, _, token async throws(ServiceError) in
            seen.update { $0.append(token) }
            throw .notFound
        }
        try await withEdge(useCases) { edge in
            let name = try #require(HTTPField.Name("Vouch-Claim-Token"))
            let bad = try await edge.get("/v1/transactions/1", key: "device", headers: [name: "a b"])
            #expect(bad.pointers == ["/header/Vouch-Claim-Token"])
            #expect(try await edge.get("/v1/transactions/1", key: "device", headers: [name: "a.b-_9"]).status == 404)
            #expect(try await edge.get("/v1/transactions/1", key: "device").status == 404)
        }
        #expect(seen.value == ["a.b-_9", nil])
    }
}
