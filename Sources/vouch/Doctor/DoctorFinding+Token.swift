import AppStoreClient
import PurchaseCore
import PurchaseService

/// What an environment of the App Store said to our key.
///
/// The question is about the subscriptions of transaction 1, which nobody has: "not found" is the best answer.
enum DoctorTokenAnswer: Equatable, Sendable {
    /// The token was accepted.
    case accepted
    /// 401.
    case unauthorized
    /// The token was accepted, and the app or the request was not.
    case refused(status: Int, errorCode: Int64?)
    /// 429.
    case throttled
    /// No answer, or one of a server in trouble.
    case unavailable(AppStoreOutage)
    /// An answer that the App Store Server API doesn't give.
    case notApple(String)
    /// Not asked; why.
    case notAsked(String)

    private static let invalidAppIdentifier: Int64 = 4_000_002
    private static let appNotFound: Int64 = 4_040_003
    private static let appNotFoundRetryable: Int64 = 4_040_004

    /// Reads the reply to Get All Subscription Statuses.
    init<Body>(_ reply: AppStoreReply<Body>) {
        switch reply {
        case .answered, .notFound: self = .accepted
        case .unauthorized: self = .unauthorized
        case .throttled: self = .throttled
        case .malformed(let reason): self = .notApple(reason)
        case .refusedRequest(let status, let code?):
            let isAboutUs = status == 403 || code == Self.invalidAppIdentifier || code == Self.appNotFound
            self = isAboutUs ? .refused(status: status, errorCode: code) : .accepted
        case .refusedRequest(403, nil): self = .refused(status: 403, errorCode: nil)
        case .refusedRequest(let status, nil): self = .notApple("HTTP \(status) without one of Apple's codes")
        case .unavailable(.notFoundRetryable(let code?)) where code != Self.appNotFoundRetryable: self = .accepted
        case .unavailable(.notFoundRetryable(nil)): self = .notApple("HTTP 404 without one of Apple's codes")
        case .unavailable(.unexpectedStatus(let status)): self = .notApple("HTTP \(status)")
        case .unavailable(let outage): self = .unavailable(outage)
        }
    }
}

/// Everything that the diagnosis of the key takes into account.
struct DoctorTokenFacts: Equatable, Sendable {
    /// One answer for each allowed environment.
    var answers: [StoreEnvironment: DoctorTokenAnswer]
    /// `VOUCH_APP_UNRELEASED`.
    var isUnreleased: Bool
    /// Our clock minus Apple's; `nil` if unknown.
    var skew: Duration?
    /// Whether the key file is named as App Store Connect names API keys.
    var isNamedLikeAPIKey = false

    /// A finding for each allowed environment, Production first.
    var findings: [DoctorFinding] {
        answers.keys.sorted().compactMap { environment in
            answers[environment].map { finding(environment, $0) }
        }
    }

    private func finding(_ environment: StoreEnvironment, _ answer: DoctorTokenAnswer) -> DoctorFinding {
        let check = environment.tokenCheck
        switch answer {
        case .accepted: return accepted(environment)
        case .unauthorized:
            switch environment {
            case .production: return productionUnauthorized
            case .sandbox: return sandboxUnauthorized
            }
        case .refused(let status, let code):
            let number = code.map { " (\($0))" } ?? ""
            return .fault(
                check, "\(environment.rawValue) knows the key and refuses the app: HTTP \(status)\(number)",
                fix:
                    "compare VOUCH_APP_BUNDLE_ID, capitals too, with App Store Connect: the key speaks for its team's apps alone"
            )
        case .throttled:
            return .unknown(
                check, "\(environment.rawValue) answers 429: the app's request limit is used up",
                fix: "run it again in some minutes; see VOUCH_APP_STORE_REQUESTS_PER_SECOND, and who else uses the key")
        case .unavailable(let outage): return .unknown(check, Self.detail(outage, environment), fix: Self.fix(outage))
        case .notApple(let what):
            return .unknown(
                check, "something that isn't the App Store Server API answers for \(environment.rawValue): \(what)",
                fix: "look for a proxy in between, and at \(Self.urlSetting(environment))")
        case .notAsked(let why): return .unknown(check, why, fix: "correct that first, then run it again")
        }
    }

    private func accepted(_ environment: StoreEnvironment) -> DoctorFinding {
        guard environment == .production, isUnreleased else {
            return .ok(environment.tokenCheck, "\(environment.rawValue) accepts the key")
        }
        return .warning(
            .appStoreProduction, "Production accepts the key, so the app is released, and VOUCH_APP_UNRELEASED is true",
            fix: "set VOUCH_APP_UNRELEASED to false: it lets every account in the Sandbox be entitled by default")
    }

