import PurchaseCore

/// Apple's word for what became of one attempt to deliver a notification (`sendAttemptResult`).
enum DoctorAttemptResult: Equatable, Sendable {
    case success
    case timedOut
    case tlsIssue
    case circularRedirect
    case noResponse
    case socketIssue
    case unsupportedCharset
    case invalidResponse
    case prematureClose
    case unsuccessfulHTTPResponseCode
    case other
    /// A word that Apple added later.
    case unknown(String)

    /// Every word that Apple documents.
    static let documented: [String: DoctorAttemptResult] = [
        "SUCCESS": .success, "TIMED_OUT": .timedOut, "TLS_ISSUE": .tlsIssue, "CIRCULAR_REDIRECT": .circularRedirect,
        "NO_RESPONSE": .noResponse, "SOCKET_ISSUE": .socketIssue, "UNSUPPORTED_CHARSET": .unsupportedCharset,
        "INVALID_RESPONSE": .invalidResponse, "PREMATURE_CLOSE": .prematureClose,
        "UNSUCCESSFUL_HTTP_RESPONSE_CODE": .unsuccessfulHTTPResponseCode, "OTHER": .other,
    ]

    /// Reads Apple's word.
    init(appleValue: String) { self = Self.documented[appleValue] ?? .unknown(appleValue) }

    /// Apple's word.
    var appleValue: String {
        if case .unknown(let word) = self { return word }
        return Self.documented.first { $0.value == self }?.key ?? ""
    }

    /// What is wrong, and what to do; `nil` for success.
    var explanation: (meaning: String, fix: String)? {
        switch self {
        case .success: nil
        case .timedOut:
            (
                "the URL took too long to answer",
                "look at what stands before the service, and at its load: a notification is answered as soon as it is stored"
            )
        case .tlsIssue:
            (
                "no TLS connection could be made",
                "serve TLS 1.2 or newer with a certificate of a public authority, the whole chain with the intermediate, "
                    + "valid for this host name; self-signed ones are refused"
            )
        case .circularRedirect:
            (
                "the URL redirects",
                "set the final URL in App Store Connect: https, the host without redirect, /v1/notifications/apple"
            )
        case .noResponse, .socketIssue:
            (
                "no connection came about, or nothing was answered",
                "let 17.0.0.0/8 through the firewall, and use port 443 or one from 1024 up; is the service running?"
            )
        case .unsupportedCharset:
            (
                "the answer names a character set that Apple can't read",
                "let the proxy pass the service's answer on unchanged: UTF-8"
            )
        case .invalidResponse:
            ("the answer is not valid HTTP", "look at the proxy, and at the port: does something else listen there?")
        case .prematureClose:
            (
                "the connection was closed before the answer was complete",
                "look at the proxy's time-outs and limits; bodies of 256 KiB must pass"
            )
        case .unsuccessfulHTTPResponseCode:
            (
                "the URL answered with another status than 200",
                "the path must be /v1/notifications/apple on the address of VOUCH_HTTP_ADDRESS; another server, a sign-in, or "
                    + "a bot filter may stand there. 503 is the service's own fault: see its log"
            )
        case .other:
            ("Apple names no cause", "try the URL from outside; run it again, and look at the proxy's log")
        case .unknown(let word):
            (
                "a result that this version doesn't know: \(Printable.quote(word, scalarsMax: 80))",
                "look it up in Apple's documentation of sendAttemptResult"
            )
        }
    }
}

/// What became of the test notification of one environment.
enum DoctorNotificationAnswer: Equatable, Sendable {
    /// No notification URL is set in App Store Connect for this environment (4040007).
    case noURL
    /// Apple did not take the request.
    case refused(DoctorTokenAnswer)
    /// Apple took it, and said nothing about an attempt for as long as was waited.
    case noAttempt
    /// Apple tried.
    case attempted(Attempted)
    /// Not asked; why.
    case notAsked(String)
    /// Not asked, and that is as it should be.
    case notDue(String)

    /// An attempt, and what came of it here.
    struct Attempted: Equatable, Sendable {
        /// Success if any attempt was one, else the newest.
        var result: DoctorAttemptResult
        /// Whether Vouch's database has it; `nil`: it can't be said.
        var arrived: Bool?
        /// Why the payload does not verify, as `step/code`; `nil` when it does, or only a clock stands against it.
        var refusal: String?
        /// The app that the payload names, if another than this deployment's.
        var otherBundleID: String?
        /// The app's number that the payload names, if another than this deployment's.
        var otherAppAppleID: Int64?
    }
}

extension DoctorFinding {
    /// The notifications of one environment.
    static func notifications(
        _ environment: StoreEnvironment, _ answer: DoctorNotificationAnswer
    ) -> DoctorFinding {
        let check = environment.notificationsCheck
        let name = environment.rawValue
        switch answer {
        case .notDue(let why): return .ok(check, why)
        case .notAsked(let why): return .notLookedAt(check, why)
        case .noURL:
            return .fault(
                check, "no notification URL is set for \(name) in App Store Connect (4040007)",
                fix:
                    "App Store Connect, the app, App Information, App Store Server Notifications: set the \(name) Server "
                    + "URL, version 2, to https://HOST/v1/notifications/apple")
        case .refused(.unauthorized):
            return .notLookedAt(check, "a test notification was answered 401: see \(environment.tokenCheck.rawValue)")
        case .refused(.throttled):
            return .unknown(
                check, "Apple allows one test a second and answers 429", fix: "run it again in some minutes")
        case .refused:
            return .unknown(
                check, "Apple could not be asked for a test notification", fix: "run it again in some minutes")
        case .noAttempt:
            return .unknown(
                check, "Apple took the request and reports no attempt yet",
                fix: "run it again in some minutes; Apple is sometimes slow")
        case .attempted(let attempted): return .attempted(check, attempted)
        }
    }

    private static func attempted(
        _ check: DoctorCheck, _ attempted: DoctorNotificationAnswer.Attempted
    ) -> DoctorFinding {
        if let refusal = attempted.refusal {
            return .fault(
                check, "the test notification does not verify: \(refusal)",
                fix: "see trusted_roots; the URLs of the App Store and the root must be of the same store")
        }
        if let other = attempted.otherBundleID {
            return .fault(
                check, "the test notification is about \(Printable.quote(other))",
                fix: "correct VOUCH_APP_BUNDLE_ID, capitals too")
        }
        if let other = attempted.otherAppAppleID {
            return .fault(
                check, "the test notification names the app \(other), so the service refuses what Apple sends",
                fix: "correct VOUCH_APP_APPLE_ID")
        }
        if let (meaning, fix) = attempted.result.explanation {
            let got = attempted.arrived == true ? "; Vouch has it, so its answer was lost on the way back" : ""
            return .fault(check, "Apple could not deliver (\(attempted.result.appleValue)): \(meaning)\(got)", fix: fix)
        }
        switch attempted.arrived {
        case true?: return .ok(check, "the test notification arrived")
        case false?:
            return .fault(
                check, "Apple delivered, and this database did not get it: the URL leads to another server",
                fix: "compare the URL in App Store Connect with this deployment; a fan-out must pass notifications on")
        case nil:
            return .unknown(
                check, "Apple delivered; it can't be said whether here",
                fix: "see database and database_schema, then run it again")
        }
    }
}
