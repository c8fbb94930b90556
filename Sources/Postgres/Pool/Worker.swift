import Logging
import Metrics

/// A connection thread: makes its connection, takes work from its lane, and starts over when the connection is lost.
///
/// Everything in here runs on that one thread; the connection never leaves it.
struct Worker {
    let id: WorkerID
    let lane: Lane
    let sleeper: Sleeper

    init(id: WorkerID, lane: Lane, wakeup: Wakeup) {
        self.id = id
        self.lane = lane
        sleeper = Sleeper(wakeup: wakeup, nextExpiry: { lane.nextExpiry }, expire: { lane.expire() })
    }

    var configuration: PostgresConfiguration { lane.configuration }

    func run() {
        var connection: Connection?
        var backoff = ReconnectBackoff(
            pauseMin: configuration.reconnectPauseMin, pauseMax: configuration.reconnectPauseMax)
        loop: while true {
            if let current = connection {
                current.readWhileIdle()
                if !current.isReusable {
                    connection = nil
                    lane.metrics.connectionsLost.increment()
                    lane.metrics.connections.decrement()
                    lane.logger.info(
                        "a database connection was closed", metadata: [LogKey.lane.rawValue: "\(lane.name)"])
                }
            }
            switch lane.nextStep(id, isConnected: connection != nil) {
            case .run(let requests):
                if let connection { run(requests, on: connection) }
            case .connect: connection = connect(&backoff)
            case .park: _ = sleeper.wait(socket: connection?.socket ?? -1, for: .readable, until: nil)
            case .stop: break loop
            }
        }
        if connection != nil { lane.metrics.connections.decrement() }
        connection = nil
        lane.workerExited(id)
    }

    private func run(_ requests: [Request], on connection: Connection) {
        guard let first = requests.first else { return }
        switch first.work {
        case .query: runQueries(requests, on: connection)
        case .session: runSession(first, on: connection)
        case .commit: runCommit(requests, on: connection)
        case .lookup: runLookups(requests, on: connection)
        }
    }

    /// Makes a connection, or makes a pause after a failure.
    private func connect(_ backoff: inout ReconnectBackoff) -> Connection? {
        let lane = self.lane
        let connector = Connector(
            configuration: configuration, sleeper: sleeper, threadPool: lane.threadPool,
            isAbandoned: { lane.wantsNoConnection || lane.isDrainOver })
        do {
            let connection = try connector.connect()
            backoff.connected()
            lane.workerConnected(id)
            lane.metrics.connectionsOpened.increment()
            lane.metrics.connections.increment()
            lane.logger.info(
                "a database connection was opened", metadata: [LogKey.lane.rawValue: "\(lane.name)"])
            if connection.isExposed {
                lane.logger.warning("the database connection is not encrypted; set sslmode=verify-full")
            }
            return connection
        } catch {
            lane.metrics.connectsFailed.increment()
            lane.logger.log(
                level: error.logLevel, "no database connection",
                metadata: [
                    LogKey.lane.rawValue: "\(lane.name)", LogKey.error.rawValue: "\(error.debugDescription)",
                ])
            lane.connectFailed(id, error)
            let until = ContinuousClock.now + backoff.connectFailed(random: Double.random(in: 0..<1))
            while ContinuousClock.now < until, !lane.wantsNoConnection, !lane.isDrainOver {
                _ = sleeper.wait(socket: -1, for: [], until: until)
            }
            return nil
        }
    }
}
