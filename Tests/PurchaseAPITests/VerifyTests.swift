import AppStoreJWS
import AppStoreSimulator
import PurchaseCore
import Testing

@testable import vouch

@Suite("vouch verify")
struct VerifyTests {
    private static let now = Instant(millisecondsSince1970: 1_795_000_000_000)

    private func sample(_ name: String) throws -> String {
        try SettingsFixture.repositoryFile("Tests/AppStoreJWSTests/Fixtures/\(name).jws").trimmed
    }

    private func check(bundleID: String? = nil, environment: StoreEnvironment? = nil) -> OfflineCheck {
        OfflineCheck(
            trustedRoots: .appleRootCAG3, bundleID: bundleID.map { BundleID($0) }, environment: environment)
    }

    /// The words of the line that begins with a name.
    private func line(_ name: String, _ result: OfflineCheck.Result) -> String? {
        result.lines.first { $0.hasPrefix(name + " ") }
    }

    @Test("Apple's transaction verifies, with a line for each step and what it is about")
    func transaction() async throws {
        let result = await check(bundleID: "com.goodheartapp", environment: .sandbox).run(
            on: try sample("transaction-sandbox-consumable-jpy"), now: Self.now)
        #expect(result.exit == .verified)
        for step in VerificationStep.allCases where step != .ocsp {
            #expect(line(step.rawValue, result)?.contains("passed") == true)
        }
        #expect(line("ocsp", result)?.contains("skipped") == true)
        #expect(line("bundle_id", result)?.contains("passed") == true)
        #expect(line("environment", result)?.contains("passed") == true)
        #expect(line("kind", result)?.hasSuffix(" transaction") == true)
        #expect(line("transactionId", result)?.hasSuffix(" 2000000847061981") == true)
        #expect(line("signedDate", result)?.hasSuffix(" 2025-02-10T04:29:32.561Z") == true)
        #expect(line("chain", result)?.contains(TrustedRoots.appleRootCAG3.fingerprints[0]) == true)
        #expect(result.lines.last?.contains("verified") == true)
    }

    @Test("Apple's test notification verifies")
    func notification() async throws {
        let result = await check(environment: .sandbox).run(
            on: try sample("test-notification-sandbox-loki"), now: Self.now)
        #expect(result.exit == .verified)
        #expect(line("kind", result)?.hasSuffix(" notification") == true)
        #expect(line("notificationType", result)?.hasSuffix(" TEST") == true)
    }

    @Test("a changed price is refused at the signature, and nothing of the payload is shown")
    func tampered() async throws {
        let result = await check().run(on: try sample("tampered-price-changed"), now: Self.now)
        #expect(result.exit == .refused)
        #expect(line("signature", result)?.contains("failed") == true)
        #expect(line("payload", result)?.contains("skipped") == true)
        #expect(line("transactionId", result) == nil)
        #expect(result.lines.last?.contains("signature_invalid") == true)
    }

    @Test("another app or another environment than expected is refused")
    func expectations() async throws {
        let jws = try sample("transaction-sandbox-consumable-jpy")
        let otherApp = await check(bundleID: "com.Goodheartapp").run(on: jws, now: Self.now)
        #expect(otherApp.exit == .refused && line("bundle_id", otherApp)?.contains("failed") == true)
        let otherStore = await check(environment: .production).run(on: jws, now: Self.now)
        #expect(otherStore.exit == .refused && line("environment", otherStore)?.contains("failed") == true)
    }

    @Test("a signature from our future is undetermined")
    func future() async throws {
        let before = Instant(millisecondsSince1970: 1_700_000_000_000)
        let result = await check().run(on: try sample("transaction-sandbox-consumable-jpy"), now: before)
        #expect(result.exit == .undetermined)
        #expect(line("clock", result)?.contains("undetermined") == true)
    }

    @Test(
        "what is no JWS is refused, in lines that stay lines",
        arguments: ["a", "a.b.c", "...", "{}", "\u{1B}[2J.\u{202E}.x", String(repeating: "A", count: 300_000), "é.é.é"])
    func garbage(text: String) async {
        let result = await check().run(on: text, now: Self.now)
        #expect(result.exit == .refused)
        #expect(result.lines.allSatisfy { $0.unicodeScalars.allSatisfy(Printable.isPrintable) })
        #expect(result.lines.allSatisfy { $0.count < 500 })
    }

    // MARK: A simulated store

    private func simulator() throws -> (AppStoreSimulator, OfflineCheck) {
        let simulator = try AppStoreSimulator()
        let roots = try TrustedRoots(certificates: [try simulator.keys.rootDER()])
        return (simulator, OfflineCheck(trustedRoots: roots))
    }

    @Test("a simulated purchase verifies under its own root and under no other")
    func ownRoot() async throws {
        let (simulator, check) = try simulator()
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        #expect(await check.run(on: receipt.signedTransaction, now: UTCTime.now).exit == .verified)
        let apple = await self.check().run(on: receipt.signedTransaction, now: UTCTime.now)
        #expect(apple.exit == .refused && apple.lines.last?.contains("chain_untrusted") == true)
    }

