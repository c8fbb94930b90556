import AppStoreSimulator
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@Suite("The control interface over HTTP")
struct ControlInterfaceTests {
    private let simulator: AppStoreSimulator

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.requiresAuthentication = false
        simulator = try AppStoreSimulator(configuration: configuration)
    }

    private func test(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        try await simulator.buildApplication().test(.router, body)
    }

    @Test("a purchase is made, refunded, reversed, restored, shared and renewed")
    func lives() async throws {
        try await test { client async throws in
            let bought = try await client.send(
                .post, "/control/purchases", ["productId": "pro", "type": "Auto-Renewable Subscription"])
            #expect(bought.status == .created)
            let receipt = try bought.object()
            #expect(
                receipt.names.sorted() == [
                    "affected", "appTransactionId", "environment", "orderId", "originalTransactionId",
                    "signedTransaction", "transactionId",
                ])
            let id = try #require(receipt["transactionId"]?.stringValue)
            let path = "/control/transactions/\(id)"

            let refunded = try await client.send(
                .post, path + "/refund", ["revocationType": "REFUND_PRORATED", "revocationPercentage": 25_000])
            #expect(refunded.status == .ok)
            let payload = try await client.send(.get, path).object()
            #expect(payload["revocationPercentage"] == 25_000)
            #expect(try await client.send(.post, path + "/reverse-refund").status == .ok)
            #expect(try await client.send(.get, path).object()["revocationDate"] == nil)
            #expect(try await client.send(.post, path + "/reverse-refund").status == .conflict)

            let restored = try await client.send(.post, path + "/restore", ["transactionId": "777"])
            #expect(restored.status == .created)
            #expect(try restored.object()["transactionId"] == "777")
            #expect(try restored.object()["originalTransactionId"] == .string(id))
            for act in ["/family-share", "/renew"] {
                #expect(try await client.send(.post, path + act).status == .created)
            }
            let upgraded = try await client.send(.post, path + "/upgrade", ["productId": "max"])
            #expect(upgraded.status == .created)
        }
    }

    @Test("fields are set and removed, and every forgery can be had")
    func fieldsAndForgeries() async throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "a", type: .consumable)).transactionID
        try await test { client async throws in
            let path = "/control/transactions/\(id)"
            let patched = try await client.send(.patch, path, ["inAppOwnershipType": .null, "bundleId": "other.app"])
            #expect(patched.status == .ok)
            let payload = try await client.send(.get, path).object()
            #expect(payload["inAppOwnershipType"] == nil)
            #expect(payload["bundleId"] == "other.app")
            for kind in SimulatedForgery.allCases {
                let answer = try await client.send(.get, path + "/signed?forge=\(kind.rawValue)")
                #expect(try answer.object()["signedTransaction"]?.stringValue != nil, "\(kind)")
            }
            #expect(try await client.send(.get, path + "/signed?forge=no").status == .badRequest)
        }
    }

    @Test("an act is meant for the environment that the query names")
    func environmentOfAnAct() async throws {
        for environment in SimulatedEnvironment.allCases {
            var purchase = SimulatedPurchase(productID: "a", type: .consumable, environment: environment)
            purchase.transactionID = "5"
            try simulator.purchase(purchase)
        }
        try await test { client async throws in
            let answer = try await client.send(.post, "/control/transactions/5/refund?environment=Sandbox")
            #expect(try answer.object()["environment"] == "Sandbox")
            #expect(try await client.send(.get, "/control/transactions/5").object()["revocationDate"] == nil)
            let wrong = try await client.send(.get, "/control/transactions/5?environment=Xcode")
            #expect(wrong.status == .badRequest)
        }
    }

    static let allFaults = [
        #"{"kind": "unauthorized"}"#,
        #"{"kind": "notFound"}"#,
        #"{"kind": "notFound", "errorCode": 4040002}"#,
        #"{"kind": "throttled", "retryAfterMilliseconds": 10}"#,
        #"{"kind": "throttled", "retryAfterMilliseconds": null}"#,
        #"{"kind": "serverError"}"#,
        #"{"kind": "serverError", "status": 503}"#,
        #"{"kind": "serverError", "errorCode": 5000000}"#,
        #"{"kind": "timeout"}"#,
        #"{"kind": "delay", "milliseconds": 5}"#,
        #"{"kind": "slowBody", "bytesPerSecond": 10}"#,
        #"{"kind": "cutBody"}"#,
        #"{"kind": "wrongTransaction"}"#,
        #"{"kind": "wrongTransaction", "transactionId": "1"}"#,
        #"{"kind": "stale"}"#,
        #"{"kind": "stale", "oldSignedDate": true}"#,
        #"{"kind": "forged", "forge": "chain4"}"#,
        #"{"kind": "notJSON"}"#,
        #"{"kind": "emptyBody", "delayMilliseconds": 10}"#,
        #"{"kind": "oversizedBody", "bytes": 100}"#,
        #"{"kind": "status", "status": 302, "body": "x", "contentType": "text/html"}"#,
        #"{"kind": "badDate", "seconds": 9}"#,
    ]

    @Test("every kind of fault is accepted, listed and removed")
    func faults() async throws {
        let kinds = try Self.allFaults.map { try SimulatorJSON(parsing: $0.utf8).objectValue?["kind"] }
        try await test { client async throws in
            for fault in Self.allFaults {
                let answer = try await client.send(
                    .post, "/control/faults", text: #"{"times": null, "fault": \#(fault)}"#)
                #expect(answer.status == .created, "\(fault)")
            }
            let listed = try await client.send(.get, "/control/faults").object()["faults"]?.arrayValue ?? []
            let listedKinds = listed.map { $0.objectValue?["kind"] }
            #expect(listedKinds == kinds)
            #expect(try await client.send(.delete, "/control/faults/1").status == .noContent)
            #expect(try await client.send(.delete, "/control/faults/1").status == .notFound)
            #expect(try await client.send(.delete, "/control/faults").status == .noContent)
            #expect(try await client.send(.get, "/control/faults").object()["faults"] == [])
        }
    }

    static let refusals: [(path: String, body: String, named: String)] = [
        ("purchases", #"{"productId": "a", "type": "Consumable", "prize": 1}"#, "prize"),
        ("purchases", #"{"type": "Consumable"}"#, "productId"),
        ("purchases", #"{"productId": "a", "type": "consumable"}"#, "type"),
        ("purchases", #"{"productId": "a", "type": "Consumable", "price": "1"}"#, "price"),
        ("purchases", #"{"productId": "a", "type": "Consumable", "environment": "Xcode"}"#, "environment"),
        ("faults", #"{"fault": {"kind": "gremlin"}}"#, "gremlin"),
        ("faults", #"{"fault": {"kind": "timeout", "bytes": 1}}"#, "bytes"),
        ("faults", #"{"fault": {"kind": "forged", "forge": "x"}}"#, "foreignRoot"),
        ("faults", #"{"fault": {"kind": "notFound"}, "endpoint": "x"}"#, "endpoint"),
        ("faults", #"{"kind": "timeout"}"#, "kind"),
        ("outage", "{}", "on"),
        ("clock", #"{"advanceMilliseconds": 9000000000000000}"#, "ten years"),
        ("purchases", "[]", "object"),
        ("purchases", "{", "object"),
        ("purchases", "1", "object"),
        ("purchases", #"{"productId": "\#(String(repeating: "x", count: 70_000))"}"#, "larger"),
    ]

    @Test("what nobody understands is refused by name", arguments: refusals)
    func refused(path: String, body: String, named: String) async throws {
        try await test { client async throws in
            let answer = try await client.send(.post, "/control/" + path, text: body)
            #expect(answer.status == .badRequest)
            let sentence = try answer.object()["error"]?.stringValue
            #expect(sentence?.contains(named) == true)
        }
    }

    @Test("an unknown transaction is 404, a taken id 409")
    func statuses() async throws {
        try await test { client async throws in
            #expect(try await client.send(.get, "/control/transactions/1").status == .notFound)
            #expect(try await client.send(.post, "/control/transactions/1/refund").status == .notFound)
            let purchase: SimulatorJSONObject = ["productId": "a", "type": "Consumable", "transactionId": "1"]
            #expect(try await client.send(.post, "/control/purchases", purchase).status == .created)
            #expect(try await client.send(.post, "/control/purchases", purchase).status == .conflict)
        }
    }

    @Test("keys, roots, calls, clock, reset and health")
    func theRest() async throws {
        try await test { client async throws in
            let keys = try await client.send(.get, "/control/keys").object()
            #expect(keys["keyId"] == "SIMULATOR1")
            #expect(keys["issuerId"] == .string(SimulatorKeys.issuerID))
            #expect(keys["bundleId"] == "com.example.app")
            #expect(keys["appAppleId"] == 1_234_567_890)
            #expect(keys["privateKeyFile"] == .null)
            let root = try await client.send(.get, "/control/root.pem")
            let rootPEM = try simulator.keys.rootPEM()
            #expect(String(buffer: root.body) == rootPEM)
            let der = try await client.send(.get, "/control/root.cer")
            let rootDER = try simulator.keys.rootDER()
            #expect(Array(der.body.readableBytesView) == rootDER)

            let missing = try await client.send(.get, "/production/inApps/v1/transactions/9")
            #expect(missing.status == .notFound)
            let calls = try await client.send(.get, "/control/calls?transactionId=9").object()
            #expect(calls["count"] == 1)
            let call = calls["calls"]?.arrayValue?.first?.objectValue
            #expect(call?["status"] == 404)
            #expect(call?["method"] == "GET")
            #expect(call?["environment"] == "Production")
            #expect(call?["path"] == "/inApps/v1/transactions/9")
            #expect(try await client.send(.delete, "/control/calls").status == .noContent)
            #expect(try await client.send(.get, "/control/calls").object()["count"] == 0)

            let time = try await client.send(.get, "/control/clock").object()["now"]
            let before = try #require(time?.integerValue)
            let moved = try await client.send(.post, "/control/clock", ["advanceMilliseconds": 86_400_000]).object()
            let after = try #require(moved["now"]?.integerValue)
            #expect(after >= before + 86_400_000)
            #expect(try await client.send(.post, "/control/rotate-certificates").status == .noContent)
            #expect(try await client.send(.post, "/control/reset").status == .noContent)
            #expect(try await client.send(.get, "/health").status == .ok)
            #expect(try await client.send(.get, "/control/nothing").status == .notFound)
        }
    }

    @Test(
        "the answer of a fault arrives as described", arguments: ["unauthorized", "notJSON", "emptyBody", "throttled"])
    func deliveredFaults(kind: String) async throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "a", type: .consumable)).transactionID
        try await test { client async throws in
            _ = try await client.send(.post, "/control/faults", ["fault": ["kind": .string(kind)]])
            let answer = try await client.send(.get, "/production/inApps/v1/transactions/\(id)")
            switch kind {
            case "unauthorized":
                #expect(answer.status == .unauthorized)
                #expect(answer.headers[.contentType] == "text/plain")
                #expect(String(buffer: answer.body) == "Unauthenticated")
            case "notJSON":
                #expect(answer.status == .ok && String(buffer: answer.body).hasPrefix("<html>"))
            case "emptyBody":
                #expect(answer.status == .ok && answer.body.readableBytes == 0)
            default:
                #expect(answer.status == .tooManyRequests)
                let retryAfter = try #require(Int64(answer.headers[.retryAfter] ?? ""))
                let now = Int64(Date().timeIntervalSince1970 * 1000)
                #expect((now - 60_000...now + 60_000).contains(retryAfter))
            }
            #expect(try await client.send(.get, "/production/inApps/v1/transactions/\(id)").status == .ok)
        }
    }
}

extension TestClientProtocol {
    /// Sends a request, with a JSON body if there is one.
    func send(
        _ method: HTTPRequest.Method, _ uri: String, _ body: SimulatorJSONObject? = nil
    ) async throws -> TestResponse {
        try await execute(uri: uri, method: method, body: body.map { ByteBuffer(bytes: $0.bytes) })
    }

    /// Sends a request with a body of any text.
    func send(_ method: HTTPRequest.Method, _ uri: String, text: String) async throws -> TestResponse {
        try await execute(uri: uri, method: method, body: ByteBuffer(string: text))
    }
}

extension TestResponse {
    /// The body, which must be a JSON object.
    func object() throws -> SimulatorJSONObject {
        try #require(SimulatorJSON(parsing: body.readableBytesView).objectValue)
    }
}
