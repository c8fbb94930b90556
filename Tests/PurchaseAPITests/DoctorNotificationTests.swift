import AppStoreSimulator
import PurchaseCore
import Testing

@testable import vouch

@Suite("vouch doctor: test notifications")
struct DoctorNotificationTests {
    private typealias Sender = @Sendable (NotificationDelivery) async -> SendAttemptResult

    /// Examines a deployment whose notification URLs are set, while the store makes its attempts in this way.
    private func examine(
        _ deployment: DoctorFixture, _ changes: [String: String?] = [:],
        sender: @escaping Sender
    ) async throws -> DoctorReport {
        let simulator = deployment.stack.simulator
        for environment in SimulatedEnvironment.allCases {
            try simulator.setNotificationURL("https://vouch.example.com/v1/notifications/apple", in: environment)
        }
        return try await deployment.examine(
            changes, onPause: { _ = try await simulator.deliverDue(using: sender) })
    }

    /// Delivers to the deployment itself.
    private func delivering(to stack: TestStack) -> Sender {
        { delivery in
            guard let answer = try? await stack.deliver(delivery.signedPayload) else { return .noResponse }
            return SendAttemptResult(status: answer.status)
        }
    }

    @Test("a deployment that is right in everything ends with 0")
    func arrived() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await examine(deployment, sender: delivering(to: deployment.stack))
            try report.expect(.notificationsProduction, .ok, "arrived")
            try report.expect(.notificationsSandbox, .ok, "arrived")
            #expect(report.exit == .well, "\(report.lines)")
        }
    }

    @Test("a delivery to another server counts as a success for Apple, and is a fault here")
    func elsewhere() async throws {
        try await DoctorFixture.with { deployment in
            // That others arrived here says nothing about this one.
            _ = try deployment.stack.bought()
            #expect(try await deployment.stack.deliver(deployment.stack.newest("ONE_TIME_CHARGE")).status == 200)
            let report = try await examine(deployment) { _ in .success }
            try report.expect(.notificationsProduction, .fault, "another server")
            #expect(report.exit == .fault)
        }
    }

    @Test(
        "what Apple says of a failed attempt is translated",
        arguments: [
            (SendAttemptResult.tlsIssue, "TLS 1.2"), (.circularRedirect, "redirect"), (.noResponse, "17.0.0.0/8"),
            (.unsuccessfulHTTPResponseCode, "/v1/notifications/apple"),
        ])
    func failures(result: SendAttemptResult, words: String) async throws {
        try await DoctorFixture.with { deployment in
            let report = try await examine(deployment) { _ in result }
            try report.expect(.notificationsProduction, .fault, result.rawValue, words)
            try report.expect(.notificationsSandbox, .fault, result.rawValue, words)
        }
    }

    @Test("a notification that arrived, and whose answer did not, says so")
    func lostAnswer() async throws {
        try await DoctorFixture.with { deployment in
            let deliver = delivering(to: deployment.stack)
            let report = try await examine(deployment) { delivery in
                _ = await deliver(delivery)
                return .timedOut
            }
            try report.expect(.notificationsProduction, .fault, "TIMED_OUT", "Vouch has it")
        }
    }

    @Test("no attempt within the wait is unknown")
    func noAttempt() async throws {
        try await DoctorFixture.with { deployment in
            for environment in SimulatedEnvironment.allCases {
                try deployment.stack.simulator.setNotificationURL("https://vouch.example.com/", in: environment)
            }
            var limits = DoctorExamination.Limits()
            limits.attempt = .milliseconds(200)
            let report = try await deployment.examine(limits: limits)
            try report.expect(.notificationsProduction, .unknown, "no attempt yet")
        }
    }

    @Test("a wrong app number, which Production's notifications carry, is named")
    func otherNumber() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await examine(
                deployment, ["VOUCH_APP_APPLE_ID": "99"], sender: delivering(to: deployment.stack))
            try report.expect(.notificationsProduction, .fault, "1234567890", "VOUCH_APP_APPLE_ID")
            try report.expect(.notificationsSandbox, .ok)
        }
    }

    @Test("a notification under another root than the trusted one does not verify")
    func otherRoot() async throws {
        try await DoctorFixture.with { deployment in
            let report = try await examine(
                deployment, ["VOUCH_TRUSTED_ROOTS_FILE": nil], sender: delivering(to: deployment.stack))
            try report.expect(.notificationsProduction, .fault, "does not verify", "chain")
        }
    }
}
