import Foundation
import NIOHTTP1
import StoreKit
import Synchronization
import TestSupport
import Testing

@testable import IntegrationExamples

@Suite("docs/integrating.md: the app in Swift", .timeLimit(.minutes(5)))
struct IntegratingAppTests {
    @Test("each Swift example is code that is compiled here, and each file of it is shown")
    func shown() throws {
        let directory = Checkout.path("Tests/IntegrationExamples")
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasSuffix(".swift") {
            files[name] = try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
        }
        var seen: Set<String> = []
        for block in try IntegratingDocument().blocks where block.language == "swift" {
            let source = files.first { "\n\($0.value)".contains("\n\(block.text)\n") }
            #expect(source != nil && !block.text.isEmpty, "docs/integrating.md:\(block.line): no file has these lines")
            source.map { _ = seen.insert($0.key) }
        }
        #expect(seen == Set(files.keys) && !seen.isEmpty)
    }

    private func withServer(
        isNotified: Bool = true, settings: [String: String] = [:],
        _ body: (Installation, String, String) async throws -> Void
    ) async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri, settings) { vouch in
                let server = isNotified ? try await vouch.startNotifiedServer() : try vouch.startServer().url
                try await body(vouch, server, try vouch.deviceKey())
            }
        }
    }

    @Test("a purchase is entitled and finished, whatever the device thinks of its signature", arguments: [false, true])
    func bought(isBad: Bool) async throws {
        try await withServer { vouch, server, key in
            let ada = try SimulatedCustomer(vouch, server, deviceKey: key, sheet: isBad ? .bad : .bought)
            let outcome = try await ada.app { try await $0.buy(Product(id: "pro")) }
            #expect(outcome == .done(entitled: true))
            #expect(ada.device.finished.count == 1)
            let list = try await vouch.send(.GET, "\(server)/v1/accounts/\(ada.account)/entitlements")
            #expect(list.body["entitlements"]?.items?.first?["key"]?.text == "pro")
        }
    }

    @Test("a request that waits for approval is not finished; once approved, it arrives and is delivered")
    func approval() async throws {
        try await withServer { vouch, server, key in
            let child = try SimulatedCustomer(vouch, server, deviceKey: key, sheet: .pending)
            #expect(try await child.app { try await $0.buy(Product(id: "pro")) } == .awaitingApproval)
            #expect(child.device.finished.isEmpty)
            let approved = try await vouch.sell(to: child.account)
            child.device.arrive(approved)
            child.device.close()
            try await child.app { await $0.listen() }
            #expect(Set(child.device.finished) == [approved.id])
            let nobody = try SimulatedCustomer(vouch, server, deviceKey: key, sheet: .cancelled)
            #expect(try await nobody.app { try await $0.buy(Product(id: "pro")) } == .cancelled)
        }
    }

    @Test("while Apple is down a purchase is not finished; the app that is started again delivers it")
    func outage() async throws {
        try await withServer(isNotified: false) { vouch, server, key in
            try await vouch.control("outage", #"{"on":true}"#)
            let pauses = Mutex(0)
            let ada = try SimulatedCustomer(
                vouch, server, deviceKey: key, pause: { pauses.withLock { $0 += 1 } })
            #expect(try await ada.app { try await $0.buy(Product(id: "pro")) } == .confirming)
            #expect(ada.device.finished.isEmpty)
            #expect(pauses.withLock { $0 } == 4, "five posts, and no pause after the last")

            try await vouch.control("outage", #"{"on":false}"#)
            ada.device.close()
            let id = try #require(try await ada.app { _ in await Self.unfinished() }.first)
            _ = try await vouch.poll("\(server)/v1/transactions/\(id)") { $0.state == "paid" }
            try await ada.app { await $0.listen() }
            #expect(ada.device.finished == [id])
            try await ada.app { await $0.listen() }
            #expect(ada.device.finished == [id], "nothing is left to deliver")
        }
    }

    private static func unfinished() async -> [UInt64] {
        var ids: [UInt64] = []
        for await result in Transaction.unfinished { ids.append(result.unsafePayloadValue.id) }
        return ids
    }

    @Test("a server that is gone for a moment costs a pause, not the purchase")
    func unreachable() async throws {
        try await withServer { vouch, server, key in
            let gone = try vouch.startServer()
            gone.terminate()
            let lost = try SimulatedCustomer(vouch, gone.url, deviceKey: key)
            #expect(try await lost.app { try await $0.buy(Product(id: "pro")) } == .confirming)
            #expect(lost.device.finished.isEmpty)

            // The same device, and a server again.
            let found = try SimulatedCustomer(vouch, server, deviceKey: key, account: lost.account)
            for id in try await lost.app({ _ in await Self.unfinished() }) {
                let signed = try await vouch.send(.GET, "\(vouch.simulator.url)/control/transactions/\(id)/signed")
                let again = Transaction(
                    id: id, productID: "pro", appAccountToken: lost.account,
                    signed: try #require(signed.body["signedTransaction"]?.text))
                found.device.hold(again)
            }
            found.device.close()
            try await found.app { await $0.listen() }
            #expect(found.device.finished.count == 1)
        }
    }

    @Test("restoring on a new device gets everything back; another account is told the case, and finishes nothing")
    func restored() async throws {
        try await withServer { vouch, server, key in
            let ada = try SimulatedCustomer(vouch, server, deviceKey: key)
            let bought = try await vouch.sell("theme")
            ada.device.hold(bought)
            #expect(try await ada.app { try await $0.restore() } == [.done(entitled: true)])

            let phone = try SimulatedCustomer(vouch, server, deviceKey: key, account: ada.account)
            phone.device.hold(bought)
            #expect(try await phone.app { try await $0.restore() } == [.done(entitled: true)])

            let eve = try SimulatedCustomer(vouch, server, deviceKey: key)
            eve.device.hold(bought)
            let outcomes = try await eve.app { try await $0.restore() }
            guard case .refused(code: "transaction-claimed", let caseID?)? = outcomes.first else {
                Issue.record("\(outcomes)")
                return
            }
            #expect(caseID.hasPrefix("case-"))
            #expect(eve.device.finished.isEmpty)
        }
    }

    @Test("on a shared device a purchase goes to the account that bought it, not to the one that is signed in")
    func shared() async throws {
        try await withServer { vouch, server, key in
            let (ada, eve) = (UUID(), try SimulatedCustomer(vouch, server, deviceKey: key))
            eve.device.hold(try await vouch.sell(to: ada))
            eve.device.close()
            try await eve.app { await $0.listen() }
            #expect(eve.device.finished.count == 1)
            let list = try await vouch.send(.GET, "\(server)/v1/accounts/\(ada)/entitlements")
            #expect(list.body["entitlements"]?.items?.count == 1)
        }
    }

    @Test("with users' tokens another account's purchase is left alone until its owner is signed in")
    func signedIn() async throws {
        let provider = try SimulatedProvider()
        defer { provider.end() }
        try await withServer(settings: provider.settings) { vouch, server, key in
            let (first, second) = (UUID(), UUID())
            let bought = try await vouch.sell(to: first)
            let eve = try SimulatedCustomer(
                vouch, server, deviceKey: key, userToken: try provider.token(for: second), account: second)
            // What the service says to a post that the app doesn't make.
            let signed = VerificationResult<Transaction>.verified(bought).jwsRepresentation
            let verdict = try #require(try await eve.client.settle(signed, for: first.uuidString))
            #expect(verdict.code == "not-found" && !verdict.finish)

            eve.device.hold(bought)
            eve.device.close()
            #expect(try await eve.app { try await $0.restore() } == [.ofAnotherAccount])
            try await eve.app { await $0.listen() }
            #expect(eve.device.finished.isEmpty)
            #expect(try await eve.app { try await $0.buy(Product(id: "pro")) } == .done(entitled: true))
            #expect(eve.device.finished.count == 1 && !eve.device.finished.contains(bought.id))

            let ada = try SimulatedCustomer(
                vouch, server, deviceKey: key, userToken: try provider.token(for: first), account: first)
            ada.device.hold(bought)
            ada.device.close()
            try await ada.app { await $0.listen() }
            #expect(ada.device.finished == [bought.id])
            let list = try await vouch.send(.GET, "\(server)/v1/accounts/\(first)/entitlements")
            #expect(list.body["entitlements"]?.items?.first?["key"]?.text == "pro")
        }
    }

    @Test("a forged transaction is refused and not finished")
    func forged() async throws {
        try await withServer { vouch, server, key in
            let bought = try await vouch.sell()
            let url = "\(vouch.simulator.url)/control/transactions/\(bought.id)/signed?forge=foreignRoot"
            let signed = try await vouch.send(.GET, url).body["signedTransaction"]?.text
            let mallory = try SimulatedCustomer(vouch, server, deviceKey: key)
            mallory.device.hold(
                Transaction(id: bought.id, productID: "pro", appAccountToken: nil, signed: try #require(signed)))
            let outcomes = try await mallory.app { try await $0.restore() }
            #expect(outcomes == [.refused(code: "transaction-refused", caseID: nil)])
            #expect(mallory.device.finished.isEmpty)
        }
    }
}
