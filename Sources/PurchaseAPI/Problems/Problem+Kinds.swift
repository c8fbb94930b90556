import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseCore
import PurchaseService

extension Problem {
    /// Seconds that `Retry-After` may name: at least one, at most a day.
    private static let pauseSeconds = 1...86_400

    static let forbidden = Problem(.forbidden, "The key has none of the roles that may call this operation.")
    static let notFound = Problem(.notFound, "Nothing under this address that the caller may see.")
    static let orderNotFound = Problem(
        .orderNotFound, "Apple knows no such order of this app. Order ids exist for real purchases alone.")
    static let evidenceErased = Problem(
        .evidenceErased, "The signed text was erased with the account's data; what it decided stays in the ledger.")
    static let grantCancelled = Problem(
        .grantCancelled, "The purchase was refunded before this grant was acknowledged.")
    static let overrideLimit = Problem(
        .overrideLimit, "The account has \(Override.liveMax) overrides in force. End one, then make the next.")
    static let asOfNotSettled = Problem(
        .asOfNotSettled, "asOf is larger than the newest position of the ledger. Leave it out for the newest.")
    /// The request body didn't arrive, or the use case didn't end, within the time limit.
    static let tooSlow = retry(.overloaded, after: 1, "The request was not done in time. Sending it again is safe.")

    /// The process was told to stop, and still answers what comes.
    static let draining = retry(.notReady, after: 5, "The process is about to stop.")

    static func invalidRequest(_ faults: [Fault]) -> Problem {
        var problem = Problem(.invalidRequest, "See `errors`.")
        problem.faults = faults
        return problem
    }

    static func notificationRefused(_ detail: String) -> Problem { Problem(.notificationRefused, detail) }

    static func unauthenticated(credentialSent: Bool) -> Problem {
        var problem = Problem(.unauthenticated, "Send a valid key in the header Authorization.")
        problem.headers[.wwwAuthenticate] = credentialSent ? #"Bearer error="invalid_token""# : "Bearer"
        return problem
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Problem {
        var problem = Problem(.methodNotAllowed, "The header Allow lists the methods that are.")
        problem.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        return problem
    }

    static func payloadTooLarge(maximumBytes: Int) -> Problem {
        Problem(.payloadTooLarge, "A request body holds at most \(maximumBytes) bytes.")
    }

    static func unsupportedMediaType(_ detail: String) -> Problem { Problem(.unsupportedMediaType, detail) }

    static func overloaded(retryAfterSeconds: Int) -> Problem {
        retry(.overloaded, after: retryAfterSeconds, "Too much is waiting. Nothing is stored; ask again later.")
    }

    /// There are more posts than can be done; nothing of this one was looked at.
    static let shed = overloaded(retryAfterSeconds: 1)

    static func notReady(_ cause: String) -> Problem {
        var problem = retry(.notReady, after: 5, "The database cannot be reached, or has another schema.")
        problem.cause = cause
        return problem
    }

    /// A fault of ours; the cause goes to the log, never to the client.
    static func fault(_ cause: String) -> Problem {
        var problem = Problem(.internalError, "The failure is logged under the request id.")
        problem.cause = cause
        return problem
    }

    private static func retry(_ code: ProblemCode, after seconds: Int, _ detail: String) -> Problem {
        var problem = Problem(code, detail)
        problem.retryAfterSeconds = clampedPause(seconds)
        return problem
    }

    /// Whole seconds for `Retry-After`.
    static func clampedPause(_ seconds: Int) -> Int {
        min(max(seconds, pauseSeconds.lowerBound), pauseSeconds.upperBound)
    }

    /// Whole seconds for `Retry-After` until an instant, rounded up.
    static func pauseSeconds(until instant: Instant, now: Instant) -> Int {
        let (seconds, rest) = (instant - now).milliseconds.quotientAndRemainder(dividingBy: 1_000)
        return clampedPause(Int(seconds) + (rest > 0 ? 1 : 0))
    }

    /// The problem that a use case's error is.
    init(_ error: ServiceError) {
        switch error {
        case .notFound: self = .notFound
        case .orderNotFound: self = .orderNotFound
        case .evidenceErased: self = .evidenceErased
        case .appStoreUnavailable(let seconds):
            self = .retry(
                .appStoreUnavailable, after: seconds,
                "Apple cannot be asked now, or gave no usable answer. Asking again is safe.")
        case .grantCancelled: self = .grantCancelled
        case .overrideLimit: self = .overrideLimit
        case .asOfNotSettled: self = .asOfNotSettled
        case .invalid(let parameter, let rule):
            self = .invalidRequest([Fault(pointer: "/query/" + parameter, detail: rule)])
        case .rateLimited(let seconds):
            self = .retry(.rateLimited, after: seconds, "There are too many of these already. Nothing is stored.")
        case .beingErased(let seconds):
            self = .retry(
                .overloaded, after: seconds,
                "The account is being erased. Nothing is stored; the same request is taken once that is done.")
        case .overloaded(let seconds): self = .overloaded(retryAfterSeconds: seconds)
        case .unavailable(let seconds):
            self = .retry(
                .overloaded, after: seconds,
                "The ledger cannot be reached, or its answer is not known. Sending the same request again is safe.")
        case .identityUnavailable(let seconds):
            self = .retry(
                .overloaded, after: seconds,
                "The keys of the identity provider cannot be read, so the token can't be judged. Nothing is stored.")
        case .fault(let cause): self = .fault(cause)
        }
    }

    /// The problem that any error is, for a request to `path` (as sent); what nobody foresaw is a fault of ours.
    init(_ error: any Error, path: String, maximumBodyBytes: Int) {
        switch error {
        case let problem as Problem: self = problem
        case let error as ServiceError: self.init(error)
        case is NIOTooManyBytesError: self = .payloadTooLarge(maximumBytes: maximumBodyBytes)
        case is CancellationError: self = .retry(.overloaded, after: 1, "The service is stopping. Ask again.")
        case let error as HTTPError: self.init(error, path: path, maximumBodyBytes: maximumBodyBytes)
        default: self = .fault("an error of type \(String(reflecting: Swift.type(of: error)))")
        }
    }

    /// Hummingbird's own errors: above all a path, or a method, that no route has.
    private init(_ error: HTTPError, path: String, maximumBodyBytes: Int) {
        switch error.status {
        case .notFound:
            let methods = APIOperation.methods(ofPath: path)
            self = methods.isEmpty ? .notFound : .methodNotAllowed(methods)
        case .contentTooLarge: self = .payloadTooLarge(maximumBytes: maximumBodyBytes)
        case .unsupportedMediaType: self = .unsupportedMediaType("Send application/json.")
        case .badRequest: self = .invalidRequest([Fault(pointer: "", detail: "The request can't be read.")])
        default: self = .fault("the HTTP library answered \(error.status.code)")
        }
    }
}
