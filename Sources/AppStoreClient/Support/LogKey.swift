/// The metadata keys of this module's log lines; never a token, a key, a JWS or a body.
enum LogKey: String {
    case clockSkewSeconds = "clock_skew_seconds"
    case endpoint
    case environment
    case errorCode = "error_code"
    case status
}
