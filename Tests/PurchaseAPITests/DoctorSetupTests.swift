import AppStoreSimulator
import Crypto
import Foundation
import PurchaseCore
import TestSupport
import Testing

@testable import vouch

extension SettingsFixture {
    /// Sets the permissions of a file.
    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }
}

@Suite("vouch doctor: the key and the App Store")
struct DoctorSetupTests {
    @Test("a deployment that is right, but for a notification URL, has that one fault in each environment")
    func right() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine()
            for check in [
                DoctorCheck.settings, .privateKey, .keyIDs, .database, .databaseVersion, .databaseTLS, .databaseSchema,
                .databasePrivileges, .secrets, .clockDatabase, .clockAppStore, .appStoreProduction, .appStoreSandbox,
                .products, .unknownProducts,
            ] {
                try report.expect(check, .ok)
            }
            try report.expect(.trustedRoots, .warning, "simulated store")
            try report.expect(.ocsp, .warning, "VOUCH_OCSP")
            try report.expect(.notificationsProduction, .fault, "4040007", "Production Server URL", "App Store Connect")
            try report.expect(.notificationsSandbox, .fault, "4040007", "Sandbox Server URL")
            #expect(report.exit == .fault)
        }
    }

    @Test("a wrong key id: both environments answer 401, and all four inputs are to be compared")
    func wrongKeyID() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine(["VOUCH_APP_KEY_ID": "WRONGKEY12"])
            for check in [DoctorCheck.appStoreProduction, .appStoreSandbox] {
                try report.expect(
                    check, .fault, "401", "VOUCH_APP_KEY_ID", "VOUCH_APP_ISSUER_ID", "VOUCH_APP_BUNDLE_ID",
                    "App Store Connect API key")
            }
            try report.expect(.keyIDs, .warning, "SIMULATOR1", "WRONGKEY12")
            try report.expect(.notificationsProduction, .unknown, "has not accepted the key")
            #expect(report.exit == .fault)
        }
    }

    @Test("another app's key: both environments answer 401, and the key file itself is sound")
    func otherKey() async throws {
        try await DoctorFixture.with { deployment in
            let other = try deployment.files.write(
                P256.Signing.PrivateKey().pemRepresentation, to: "SubscriptionKey_SIMULATOR1.p8")
            try deployment.files.protect("SubscriptionKey_SIMULATOR1.p8")
            let report = try await deployment.examine(["VOUCH_APP_PRIVATE_KEY_FILE": other])
            try report.expect(.privateKey, .ok)
            try report.expect(.appStoreProduction, .fault, "401", "In-App Purchase")
            try report.expect(.appStoreSandbox, .fault, "401", "API keys look the same")
        }
    }

    @Test(
        "a key file that is none: its fault is named, Apple is not asked, and everything else is looked at",
        arguments: [
            ("newlines", "newlines of the key were lost"), ("headers", "-----BEGIN PRIVATE KEY-----"),
            ("RSA", "P-256"), ("P-384", "P-256"), ("encrypted", "passphrase"), ("public", "not a private key"),
            ("empty", "empty"),
        ])
    func damagedKey(damage: String, words: String) async throws {
        try await DoctorFixture.with { deployment in
            let pem = deployment.stack.simulator.keys.privateKeyPEM
            let text =
                switch damage {
                case "newlines": pem.replacing("\n", with: "\\n")
                case "headers": pem.split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
                case "RSA": pem.replacing(" PRIVATE", with: " RSA PRIVATE")
                case "P-384": P384.Signing.PrivateKey().pemRepresentation
                case "encrypted": pem.replacing(" PRIVATE", with: " ENCRYPTED PRIVATE")
                case "public": P256.Signing.PrivateKey().publicKey.pemRepresentation
                default: "\n"
                }
            let path = try deployment.files.write(text, to: "damaged.p8")
            let report = try await deployment.examine(["VOUCH_APP_PRIVATE_KEY_FILE": path])
            try report.expect(.settings, .fault, "VOUCH_APP_PRIVATE_KEY_FILE")
            try report.expect(.privateKey, .fault, words)
            try report.expect(.appStoreProduction, .unknown, "VOUCH_APP_PRIVATE_KEY_FILE")
            try report.expect(.notificationsSandbox, .unknown, "VOUCH_APP_PRIVATE_KEY_FILE")
            try report.expect(.databaseSchema, .ok)
            #expect(deployment.stack.simulator.callsCount() == 0)
        }
    }

    @Test("a key file that others can read, and one that OpenSSL wrote, are warnings")
    func oddKeyFile() async throws {
        try await DoctorFixture.with { deployment in
            try deployment.files.setMode(0o644, of: "AuthKey_SIMULATOR1.p8")
            try await deployment.examine().expect(.privateKey, .warning, "0644", "chmod 600")
            try deployment.files.setMode(0o640, of: "AuthKey_SIMULATOR1.p8")
            try await deployment.examine().expect(.privateKey, .ok)
        }
    }

    @Test("an App Store Connect API key: 401 in both, and the file's name gives it away")
    func apiKey() async throws {
        try await DoctorFixture.with { deployment in
            try deployment.stack.simulator.inject(SimulatedFault(.unauthorized, times: nil))
            let report = try await deployment.examine()
            try report.expect(.appStoreProduction, .fault, "AuthKey_", "SubscriptionKey_")
            try report.expect(.appStoreSandbox, .fault, "AuthKey_", "SubscriptionKey_")
        }
    }

    @Test("Production alone answers 401: the app was never released, which a setting then says")
    func unreleased() async throws {
        try await DoctorFixture.with { deployment in
            try deployment.stack.simulator.inject(
                SimulatedFault(.unauthorized, environment: .production, times: nil))
            let before = try await deployment.examine()
            try before.expect(.appStoreProduction, .fault, "never released", "VOUCH_APP_UNRELEASED to true")
            try before.expect(.appStoreSandbox, .ok)
            let after = try await deployment.examine(["VOUCH_APP_UNRELEASED": "true"])
            try after.expect(.appStoreProduction, .ok, "until the app's first release")
            try after.expect(.notificationsProduction, .ok, "not asked")
            deployment.stack.simulator.removeAllFaults()
            let released = try await deployment.examine(["VOUCH_APP_UNRELEASED": "true"])
            try released.expect(.appStoreProduction, .warning, "VOUCH_APP_UNRELEASED to false")
        }
    }

    @Test("with Production alone allowed, a 401 is ambiguous, and asking Sandbox would tell")
    func ambiguous() async throws {
        try await DoctorFixture.with { deployment in
            try deployment.stack.simulator.inject(SimulatedFault(.unauthorized, times: nil))
            let report = try await deployment.examine(["VOUCH_APP_ENVIRONMENTS": "Production"])
            try report.expect(.appStoreProduction, .fault, "allow Sandbox")
            #expect(report.findings(of: .appStoreSandbox).isEmpty)
            #expect(report.findings(of: .notificationsSandbox).isEmpty)
        }
    }

    @Test(
        "an answer that says nothing about the key leaves it unknown",
        arguments: [
            (SimulatedFault.Kind.throttled(retryAfterMilliseconds: nil), "request limit"),
            (.serverError(errorCode: 5_000_000, status: 500), "Apple has a fault"),
            (.status(404, body: "<html>", contentType: "text/html"), "proxy"),
            (.status(302, body: "", contentType: "text/html"), "proxy"), (.notJSON, "proxy"),
        ])
    func unknownAnswers(kind: SimulatedFault.Kind, words: String) async throws {
        try await DoctorFixture.with { deployment in
            try deployment.stack.simulator.inject(SimulatedFault(kind, times: nil))
            let report = try await deployment.examine()
            try report.expect(.appStoreProduction, .unknown, words)
            try report.expect(.appStoreSandbox, .unknown, words)
            #expect(report.exit == .unknown)
        }
    }

    @Test("a store that can't be reached is unknown, also its clock, and the network is named")
    func unreachable() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine([
                "VOUCH_APP_STORE_PRODUCTION_URL": "http://127.0.0.1:1",
                "VOUCH_APP_STORE_SANDBOX_URL": "http://127.0.0.1:1",
            ])
            try report.expect(.appStoreProduction, .unknown, "can't be reached", "443")
            try report.expect(.clockAppStore, .unknown)
            #expect(report.exit == .unknown)
        }
    }

    @Test(
        "a clock that differs from Apple's is a warning from 30 s on and a fault from 5 min on",
        arguments: [(20, DoctorResult.ok), (-60, .warning), (60, .warning), (600, .fault), (-600, .fault)]
            as [(Int64, DoctorResult)])
    func skew(seconds: Int64, result: DoctorResult) async throws {
        try await DoctorFixture.with { deployment in
            try deployment.stack.simulator.inject(SimulatedFault(.badDate(skewSeconds: seconds), times: nil))
            // The store's header is ahead, so this machine is behind.
            try await deployment.examine().expect(.clockAppStore, result, seconds > 0 ? "behind" : "ahead of")
        }
    }

    @Test("this machine's clock is fast: both clocks show it, and a 401 says that it is reason enough")
    func ownClock() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine(ahead: .minutes(10))
            try report.expect(.clockDatabase, .fault, "ahead of", "NTP")
            try report.expect(.clockAppStore, .fault, "ahead of")
            try report.expect(.appStoreProduction, .fault, "401", "clock is wrong")
            try report.expect(.appStoreSandbox, .fault, "401", "clock is wrong")
        }
    }

    @Test("a replaced root while a URL is Apple's is a fault, and the rest is looked at all the same")
    func foreignRoot() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await deployment.examine(["VOUCH_APP_STORE_PRODUCTION_URL": nil])
            try report.expect(.settings, .fault, "VOUCH_TRUSTED_ROOTS_FILE")
            try report.expect(.trustedRoots, .fault, "VOUCH_APP_STORE_PRODUCTION_URL", "SHA-256 ")
            try report.expect(.appStoreSandbox, .ok)
            #expect(report.exit == .fault)
            let own = try await deployment.examine(["VOUCH_TRUSTED_ROOTS_FILE": nil])
            try own.expect(.trustedRoots, .ok, "63:34:3A:BF", "Apple Root CA - G3")
        }
    }
}
