import Metrics

/// What a lane counts; the one label is its name, and group commits have none, since one lane alone makes them.
struct LaneMetrics: Sendable {
    let connections: Meter
    let connectionsOpened: Counter
    let connectionsLost: Counter
    let connectsFailed: Counter
    let statements: Counter
    let commits: Counter
    let commitDuration: Timer
    let batchStatements: Recorder
    let batchRedos: Counter
    let lookupBatchKeys: Recorder

    init(lane: String, factory: any MetricsFactory) {
        let dimensions = [("lane", lane)]
        func counter(_ label: String, _ dimensions: [(String, String)]) -> Counter {
            Counter(label: label, dimensions: dimensions, factory: factory)
        }
        connections = Meter(label: "vouch_postgres_connections", dimensions: dimensions, factory: factory)
        connections.set(0)
        connectionsOpened = counter("vouch_postgres_connections_opened_total", dimensions)
        connectionsLost = counter("vouch_postgres_connections_lost_total", dimensions)
        connectsFailed = counter("vouch_postgres_connects_failed_total", dimensions)
        statements = counter("vouch_postgres_statements_total", dimensions)
        commits = counter("vouch_postgres_commits_total", [])
        commitDuration = Timer(label: "vouch_postgres_commit_duration_seconds", factory: factory)
        batchStatements = Recorder(
            label: "vouch_postgres_commit_batch_statements", dimensions: [], aggregate: true, factory: factory)
        batchRedos = counter("vouch_postgres_commit_redos_total", [])
        lookupBatchKeys = Recorder(
            label: "vouch_postgres_lookup_batch_keys", dimensions: [], aggregate: true, factory: factory)
    }
}
