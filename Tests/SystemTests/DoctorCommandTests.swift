import Foundation
import TestSupport
import Testing

@Suite("vouch doctor, the command")
struct DoctorCommandTests {
    /// Runs the command to its end; its exit code and everything that it printed.
    private func doctor(_ arguments: [String] = [], _ environment: [String: String]) throws -> (Int32, String) {
        do {
            return (0, try Installation.vouch(["doctor"] + arguments, environment))
        } catch let failure as Shell.Failure {
            return (failure.code, failure.output)
        }
    }

    @Test("a missing notification URL ends with 1, in JSON and in text, and an unreachable store with 2")
    func codes() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri, ["VOUCH_OCSP": "off"]) { vouch in
                let (code, output) = try doctor(["--json"], vouch.environment)
                let json = try JSONValue(parsing: Array(output.utf8))
                #expect(code == 1 && json["exitCode"] == .integer(1), "\(output)")
                let results = Dictionary(
                    (json["checks"]?.items ?? []).map { ($0["check"]?.text ?? "", $0["result"]?.text ?? "") },
                    uniquingKeysWith: { first, _ in first })
                #expect(results["app_store_production"] == "ok" && results["database_privileges"] == "ok", "\(output)")
                #expect(results["notifications_sandbox"] == "fault", "\(output)")

                let (textCode, text) = try doctor([], vouch.environment)
                #expect(textCode == 1 && text.contains("notifications_production  fault"), "\(text)")

                let nowhere = "http://127.0.0.1:1"
                let (lostCode, lost) = try doctor(
                    [],
                    vouch.environment.merging([
                        "VOUCH_APP_STORE_PRODUCTION_URL": nowhere, "VOUCH_APP_STORE_SANDBOX_URL": nowhere,
                    ]) { $1 })
                #expect(lostCode == 2 && lost.contains("can't be reached"), "\(lost)")
            }
        }
    }

    @Test("without any setting it still looks at what it can, and ends with 1")
    func nothing() throws {
        let (code, output) = try doctor([], ["VOUCH_OCSP": "off"])
        #expect(code == 1 && output.contains("VOUCH_DATABASE_URL: required"), "\(output)")
        #expect(output.contains("app_store_sandbox"), "\(output)")
    }
}
