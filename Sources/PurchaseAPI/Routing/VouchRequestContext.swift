package import Hummingbird
package import NIOCore
import PurchaseService

/// What is known of a request beyond its bytes: its id, and its caller once authenticated.
package struct VouchRequestContext: RequestContext {
    /// Hummingbird's part.
    package var coreContext: CoreRequestContextStorage
    /// The connection, whose event loop keeps the time limit.
    package let channel: any Channel
    /// Names the exchange: `[A-Za-z0-9._-]{1,64}`, and empty before the first middleware.
    package internal(set) var requestID: String
    /// Who calls; `nil` on public operations.
    var caller: Caller?
    /// The place that a post took when it arrived; `nil` where it has none yet, and on other operations.
    var recordingPlace: RecordingPlace?

    /// Takes the connection and the logger from the server.
    package init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
        self.requestID = ""
    }

    /// The caller of an operation that isn't public.
    func authenticatedCaller() throws(Problem) -> Caller {
        guard let caller else { throw .fault("an operation with roles was reached without authentication") }
        return caller
    }
}
