import HTTPTypes
import NIOCore
import PurchaseCore
import PurchaseService

/// Why there is no page to show but one that says so: what happened, and what to do about it.
struct ConsoleError: Error, Sendable {
    /// The status of the answer.
    let status: HTTPResponse.Status
    /// One line.
    let title: String
    /// What happened, and the way out; safe to show.
    var text: String
    /// The faulty parts of the request, for people.
    var details: [String] = []
    /// Seconds until the same may succeed.
    var retryAfterSeconds: Int?
    /// Methods that the address knows.
    var allowed: [HTTPRequest.Method] = []
    /// What happened, for the log alone.
    var cause: String?

    init(_ status: HTTPResponse.Status, _ title: String, _ text: String) {
        self.status = status
        self.title = title
        self.text = text
    }

    static let noSuchPage = ConsoleError(
        .notFound, "There is no such page", "The address leads nowhere. Begin at the start page, or search.")
    static let notFound = ConsoleError(
        .notFound, "There is nothing here",
        "Vouch has recorded nothing under this number. Check it for a missing or doubled digit, or search for what else "
            + "the customer has: an order id, an account.")
    static let forbidden = ConsoleError(
        .forbidden, "Your key may not see this",
        "This page is for another role. Customers are for the role support, money is for the role finance. If you need "
            + "both, ask for a key that has both.")
    static let foreignForm = ConsoleError(
        .forbidden, "The form did not come from this console",
        "Nothing was done. The form was sent from another site, by a browser that does not say from where, or from a "
            + "page of an earlier session. Open the page again and send it from there. If that never helps, the proxy in "
            + "front of Vouch does not pass on the host that the browser asked for.")
    static let overloaded = retry(
        after: 1, "Too much is going on", "Nothing was done. Try again in a moment.")
    static let tooSlow = retry(
        after: 1, "It took too long",
        "The answer was not there in time. What you asked for may have been done: look before you send it again.")
    static let formTooLarge = ConsoleError(
        .contentTooLarge, "The form is too large", "Nothing was done. Shorten what you wrote.")
    static let notAForm = ConsoleError(
        .unsupportedMediaType, "This is not a form", "Nothing was done. Send application/x-www-form-urlencoded.")

    static func methodNotAllowed(_ methods: [HTTPRequest.Method]) -> ConsoleError {
        var error = ConsoleError(
            .methodNotAllowed, "This address takes no such request", "Open the page and use the form on it.")
        error.allowed = methods
        return error
    }

    static func invalid(_ details: [String]) -> ConsoleError {
        var error = ConsoleError(.badRequest, "The address is not right", "These parts of it could not be used:")
        error.details = details
        return error
    }

    static func fault(_ cause: String) -> ConsoleError {
        var error = ConsoleError(
            .internalServerError, "Something failed in Vouch",
            "It is not your doing. Tell your operators the number below: the log has the cause under it.")
        error.cause = cause
        return error
    }

    private static func retry(after seconds: Int, _ title: String, _ text: String) -> ConsoleError {
        var error = ConsoleError(.serviceUnavailable, title, text)
        error.retryAfterSeconds = seconds
        return error
    }

    /// The page that any error amounts to; what nobody foresaw is a fault of ours.
    init(_ error: any Error) {
        switch error {
        case let error as ConsoleError: self = error
        case let error as ServiceError: self.init(error)
        case is NIOTooManyBytesError: self = .formTooLarge
        case is CancellationError: self = .overloaded
        default: self = .fault("an error of type \(String(reflecting: Swift.type(of: error)))")
        }
    }

    /// The page that a use case's error amounts to.
    init(_ error: ServiceError) {
        switch error {
        case .notFound: self = .notFound
        case .orderNotFound:
            self = ConsoleError(
                .notFound, "Apple knows no such order",
                "No order of this app has this id. Compare it with the customer's e-mail from Apple: order ids exist for "
                    + "real purchases alone, not for the Sandbox.")
        case .evidenceErased:
            self = ConsoleError(
                .gone, "The signed proof was erased",
                "It was deleted with the account's data. What it decided stays in the ledger and is explained on the "
                    + "transaction's page.")
        case .appStoreUnavailable(let seconds):
            self = .retry(
                after: seconds, "Apple gave no usable answer", "Apple cannot be asked now. Asking again is safe.")
        case .overrideLimit:
            self = ConsoleError(
                .conflict, "The account has too many decisions in force",
                "It has \(Override.liveMax), which is the most. End one of them, then make the next.")
        case .grantCancelled:
            self = ConsoleError(.conflict, "The delivery is cancelled", "The purchase was refunded before.")
        case .asOfNotSettled:
            self = ConsoleError(
                .conflict, "The ledger has not come that far", "Leave the position out to take the newest one.")
        case .invalid(let parameter, let rule): self = .invalid(["\(parameter): \(rule)"])
        case .rateLimited(let seconds):
            self = .retry(after: seconds, "There are too many of these", "Nothing was done. Try again later.")
        case .beingErased(let seconds):
            self = .retry(
                after: seconds, "The account is being erased",
                "Nothing was done. Try again when that has come to its end.")
        case .overloaded(let seconds):
            self = .overloaded
            retryAfterSeconds = seconds
        case .unavailable(let seconds), .identityUnavailable(let seconds):
            self = .retry(
                after: seconds, "The database cannot be reached",
                "What you asked for may have been done: look before you send it again.")
        case .fault(let cause): self = .fault(cause)
        }
    }
}