    /// A 401 of Production is the ambiguous one: before an app's first release it answers nothing else.
    private var productionUnauthorized: DoctorFinding {
        switch (answers[.sandbox], isUnreleased) {
        case (.accepted?, true):
            return .ok(.appStoreProduction, "Production answers 401, as it does until the app's first release")
        case (.accepted?, false):
            return .fault(
                .appStoreProduction,
                "Production answers 401 and Sandbox accepts the same key: the app was never released in the App Store",
                fix: "set VOUCH_APP_UNRELEASED to true until the first release; if there was one, compare "
                    + "VOUCH_APP_BUNDLE_ID, capitals too, with the released app's")
        case (.unauthorized?, _):
            return .fault(.appStoreProduction, "Production answers 401, and so does Sandbox\(clockHint)", fix: keyFix)
        case (_, true):
            return .unknown(
                .appStoreProduction, "Production answers 401, as for an app without a release; Sandbox says nothing",
                fix: "get an answer of Sandbox first: see app_store_sandbox")
        case (_, false):
            return .fault(
                .appStoreProduction,
                "Production answers 401: the app was never released, or the key is not accepted\(clockHint)",
                fix: "allow Sandbox in VOUCH_APP_ENVIRONMENTS and run it again: if Sandbox accepts the key, set "
                    + "VOUCH_APP_UNRELEASED to true; if not, \(keyFix)")
        }
    }

    private var sandboxUnauthorized: DoctorFinding {
        if answers[.production] == .accepted {
            return .fault(
                .appStoreSandbox,
                "Sandbox answers 401 and Production accepts the same key; Apple names no cause",
                fix:
                    "run it again in an hour, since new keys take time; then make another In-App Purchase key. App Review "
                    + "and TestFlight buy in the Sandbox, and stay pending meanwhile")
        }
        return .fault(.appStoreSandbox, "Sandbox answers 401: the key is not accepted\(clockHint)", fix: keyFix)
    }

    private var clockHint: String {
        guard let skew, skew > ClockSkew.suspicious || skew < .zero - ClockSkew.suspicious else { return "" }
        return "; and this machine's clock is wrong, which is reason enough"
    }

    private var keyFix: String {
        let family =
            isNamedLikeAPIKey
            ? "The file is named AuthKey_…, as App Store Connect API keys are; In-App Purchase keys are named "
                + "SubscriptionKey_…"
            : "App Store Connect API keys look the same and are always refused"
        return "in App Store Connect, Users and Access, Integrations, In-App Purchase: compare the key id with "
            + "VOUCH_APP_KEY_ID, the issuer id with VOUCH_APP_ISSUER_ID, the bundle id (capitals too) with "
            + "VOUCH_APP_BUNDLE_ID, and make sure the .p8 file is that key's and not revoked. \(family)"
    }

    private static func detail(_ outage: AppStoreOutage, _ environment: StoreEnvironment) -> String {
        let name = environment.rawValue
        switch outage {
        case .serverError(let status, _): return "\(name) answers with HTTP \(status): Apple has a fault"
        case .notFoundRetryable: return "\(name) can't answer now, and asks to try again"
        case .unexpectedStatus(let status): return "\(name) answers with HTTP \(status)"
        case .timedOut: return "\(name) did not answer in time"
        case .connectionFailed: return "\(name) can't be reached: no address, no route, or no TLS connection"
        case .budgetUnavailable, .budgetExhausted: return "\(name) was not asked: the request budget is used up"
        case .cancelled: return "interrupted before \(name) answered"
        case .invalidIdentifier, .tokenNotSigned: return "no token could be signed for \(name)"
        }
    }

    private static func fix(_ outage: AppStoreOutage) -> String {
        switch outage {
        case .serverError, .notFoundRetryable, .cancelled:
            "run it again in some minutes; purchases stay pending meanwhile"
        case .timedOut, .connectionFailed:
            "allow outgoing HTTPS (port 443) to the App Store's host, look at the name service, and let no proxy open TLS"
        case .budgetUnavailable, .budgetExhausted: "run it again when the service is less busy with Apple"
        case .unexpectedStatus: "look for a proxy in between"
        case .invalidIdentifier, .tokenNotSigned: "see private_key"
        }
    }

    private static func urlSetting(_ environment: StoreEnvironment) -> String {
        switch environment {
        case .production: SettingName.appStoreProductionURL.rawValue
        case .sandbox: SettingName.appStoreSandboxURL.rawValue
        }
    }
}
