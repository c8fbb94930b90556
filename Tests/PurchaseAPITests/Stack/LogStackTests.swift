import AppStoreSimulator
import Foundation
import HTTPTypes
import Logging
import Postgres
import PurchaseCore
import PurchaseService
import Synchronization
import TestSupport
import Testing

@testable import vouch

@Suite("Log lines of the whole service")
struct LogStackTests {
    /// Lines as the service writes them, at the most talkative level.
    private final class Log: Sendable {
        private let stored = Mutex<[String]>([])

        var lines: [String] { stored.withLock { $0 } }

        var logger: Logger {
            var logger = Logger(label: "vouch") { [self] label in
                LogfmtHandler(
                    label: label, level: .trace, metadataProvider: CurrentRequest.metadataProvider,
                    write: { line in self.stored.withLock { $0.append(line) } })
            }
            logger.logLevel = .trace
            return logger
        }
    }

    @Test("every line that belongs to a request has its id, also those of the check that it started")
    func requestIDs() async throws {
        let log = Log()
        try await TestStack.with(logger: log.logger) { stack in
            let receipt = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            let header = try #require(HTTPField.Name("X-Request-Id"))
            _ = try stack.simulator.inject(SimulatedFault(.notJSON, transactionID: receipt.transactionID))
            _ = try await stack.api.send(
                .post, "/v1/transactions", json: #"{"accountId":"ada","transactionId":"\#(receipt.transactionID)"}"#,
                headers: [header: "the-post-1"])
            // Another request's check, and one that no request asked for.
            _ = try await stack.api.send(
                .post, "/v1/transactions/\(receipt.transactionID)/recheck", as: .support,
                json: #"{"why":"a test asks"}"#, headers: [header: "the-recheck-2"])
            stack.simulator.setOutage(true)
            let other = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            _ = try await stack.api.send(
                .post, "/v1/transactions", json: #"{"accountId":"ada","transactionId":"\#(other.transactionID)"}"#,
                headers: [header: "the-post-3"])
            stack.clock.advance(.minutes(1))
            _ = await stack.service.recheckWorker.tick()

            func ids(_ message: String, about transaction: String) -> [String?] {
                log.lines.filter { $0.contains("msg=\"\(message)\"") && $0.contains("=\(transaction)") }.map { line in
                    line.firstMatch(of: /request_id=([^ \n]+)/).map { String($0.1) }
                }
            }
            let answers = ids("app store answered", about: receipt.transactionID)
            #expect(answers.first == "the-post-1" && answers.last == "the-recheck-2")
            #expect(ids("app store answer refused", about: receipt.transactionID).first == "the-post-1")
            let later = ids("app store answered", about: other.transactionID)
            #expect(later.first == "the-post-3" && later.last == .some(nil), "\(later)")
            #expect(
                log.lines.filter { $0.contains("msg=alarm") && $0.contains("request_id=the-post-1") }.count == 1)
        }
        let requests = log.lines.filter { $0.contains("msg=request ") }
        #expect(requests.count == 3 && requests.allSatisfy { $0.contains("request_id=the-") })
    }

    @Test("no line holds an account, a token, a key, signed data, a query or a value of the database")
    func redaction() async throws {
        let log = Log()
        let secrets = Box<Set<String>>([])
        let texts = Box<[String]>([])
        try await TestStack.with(logger: log.logger) { stack in
            try await Self.makeTrouble(stack, secrets: secrets, answers: texts)
        }
        #expect(log.lines.count > 20)
        for secret in secrets.value {
            #expect(secret.count >= 6, "too short to look for: \(secret)")
            let leaks = log.lines.filter { $0.contains(secret) }
            #expect(leaks.isEmpty, "\(secret) is in: \(leaks.first ?? "")")
        }
        for line in log.lines {
            #expect(line.hasSuffix("\n") && line.dropLast().unicodeScalars.allSatisfy { Printable.isPrintable($0) })
            #expect(line.hasPrefix("time="), "a forged line: \(line)")
            // What begins a JWS, a certificate or a key, wherever it came from.
            #expect(!line.contains("eyJ") && !line.contains("MII") && !line.contains("BEGIN "), "\(line)")
            #expect(!line.contains("?"), "a query: \(line)")
        }
        // What the database says is for nobody else either.
        for text in texts.value {
            for word in ["vouch_secret_constraint", "SQLSTATE", "duplicate key", "relation", "LedgerError", "Postgres"]
            {
                #expect(!text.contains(word), "\(text)")
            }
        }
    }

