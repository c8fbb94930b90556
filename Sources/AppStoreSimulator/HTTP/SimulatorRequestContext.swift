package import Hummingbird
package import NIOCore

/// A request's context that also knows its connection, which some faults have to touch.
package struct SimulatorRequestContext: RequestContext {
    /// Hummingbird's part.
    package var coreContext: CoreRequestContextStorage
    /// The connection.
    package let channel: any Channel

    /// Takes both from the server.
    package init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
    }
}