    @Test("tokens and ids that lead to a person are never printed")
    func persons() async throws {
        let (simulator, check) = try simulator()
        var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
        purchase.appAccountToken = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        purchase.appTransactionID = "704397523467890123"
        let receipt = try simulator.purchase(purchase)
        let result = await check.run(on: receipt.signedTransaction, now: UTCTime.now)
        #expect(result.exit == .verified)
        let text = result.lines.joined(separator: "\n").lowercased()
        #expect(!text.contains("6ba7b810") && !text.contains("704397523467890123"))
        #expect(!text.contains("token"))
    }

    @Test("a refund shows its date")
    func refund() async throws {
        let (simulator, check) = try simulator()
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        var refund = SimulatedRefund()
        refund.date = 1_763_848_800_123
        let refunded = try simulator.refund(receipt.transactionID, refund)
        let result = await check.run(on: refunded.signedTransaction, now: UTCTime.now)
        #expect(line("revocationDate", result)?.hasSuffix(" 2025-11-22T22:00:00.123Z") == true)
    }

    @Test("the JWS inside a notification are verified for themselves")
    func innerJWS() async throws {
        let (simulator, check) = try simulator()
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        let forged = try simulator.signedTransaction(receipt.transactionID, forgery: .signature)
        for (inner, exit) in [(receipt.signedTransaction, VerifyExit.verified), (forged, .refused)] {
            let result = await check.run(on: try notification(simulator, holding: inner), now: UTCTime.now)
            #expect(result.exit == exit)
            #expect(result.lines.contains("data.signedTransactionInfo:"))
            #expect(result.lines.last == line("all together", result))
        }
    }

    /// A notification as the store signs it, around a signed transaction.
    private func notification(_ simulator: AppStoreSimulator, holding jws: String) throws -> String {
        var data = SimulatorJSONObject()
        data["bundleId"] = .string("com.example.app")
        data["environment"] = .string("Production")
        data["signedTransactionInfo"] = .string(jws)
        var payload = SimulatorJSONObject()
        payload["notificationType"] = .string("ONE_TIME_CHARGE")
        payload["notificationUUID"] = .string("002e14d5-51f5-4503-b5a8-c3a1af68eb20")
        payload["version"] = .string("2.0")
        payload["signedDate"] = .integer(UTCTime.now.millisecondsSince1970)
        payload["data"] = .object(data)
        return try simulator.sign(payload)
    }

    @Test("a payload that names no app is neither right nor wrong about it")
    func absentBundleID() async throws {
        var (simulator, check) = try simulator()
        check.bundleID = BundleID("com.example.app")
        var payload = SimulatorJSONObject()
        payload["originalTransactionId"] = .string("390000000000001")
        payload["autoRenewProductId"] = .string("monthly")
        payload["autoRenewStatus"] = .integer(1)
        payload["environment"] = .string("Production")
        payload["signedDate"] = .integer(UTCTime.now.millisecondsSince1970)
        let result = await check.run(on: try simulator.sign(payload), now: UTCTime.now)
        #expect(line("kind", result)?.hasSuffix(" renewal_info") == true)
        #expect(result.exit == .undetermined)
        #expect(line("bundle_id", result)?.contains("names none") == true)
    }

    @Test("a file with a line break at its end is the same JWS, and a missing or empty file is undetermined")
    func files() async throws {
        let fixture = try SettingsFixture()
        let path = try fixture.write(try sample("transaction-sandbox-consumable-jpy") + "\r\n", to: "a.jws")
        var command = try #require(try await Vouch.command(for: ["verify", "--file", path]) as? Verify)
        #expect(
            String(decoding: try InputFile.read(command.file, bytesMax: 10_000), as: UTF8.self).trimmed.hasPrefix("eyJ")
        )
        for path in [fixture.path("none.jws"), try fixture.write(" \n", to: "empty.jws"), fixture.directoryPath] {
            command.file = path
            await #expect(throws: VerifyExit.undetermined) { try await command.run() }
        }
    }

    @Test("files are read up to a bound, and faults are told apart")
    func inputFiles() throws {
        let fixture = try SettingsFixture()
        let path = try fixture.write("12345", to: "five")
        #expect(try InputFile.read(path, bytesMax: 5).count == 5)
        #expect(throws: InputFile.Fault.tooLarge(bytesMax: 4)) { try InputFile.read(path, bytesMax: 4) }
        #expect(throws: InputFile.Fault.notFound) { try InputFile.read(fixture.path("x"), bytesMax: 4) }
        #expect(throws: InputFile.Fault.notFound) { try InputFile.read(path + "\0", bytesMax: 4) }
        #expect(throws: InputFile.Fault.isDirectory) { try InputFile.read(fixture.directoryPath, bytesMax: 4) }
    }
}
