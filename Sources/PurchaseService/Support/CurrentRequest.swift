package import Logging

/// Which request the running task works for: for log lines, and for nothing else.
///
/// The one task-local of the project (`docs/decisions/0008-request-id-is-task-local.md`). No decision reads it.
package enum CurrentRequest {
    /// The request's id, `[A-Za-z0-9._-]{1,64}`; `nil` in work that no request started.
    ///
    /// Child tasks inherit it. Work that is handed to another task through a queue carries it along and sets it anew.
    @TaskLocal package static var id: String?

    /// Adds `request_id` to every log line that is written while a request is worked on.
    package static let metadataProvider = Logger.MetadataProvider {
        id.map { [LogKey.requestID.rawValue: .string($0)] } ?? [:]
    }
}
