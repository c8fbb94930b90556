import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Requests for changes, and for many accounts")
struct EdgeChangesTests {
    @Test("what is asked reaches the use case, or its default")
    func parameters() async throws {
        let seen = Box<[String]>([])
        var useCases = StubUseCases()
        useCases.onChanges = { after, wait, limit async throws(ServiceError) in
            seen.update { $0.append("\(after) \(wait.components.seconds) \(limit)") }
            return []
        }
        try await withEdge(useCases) { edge in
            for (query, cursor) in [
                ("", "0"), ("?after=007&wait=30&limit=1000", "7"),
                ("?after=9223372036854775807", "9223372036854775807"),
            ] {
                let answer = try await edge.get("/v1/changes" + query)
                #expect(answer.status == 200)
                #expect(answer.json?["nextCursor"]?.text == cursor)
            }
        }
        #expect(seen.value == ["0 0 100", "7 30 1000", "9223372036854775807 0 100"])
    }

    @Test(
        "a malformed parameter is named",
        arguments: [
            ("after=-1", "after"), ("after=", "after"), ("after=9223372036854775808", "after"), ("after=0x1", "after"),
            ("wait=31", "wait"), ("wait=1.5", "wait"), ("limit=0", "limit"), ("limit=1001", "limit"),
            ("cursor=1", "cursor"), ("after=1&after=2", "after"),
        ])
    func malformed(query: String, name: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.get("/v1/changes?" + query)
            #expect(answer.status == 400)
            #expect(answer.pointers == ["/query/" + name])
        }
    }

    @Test(
        "a faulty question about many accounts names each fault",
        arguments: [
            ("{}", ["/accountIds"]), (#"{"accountIds":"a"}"#, ["/accountIds"]),
            (#"{"accountIds":null}"#, ["/accountIds"]),
            (
                #"{"accountIds":["a","b","c","d e","e",7,"a",null]}"#,
                (3...7).filter { $0 != 4 }.map { "/accountIds/\($0)" }
            ),
            (
                #"{"accountIds":["7E3FB204-2D3D-4F6A-9C5C-0A4D3F1B7A11","7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"]}"#,
                ["/accountIds/1"]
            ),
            (#"{"accountIds":["a"],"at":1}"#, ["/at"]),
            (#"{"accountIds":[\#((0...100).map { "\"a\($0)\"" }.joined(separator: ","))]}"#, ["/accountIds"]),
        ])
    func faulty(body: String, pointers: [String]) async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/entitlements/query", body)
            #expect(answer.status == 400)
            #expect(answer.pointers == pointers)
        }
    }

    @Test("a hundred accounts are one question, no account is none")
    func bounds() async throws {
        let asked = Box<[Int]>([])
        var useCases = StubUseCases()
        useCases.onEntitlementsOfEach = { accounts async throws(ServiceError) in
            asked.update { $0.append(accounts.count) }
            return [:]
        }
        try await withEdge(useCases) { edge in
            let hundred = (0..<100).map { "\"a\($0)\"" }.joined(separator: ",")
            let full = try await edge.post("/v1/entitlements/query", #"{"accountIds":[\#(hundred)]}"#)
            #expect(full.json?["accounts"]?.items?.count == 100)
            #expect(try await edge.post("/v1/entitlements/query", #"{"accountIds":[]}"#).text == #"{"accounts":[]}"#)
        }
        #expect(asked.value == [100, 0])
    }
}
