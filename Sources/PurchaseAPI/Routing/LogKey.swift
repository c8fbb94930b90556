/// The metadata keys of this module's log lines; never a query, a body, a key or an account.
enum LogKey: String {
    case actor
    case asOf = "as_of"
    case cause
    case code
    case count
    case durationMilliseconds = "duration_ms"
    case method
    case requestID = "request_id"
    case route
    case rows
    case status
}
