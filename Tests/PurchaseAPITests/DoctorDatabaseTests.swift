import AppStoreSimulator
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import Postgres
import PurchaseCore
import TestSupport
import Testing

@testable import vouch

@Suite("vouch doctor: database, settings, products, OCSP")
struct DoctorDatabaseTests {
    @Test("a database that is down: its checks are at fault or unknown, and Apple is asked all the same")
    func databaseDown() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine([
                "VOUCH_DATABASE_URL": "postgresql://postgres:\(DoctorFixture.password)@127.0.0.1:1/vouch"
            ])
            try report.expect(.database, .fault, "can't be reached")
            for check in [
                DoctorCheck.databaseVersion, .databaseTLS, .databaseSchema, .databasePrivileges, .secrets,
                .clockDatabase, .unknownProducts,
            ] {
                try report.expect(check, .unknown)
            }
            try report.expect(.appStoreProduction, .ok)
            try report.expect(.appStoreSandbox, .ok)
        }
    }

    @Test("an empty database: migrate")
    func noSchema() async throws {
        try await DoctorFixture.with { deployment in
            try await TestDatabase.withDatabase(migrated: false) { empty in
                let report = try await deployment.examine(["VOUCH_DATABASE_URL": empty.uri])
                try report.expect(.databaseSchema, .fault, "no Vouch schema", "vouch migrate")
                try report.expect(.databasePrivileges, .unknown, "no ledger yet")
                try report.expect(.secrets, .unknown)
            }
        }
    }

    @Test("an old schema: migrate")
    func oldSchema() async throws {
        try await DoctorFixture.with { deployment in
            try await deployment.stack.database.withOwnerClient { client in
                _ = try await client.query(
                    "DELETE FROM schema_migrations WHERE number = (SELECT max(number) FROM schema_migrations)")
            }
            let report = try await deployment.examine()
            try report.expect(.databaseSchema, .fault, "vouch migrate")
            try report.expect(.databasePrivileges, .ok)
        }
    }

    @Test(
        "a role that could rewrite events is a fault, be it one column of them",
        arguments: ["UPDATE", "DELETE", "TRUNCATE", "UPDATE (input)"])
    func mayRewrite(privilege: String) async throws {
        try await DoctorFixture.with { deployment in
            try await deployment.stack.database.withOwnerClient { client in
                _ = try await client.query(SQL(unsafe: "GRANT \(privilege) ON events TO vouch_service"))
            }
            let report = try await deployment.examine()
            try report.expect(.databasePrivileges, .fault, "vouch_service", "REVOKE")
            try report.expect(.databaseSchema, .ok)
        }
    }

    @Test("a role that can't append to events is a fault")
    func mayNotAppend() async throws {
        try await DoctorFixture.with { deployment in
            try await deployment.stack.database.withOwnerClient { client in
                _ = try await client.query("REVOKE INSERT ON events FROM vouch_service")
            }
            try await deployment.examine().expect(.databasePrivileges, .fault, "append", "vouch migrate")
        }
    }

    @Test("a login that is no member of the service's role is told which GRANT it lacks")
    func noMember() async throws {
        try await DoctorFixture.with { deployment in
            let name = "doctor_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
            try await deployment.stack.database.withOwnerClient { client in
                _ = try await client.query(SQL(unsafe: "CREATE ROLE \(name) LOGIN"))
            }
            let uri = deployment.stack.database.uri.replacing("://postgres@", with: "://\(name)@")
            let report = try await deployment.examine(["VOUCH_DATABASE_URL": uri])
            try await deployment.stack.database.withOwnerClient { client in
                _ = try await client.query(SQL(unsafe: "DROP ROLE \(name)"))
            }
            try report.expect(.database, .ok, name)
            try report.expect(.databasePrivileges, .fault, "GRANT vouch_service")
            try report.expect(.secrets, .unknown, "database_privileges")
        }
    }

    @Test("a lost secret is a warning once anything depends on it")
    func lostSecret() async throws {
        try await DoctorFixture.with { deployment in
            try await deployment.stack.database.withOwnerClient { client in
                _ = try await client.query("DELETE FROM secrets")
            }
            try await deployment.examine().expect(.secrets, .ok, "first `vouch serve`")
            let receipt = try deployment.stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable))
            _ = try await deployment.stack.api.post("anna", receipt.transactionID)
            try await deployment.examine().expect(.secrets, .warning, "backup")
        }
    }

    // MARK: Products

    @Test("a product that was bought and isn't in the catalogue: a warning, and a fault of a strict catalogue")
    func unknownProduct() async throws {
        try await DoctorFixture.with { deployment in
            let receipt = try deployment.stack.simulator.purchase(
                SimulatedPurchase(productID: "new.coins", type: .consumable))
            _ = try await deployment.stack.api.post("anna", receipt.transactionID)
            let catalogue = "products:\n  sword: {kind: non_consumable, entitlements: [sword]}\n"
            let lenient = try await deployment.examine(file: catalogue)
            try lenient.expect(.unknownProducts, .warning, "new.coins", "VOUCH_CATALOGUE")
            let strict = try await deployment.examine(["VOUCH_CATALOGUE": "strict"], file: catalogue)
            try strict.expect(.unknownProducts, .fault, "new.coins")
            let listed = try await deployment.examine(
                file: "products:\n  new.coins: {kind: consumable, units: 10}\n")
            try listed.expect(.unknownProducts, .ok)
            try await deployment.examine().expect(.unknownProducts, .ok, "no catalogue")
        }
    }

    @Test("a non-renewing subscription without a duration is a warning that names it")
    func missingDuration() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine(
                file: """
                    products:
                      season.pass: {kind: non_renewing, entitlements: [season]}
                      month.pass: {kind: non_renewing, entitlements: [month], duration: P30D}
                    """)
            try report.expect(.products, .warning, "season.pass", "P30D")
            #expect(try !report.finding(.products).detail.contains("month.pass"))
        }
    }

    @Test("an empty strict catalogue entitles nobody")
    func emptyCatalogue() async throws {
        try await DoctorFixture.with { deployment in
            try await deployment.examine(["VOUCH_CATALOGUE": "strict"]).expect(.products, .fault, "nobody")
        }
    }

    // MARK: Settings

    @Test("faults of settings are a finding each, and nothing that they don't touch stays unlooked at")
    func settings() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine([
                "VOUCH_APP_APPLE_ID": "no number", "VOUCH_FRESH_FOR": "soon", "VOUCH_TYPO": "1",
            ])
            #expect(report.findings(of: .settings).map(\.result) == [.fault, .fault, .fault])
            try report.expect(.appStoreProduction, .ok)
            try report.expect(.databaseSchema, .ok)
        }
    }

    @Test("without any setting, what can't be looked at says which it would need")
    func noSettings() async throws {
        let report = try await DoctorFixture.examine(["VOUCH_OCSP": "off"])
        try report.expect(.database, .unknown, "VOUCH_DATABASE_URL")
        try report.expect(.appStoreProduction, .unknown, "VOUCH_APP_KEY_ID", "VOUCH_APP_ISSUER_ID")
        try report.expect(.notificationsProduction, .unknown, "VOUCH_APP_PRIVATE_KEY_FILE")
        try report.expect(.trustedRoots, .ok)
        #expect(Set(report.findings.map(\.check)) == Set(DoctorCheck.allCases))
        #expect(report.exit == .fault)
    }

    @Test("a file that can't be read makes everything unknown, since it might say anything")
    func unreadableFile() async throws {
        let report = try await DoctorFixture.examine([:], configPath: "/no/such/file.yaml")
        try report.expect(.settings, .fault, "--config", "no such file")
        for check in DoctorCheck.allCases where check != .settings { try report.expect(check, .unknown) }
    }

    // MARK: OCSP

    @Test("an OCSP host that answers is well; a portal, a refusal and silence are faults")
    func ocsp() async throws {
        let router = Router()
        router.post("ocsp03-applerootcag3") { request, _ -> Response in
            let body = try await request.body.collect(upTo: 1_000)
            guard Array(buffer: body) == DoctorExamination.ocspRequest else { return Response(status: .badRequest) }
            return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: [0x30, 0x03, 0x0A, 0x01, 0x06])))
        }
        let hotel = Router()
        hotel.post("**") { _, _ in "<html>Welcome to our hotel</html>" }
        let portal = Application(router: hotel)
        try await Application(router: router).test(.live) { responder in
            try await portal.test(.live) { portal in
                let hosts = [responder, portal].map { "127.0.0.1:\($0.port ?? 0)" } + ["127.0.0.1:1"]
                let report = try await DoctorFixture.examine([
                    "VOUCH_OCSP": "on", "VOUCH_OCSP_HOSTS": hosts.joined(separator: ","),
                ])
                let findings = report.findings(of: .ocsp)
                #expect(findings.map(\.result) == [.ok, .fault, .fault])
                #expect(findings.last?.detail.contains("can't be reached") == true)
            }
        }
    }
}
