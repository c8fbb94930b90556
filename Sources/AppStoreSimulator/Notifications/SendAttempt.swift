/// How one attempt to deliver a notification went, in Apple's words (`sendAttemptResult`).
package enum SendAttemptResult: String, CaseIterable, Sendable {
    /// The receiver answered 200 to 206.
    case success = "SUCCESS"
    /// The answer took too long.
    case timedOut = "TIMED_OUT"
    /// No TLS connection: old protocol, incomplete or self-signed chain.
    case tlsIssue = "TLS_ISSUE"
    /// The receiver answered with a redirect; redirects aren't followed.
    case circularRedirect = "CIRCULAR_REDIRECT"
    /// Nobody answers at that address.
    case noResponse = "NO_RESPONSE"
    /// The connection failed on the way.
    case socketIssue = "SOCKET_ISSUE"
    /// The answer's character set isn't known.
    case unsupportedCharset = "UNSUPPORTED_CHARSET"
    /// The answer isn't HTTP.
    case invalidResponse = "INVALID_RESPONSE"
    /// The connection closed before the answer was complete.
    case prematureClose = "PREMATURE_CLOSE"
    /// The receiver answered with any other status.
    case unsuccessfulHTTPResponseCode = "UNSUCCESSFUL_HTTP_RESPONSE_CODE"
    /// Anything else.
    case other = "OTHER"

    /// What an HTTP status means to the sender.
    package init(status: Int) {
        self =
            switch status {
            case 200...206: .success
            case 300...399: .circularRedirect
            default: .unsuccessfulHTTPResponseCode
            }
    }
}

/// One attempt to deliver a notification.
package struct SendAttempt: Hashable, Sendable {
    /// When it was made: milliseconds since 1970 UTC, by the simulator's clock.
    package let attemptDate: Int64
    /// How it went.
    package let result: SendAttemptResult

    /// The entry of `sendAttempts` in the answers of the API.
    var json: SimulatorJSON {
        ["attemptDate": .integer(attemptDate), "sendAttemptResult": .string(result.rawValue)]
    }
}

/// When a notification that wasn't taken is sent again.
///
/// Source: Apple's "Responding to App Store Server Notifications": in production five times, counted from the attempt
/// before; in the sandbox never.
enum RetrySchedule {
    private static let productionHours: [Int64] = [1, 12, 24, 48, 72]

    /// The hours from the last of so many failed attempts to the next one; `nil`: there is none.
    static func hours(afterAttempts count: Int, in environment: SimulatedEnvironment) -> Int64? {
        switch environment {
        case .production: productionHours.indices.contains(count - 1) ? productionHours[count - 1] : nil
        case .sandbox: nil
        }
    }
}
