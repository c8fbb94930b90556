/// The metadata keys of this module's log lines.
enum LogKey: String {
    case catalogue
    case error
}
