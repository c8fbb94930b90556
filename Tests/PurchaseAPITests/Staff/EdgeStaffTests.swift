import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Requests of support")
struct EdgeStaffTests {
    @Test(
        "a faulty resolution names each fault",
        arguments: [
            ("{}", ["/outcome", "/why"]), (#"{"outcome":"won","why":""}"#, ["/outcome", "/why"]),
            (#"{"outcome":"refused","why":"  "}"#, ["/why"]), (#"{"outcome":null,"why":7}"#, ["/outcome", "/why"]),
            (#"{"outcome":"refused","why":"x","by":"me"}"#, ["/by"]),
            (#"{"outcome":"refused","why":"\#(String(repeating: "a", count: 501))"}"#, ["/why"]),
        ])
    func resolution(body: String, pointers: [String]) async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/cases/c-1/resolve", body, key: "support")
            #expect(answer.status == 400)
            #expect(answer.pointers == pointers)
        }
    }

    @Test(
        "a faulty override names each fault",
        arguments: [
            ("{}", ["/key", "/effect", "/why"]),
            (#"{"key":"","effect":"give","why":"x"}"#, ["/key", "/effect"]),
            (#"{"key":"a\u0000b","effect":"grant","why":"x"}"#, ["/key"]),
            (#"{"key":"k","effect":"grant","why":"x","environment":"Xcode"}"#, ["/environment"]),
            (#"{"key":"k","effect":"grant","why":"x","until":"tomorrow"}"#, ["/until"]),
            (#"{"key":"k","effect":"grant","why":"x","until":"2001-01-01T00:00:00Z"}"#, ["/until"]),
            (#"{"key":"k","effect":"grant","why":"x","until":"2199-02-30T00:00:00Z"}"#, ["/until"]),
            (#"{"key":"k","effect":"grant","why":"x","until":null}"#, ["/until"]),
            (#"{"key":"k","effect":"grant","why":"x","accountId":"a"}"#, ["/accountId"]),
        ])
    func override(body: String, pointers: [String]) async throws {
        try await withEdge { edge in
            let answer = try await edge.post("/v1/accounts/a/overrides", body, key: "support")
            #expect(answer.status == 400)
            #expect(answer.pointers == pointers)
        }
    }

    @Test("what is asked reaches the use case, or its default")
    func terms() async throws {
        let seen = Box<[Override.Terms]>([])
        var useCases = StubUseCases()
        useCases.staff.onOverride = { _, terms, _ async throws(ServiceError) in
            seen.update { $0.append(terms) }
            return (Sample.recorded(Sample.override), true)
        }
        try await withEdge(useCases) { edge in
            for body in [
                #"{"key":"k","effect":"grant","why":"x"}"#,
                #"{"key":"k","effect":"withhold","why":"x","environment":"Sandbox","until":"2199-01-01T01:00:00.5+01:00"}"#,
            ] {
                let answer = try await edge.post("/v1/accounts/a/overrides", body, key: "support")
                #expect(answer.status == 201)
            }
        }
        #expect(
            seen.value == [
                Override.Terms(key: "k", effect: .grant, environment: .production, until: nil),
                Override.Terms(
                    key: "k", effect: .withhold, environment: .sandbox,
                    until: Instant(millisecondsSince1970: 7_226_582_400_500)),
            ])
    }

    @Test("an account with too many overrides is a 409 that is not worth repeating")
    func limit() async throws {
        try await withEdge { edge in
            let answer = try await edge.post(
                "/v1/accounts/a/overrides", #"{"key":"k","effect":"grant","why":"x"}"#, key: "support")
            #expect(answer.status == 409 && answer.code == "override-limit")
            #expect(answer.json?["retryable"] == .bool(false))
        }
    }

    @Test("the end of an override needs its id and the reason in the body")
    func ending() async throws {
        let seen = Box<[String]>([])
        var useCases = StubUseCases()
        useCases.staff.onEnd = { id, account, why async throws(ServiceError) in
            seen.update { $0.append("\(id) \(account) \(why)") }
            return Sample.recorded(Sample.override)
        }
        try await withEdge(useCases) { edge in
            let path = "/v1/accounts/a/overrides"
            #expect(try await edge.send(.delete, path, key: "support").status == 415)
            let empty = try await edge.send(.delete, path, key: "support", bytes: Array("{}".utf8))
            #expect(Set(empty.pointers) == ["/overrideId", "/why"])
            let good = try await edge.send(
                .delete, path, key: "support", bytes: Array(#"{"overrideId":"override-12-1","why":"x"}"#.utf8))
            #expect(good.status == 200)
            let faulty = try await edge.send(
                .delete, path, key: "support", bytes: Array(#"{"overrideId":"a b","why":"x"}"#.utf8))
            #expect(faulty.pointers == ["/overrideId"])
        }
        #expect(seen.value == ["override-12-1 a x"])
    }

    @Test("an erasing that is under way is 202 and says when to ask again; one that is done, or of nothing, is 200")
    func erasing() async throws {
        let answers: [(AccountErasure, Int, String)] = [
            (.underWay(requestedAt: Sample.now), 202, "erasing"), (.unknown, 200, "unknown"),
            (.finished(requestedAt: Sample.now, finishedAt: Sample.now + .seconds(1)), 200, "erased"),
        ]
        for (erasure, status, text) in answers {
            var useCases = StubUseCases()
            useCases.staff.onErase = { _, _ async throws(ServiceError) in erasure }
            try await withEdge(useCases) { edge in
                let answer = try await edge.post("/v1/accounts/a/erase", #"{"why":"x"}"#, key: "support")
                #expect(answer.status == status && answer.json?["status"]?.text == text)
                #expect(answer.headers[.retryAfter] == (status == 202 ? "5" : nil))
            }
        }
    }

    @Test(
        "the words of an erasure must not name the account",
        arguments: [
            ("bob-7", "Bob-7 asked", true), ("bob-7", "bob-77 asked", false), ("bob-7", "xbob-7", false),
            ("bob-7", "for bob-7", true), ("bo", "bo asked", false), ("a|b", "mail of a|b.", true),
        ])
    func naming(account: String, why: String, isFault: Bool) async throws {
        try await withEdge { edge in
            let path = "/v1/accounts/\(account.replacing("|", with: "%7C"))/erase"
            let answer = try await edge.post(path, #"{"why":"\#(why)"}"#, key: "support")
            #expect(answer.status == (isFault ? 400 : 200))
            #expect(answer.pointers == (isFault ? ["/why"] : []))
        }
    }

    @Test("cases are asked for by status, account, cursor and limit")
    func caseList() async throws {
        let seen = Box<[String]>([])
        var useCases = StubUseCases()
        useCases.staff.onCases = { status, account, cursor, limit async throws(ServiceError) in
            seen.update {
                $0.append("\(status) \(account?.rawValue ?? "-") \(cursor?.id.rawValue ?? "-") \(limit)")
            }
            let next = CaseCursor(openedAt: Sample.now, id: CaseID("case-production-2000000900000001-1"))
            return ([Sample.dispute(1)], cursor == nil ? next : nil)
        }
        try await withEdge(useCases) { edge in
            let page = try await edge.get("/v1/cases", key: "support")
            #expect(page.json?["cases"]?.items?.first?["ageSeconds"]?.whole == 3_600)
            let next = try #require(page.json?["nextCursor"]?.text)
            let query = "?status=resolved&accountId=a%7Cb&limit=7&cursor=\(next)"
            #expect(try await edge.get("/v1/cases" + query, key: "support").json?["nextCursor"] == .null)
            let faulty = try await edge.get("/v1/cases?status=all&accountId=&cursor=x&by=me", key: "support")
            #expect(Set(faulty.pointers) == ["/query/status", "/query/accountId", "/query/cursor", "/query/by"])
        }
        #expect(
            seen.value == ["open - - 100", "resolved a|b case-production-2000000900000001-1 7"])
    }
}
