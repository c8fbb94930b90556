/// The metadata keys of this module's log lines; never a value of a row or a password.
enum LogKey: String {
    case error
    case lane
}
