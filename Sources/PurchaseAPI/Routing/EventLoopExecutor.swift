import NIOCore

/// Runs a connection's tasks on the event loop that reads and writes it.
///
/// Elsewhere each request goes to another thread and its answer comes back, which on two cores is a fifth of an
/// entitlement read's time (docs/decisions/0017-requests-on-their-event-loop.md). So nothing that serves a request may
/// block its thread: it would block every connection of the loop.
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