    /// Everything that goes wrong with secrets at hand; notes what no line may hold, and what clients were told.
    private static func makeTrouble(
        _ stack: TestStack, secrets: Box<Set<String>>, answers: Box<[String]>
    ) async throws {
        func hide(_ texts: [String]) { secrets.update { $0.formUnion(texts) } }
        let account = "zora.account@secret"
        let token = "5f0c7d1e-3b5a-4d0e-9c39-0f1a2b3c4d5e"
        hide([account, token, token.uppercased(), TestStack.key(.app), TestStack.key(.device)])
        hide(Self.keyText(stack))
        var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
        purchase.appAccountToken = token
        let receipt = try stack.simulator.purchase(purchase)
        let signed = try stack.simulator.signedTransaction(receipt.transactionID)
        let forged = try stack.simulator.signedTransaction(receipt.transactionID, forgery: .foreignRoot)
        for jws in [signed, forged] { hide(jws.split(separator: ".").map { String($0.suffix(40)) }) }

        func note(_ answer: EdgeAnswer) {
            answers.update { $0.append(answer.text) }
            if let token = answer.json?["claimToken"]?.text { hide([token]) }
        }
        let stated = #","appAccountToken":"\#(token)""#
        note(try await stack.api.post(account, receipt.transactionID, extra: stated))
        note(try await stack.api.post(account, signed: signed, as: .device))
        note(try await stack.api.post(account, signed: forged, as: .device))
        note(try await stack.api.post("other.\(account)", signed: signed, as: .device))
        note(try await stack.api.get("/v1/accounts/\(account)/entitlements?why=forged-query", as: .app))
        hide(["forged-query", "forged-header", "forged-path"])
        note(try await stack.api.get("/v1/transactions/1%0Alevel%3Derror%20forged-path", as: .support))
        note(try await stack.api.get("/forged-path%00%1B%5B2J/\(account)", as: nil))
        let header = try #require(HTTPField.Name("X-Request-Id"))
        note(try await stack.api.get("/health/ready", as: nil, headers: [header: "forged-header level=error"]))
        note(
            try await stack.api.send(
                .post, "/v1/transactions",
                json: #"{"accountId":"zora.account\u000a\u001b\u2028level=error","transactionId":"1"}"#,
                validatesRequest: false))
        // Apple's host gives forged, malformed and foreign answers.
        for kind in [SimulatedFault.Kind.forged(.foreignRoot), .notJSON, .wrongTransaction(transactionID: nil)] {
            _ = try stack.simulator.inject(SimulatedFault(kind, transactionID: receipt.transactionID))
            note(try await stack.api.recheck(receipt.transactionID))
        }
        // A database that refuses, and quotes values when it does.
        try await stack.database.withOwnerClient { client in
            _ = try await client.query(
                "ALTER TABLE accounts ADD CONSTRAINT vouch_secret_constraint CHECK (account_id <> 'zora.refused@secret')"
            )
        }
        hide(["zora.refused@secret"])
        note(try await stack.api.post("zora.refused@secret", receipt.transactionID))
        try await stack.database.withOwnerClient { client in
            _ = try await client.query("ALTER TABLE events RENAME TO elsewhere")
        }
        let next = try stack.simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        note(try await stack.api.post(account, next.transactionID))
        note(try await stack.api.get("/v1/transactions/\(receipt.transactionID)/events", as: .support))
    }

    /// Pieces of the signing key's text, as the settings read it.
    private static func keyText(_ stack: TestStack) -> [String] {
        stack.simulator.keys.privateKeyPEM.split(separator: "\n").filter { !$0.hasPrefix("-----") && $0.count > 8 }
            .map { String($0.prefix(32)) }
    }
}
