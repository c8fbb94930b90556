import Histogram
import NIOCore
import NIOPosix

/// One load against one server, on one event loop: who may send when, and how long answers took.
// SAFETY: every method and property is used on `loop` alone; only `perform` is called from elsewhere.
final class LoadRun: @unchecked Sendable {
    private let plan: LoadPlan
    private let loop: any EventLoop
    private let done: EventLoopPromise<LoadResult>
    private var idle: [LoadConnection] = []
    /// When requests were due that no connection was free for; a ring, since it may grow long behind a slow server.
    private var due = CircularBuffer<NIODeadline>()
    private var result = LoadResult()
    private var connected: [LoadConnection] = []
    private var outstanding = 0
    private var isFinished = false
    private var startedAt = NIODeadline.now()
    private var windowStart = NIODeadline.now()
    private var windowEnd = NIODeadline.distantFuture
    private var nextArrival = 0
    private var lastAnswer = NIODeadline.now()

    /// How long an open loop waits for what was due when its window ends.
    private static let drainMax = TimeAmount.seconds(5)

    private init(_ plan: LoadPlan, on loop: any EventLoop) {
        self.plan = plan
        self.loop = loop
        done = loop.makePromise()
    }

    /// Runs a load to its end; the connections are made before the first request is due, and closed at the end.
    ///
    /// Throws ``BenchFailure``, and NIO's errors when a connection can't be made or breaks.
    static func perform(_ plan: LoadPlan, on group: MultiThreadedEventLoopGroup) async throws -> LoadResult {
        let loop = group.next()
        let run = LoadRun(plan, on: loop)
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LoadConnection(run))
                }
            }
        var channels: [any Channel] = []
        do {
            for number in 0..<plan.connections {
                let port = plan.ports[number % plan.ports.count]
                channels.append(try await bootstrap.connect(host: "127.0.0.1", port: port).get())
            }
            try await loop.scheduleTask(deadline: plan.beginAt ?? .now()) { run.begin() }.futureResult.get()
            let result = try await run.done.futureResult.get()
            for channel in channels { try? await channel.close() }
            return result
        } catch {
            run.done.fail(error)
            for channel in channels { try? await channel.close() }
            throw error
        }
    }

    // MARK: Facts

    /// A connection stands.
    func connectionMade(_ connection: LoadConnection) { connected.append(connection) }

    /// A connection broke, or its server sent what is no answer.
    func connectionFailed(_ error: any Error) {
        guard !isFinished else { return }
        isFinished = true
        done.fail(error)
    }

    /// A connection has its answer.
    func answered(
        _ connection: LoadConnection, number: Int, dueAt: NIODeadline, _ answer: HTTPAnswer, text: () -> String
    ) {
        let now = NIODeadline.now()
        outstanding -= 1
        lastAnswer = now
        if let observe = plan.observe {
            observe(
                ObservedAnswer(
                    number: number, dueAfter: dueAt - startedAt, answeredAfter: now - startedAt, answer: answer))
        }
        if answer.status == plan.expectedStatus {
            if now >= windowStart, now <= windowEnd { result.completed += 1 }
        } else if plan.observe == nil {
            if result.unexpected.isEmpty { result.firstUnexpected = text() }
            result.unexpected[answer.status, default: 0] += 1
        }
        if dueAt >= windowStart { result.latency.record(UInt64(max(1, (now - dueAt).nanoseconds))) }
        idle.append(connection)
        if plan.isOpen { sendDue() } else { sendWhatIsPossible(now) }
        finishIfDone(now)
    }

    // MARK: Acts

    private func begin() {
        guard !isFinished else { return }
        startedAt = .now()
        lastAnswer = startedAt
        windowStart = startedAt + TimeAmount(plan.warmUp)
        if let window = plan.schedule?.duration ?? plan.window {
            windowEnd = windowStart + TimeAmount(window)
            // Nobody may be left to answer: the end comes all the same.
            loop.scheduleTask(deadline: windowEnd + Self.drainMax) { self.finish() }
        }
        idle = connected
        if plan.isOpen { arrive() } else { sendWhatIsPossible(startedAt) }
    }

    /// Closed loop: whoever is free asks.
    private func sendWhatIsPossible(_ now: NIODeadline) {
        while now < windowEnd, result.sent < plan.requestsMax, let connection = idle.popLast() {
            send(over: connection, dueAt: now)
        }
    }

    /// Open loop: notes what has come due, and comes back for the next.
    private func arrive() {
        guard !isFinished else { return }
        let now = NIODeadline.now()
        while let offset = plan.dueAfter(nextArrival) {
            let arrival = startedAt + offset
            guard arrival < windowEnd, nextArrival < plan.requestsMax else { break }
            guard arrival <= now else {
                loop.scheduleTask(deadline: arrival) { self.arrive() }
                break
            }
            due.append(arrival)
            nextArrival += 1
        }
        sendDue()
    }

    private func sendDue() {
        while !due.isEmpty, let connection = idle.popLast() { send(over: connection, dueAt: due.removeFirst()) }
    }

    private func send(over connection: LoadConnection, dueAt: NIODeadline) {
        connection.send(plan.request(result.sent), number: result.sent, dueAt: dueAt)
        result.sent += 1
        outstanding += 1
    }

    private func finishIfDone(_ now: NIODeadline) {
        guard outstanding == 0, due.isEmpty else { return }
        if now >= windowEnd || result.sent >= plan.requestsMax { finish() }
    }

    private func finish() {
        guard !isFinished else { return }
        isFinished = true
        // What was still due has waited until now at least.
        let now = NIODeadline.now()
        for arrival in due where arrival >= windowStart { result.latency.record(UInt64((now - arrival).nanoseconds)) }
        let end = windowEnd == .distantFuture ? lastAnswer : min(windowEnd, now)
        result.seconds = Double((end - windowStart).nanoseconds) / 1e9
        done.succeed(result)
    }
}
