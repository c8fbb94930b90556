/// The metadata keys of this module's log lines; never a JWS, a token, a key or an account.
enum LogKey: String {
    case actor
    case alarm
    case chain
    case code
    case doubt
    case environment
    case error
    case events
    case fault
    case lane
    case new
    case notification
    case origin
    case outcome
    case refused
    case requestID = "request_id"
    case rule
    case seen
    case status
    case step
    case subtype
    case type
    case transaction
    case transactions
}
