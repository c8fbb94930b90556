import HTTPTypes
import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Who may call what")
struct EdgeAuthenticationTests {
    @Test("the routes are the operations of the contract, both ways")
    func routes() throws {
        let router = buildRouter(
            useCases: StubUseCases(),
            configuration: APIConfiguration(bundleID: BundleID("a"), openAPIDocument: "", now: { Sample.now }))
        let built = Set(router.routes.map { "\($0.method.rawValue) \($0.path)" })
        let written = Set(EdgeClient.spec.operations.map { "\($0.method) \($0.path)" })
        #expect(built == written)
        let named = Set(APIOperation.allCases.map { "\($0.rawValue) \($0.method.rawValue) \($0.path)" })
        #expect(named == Set(EdgeClient.spec.operations.map { "\($0.operationID) \($0.method) \($0.path)" }))
    }

    @Test("the roles of each operation are the contract's x-roles")
    func declaredRoles() throws {
        for operation in EdgeClient.spec.operations {
            let own = try #require(APIOperation(rawValue: operation.operationID))
            #expect(Set(own.roles.map(\.rawValue)) == Set(operation.roles))
        }
    }

    @Test("each role alone may call what lists it, and is answered 403 by the rest", arguments: Role.allCases)
    func eachRole(role: Role) async throws {
        try await withEdge { edge in
            for operation in EdgeClient.spec.operations where !operation.roles.isEmpty {
                let answer = try await EdgeProblemTests.call(operation, edge, key: role.rawValue)
                let isListed = operation.roles.contains(role.rawValue)
                #expect((answer.status == 403) == !isListed, "\(role) \(operation.operationID): \(answer.status)")
                #expect(answer.status != 401)
                if !isListed { #expect(answer.code == "forbidden") }
            }
        }
    }

    @Test("all roles but the listed ones together are not enough")
    func complement() async throws {
        try await withEdge { edge in
            for operation in EdgeClient.spec.operations where !operation.roles.isEmpty {
                let others = Role.allCases.map(\.rawValue).filter { !operation.roles.contains($0) }
                let answer = try await EdgeProblemTests.call(operation, edge, key: others.joined(separator: "+"))
                #expect(answer.status == 403, "\(operation.operationID)")
            }
        }
    }

    @Test("without a good key every operation but the public ones is 401")
    func noKey() async throws {
        try await withEdge { edge in
            for operation in EdgeClient.spec.operations {
                for key in [nil, "unknown"] {
                    let answer = try await EdgeProblemTests.call(operation, edge, key: key)
                    #expect((answer.status == 401) == !operation.roles.isEmpty, "\(operation.operationID)")
                }
            }
        }
    }

    @Test(
        "a credential of another form is 401, and is never looked up",
        arguments: [
            "", "Bearer", "Bearer ", "app", "Basic YXBwOg==", "Bearer app app", "Bearer a,b", "Bearer \u{e9}",
            "Bearer  ", "Bearerapp", "Bearer " + String(repeating: "a", count: 8_193),
        ])
    func malformed(header: String) async throws {
        let lookups = Box(0)
        var useCases = StubUseCases()
        useCases.onAuthenticate = { _ async throws(ServiceError) in
            lookups.update { $0 += 1 }
            return nil
        }
        try await withEdge(useCases) { edge in
            let answer = try await edge.get("/v1/transactions/1", headers: [.authorization: header])
            #expect(answer.status == 401)
            #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
        }
        #expect(lookups.value == 0)
    }

    @Test("the scheme's case does not matter, and two credentials are none")
    func scheme() async throws {
        try await withEdge { edge in
            for header in ["bearer app", "BEARER app", "Bearer   app"] {
                let answer92 = try await edge.get("/v1/transactions/1", headers: [.authorization: header])
                #expect(answer92.status == 404)
            }
            var twice = HTTPFields()
            twice.append(HTTPField(name: .authorization, value: "Bearer app"))
            twice.append(HTTPField(name: .authorization, value: "Bearer support"))
            let answer97 = try await edge.get("/v1/transactions/1", headers: twice)
            #expect(answer97.status == 401)
        }
    }

    @Test("a key that cannot be looked up is 503, not 401: the database's fault is not the caller's")
    func databaseAway() async throws {
        var useCases = StubUseCases()
        useCases.onAuthenticate = { _ async throws(ServiceError) in throw .unavailable(retryAfterSeconds: 2) }
        try await withEdge(useCases) { edge in
            for operation in EdgeClient.spec.operations where !operation.roles.isEmpty {
                let answer = try await EdgeProblemTests.call(operation, edge)
                #expect(answer.status == 503, "\(operation.operationID)")
            }
        }
    }

    @Test("authentication comes before the body is looked at")
    func order() async throws {
        try await withEdge { edge in
            let wrong: HTTPFields = [.contentType: "text/plain"]
            let anonymous = try await edge.post("/v1/transactions", "{", key: nil, headers: wrong)
            #expect(anonymous.status == 401)
            #expect(anonymous.json?["finish"] == .bool(false))
            #expect(try await edge.post("/v1/transactions", "{", key: "finance", headers: wrong).status == 403)
        }
    }

    @Test("a user who names another account is told that there is no such thing")
    func ownAccount() async throws {
        let calls = Box(0)
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in
            calls.update { $0 += 1 }
            return .recorded(Sample.view(Sample.paid, mayFinish: true), claimToken: "t")
        }
        try await withEdge(useCases) { edge in
            let own = try await edge.post(
                "/v1/transactions", #"{"accountId":"alice","transactionId":"1"}"#, key: "user")
            #expect(own.status == 200)
            let other = try await edge.post(
                "/v1/transactions", #"{"accountId":"bob","transactionId":"1"}"#, key: "user")
            #expect(other.status == 404)
            #expect(other.json?["finish"] == .bool(false))
            #expect(try await edge.get("/v1/accounts/alice/entitlements", key: "user").status == 200)
            #expect(try await edge.get("/v1/accounts/bob/entitlements", key: "user").status == 404)
        }
        #expect(calls.value == 1)
    }
}
