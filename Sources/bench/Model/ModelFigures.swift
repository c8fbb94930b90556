import Foundation

/// What a run measured, as far as the model of scale needs it.
struct ModelFigures: Equatable, Sendable {
    /// CPU microseconds of one operation.
    struct Cost: Equatable, Sendable {
        var service: Double
        var postgres: Double
    }

    /// A post of an unknown purchase, 64 at once.
    var validation: Cost
    /// A post of what is settled.
    var `repeat`: Cost
    /// A read of an account's entitlements.
    var read: Cost
    /// A notification about a purchase that nobody posted.
    var notification: Cost
    /// Durable decisions a second that one ledger takes from one process.
    var decisionsPerSecond: Double
    /// Bytes that a posted purchase leaves: in the database's files, and in its log.
    var purchaseBytes: (database: Double, log: Double)
    /// Bytes that a notified purchase leaves, in the same places.
    var notifiedBytes: (database: Double, log: Double)
    /// Bytes that the answer to a sweep leaves although nothing has changed, in the same places.
    var sweptBytes: (database: Double, log: Double)
    /// Where and when that was.
    var origin = "a run without a header"

    static func == (one: ModelFigures, other: ModelFigures) -> Bool {
        one.validation == other.validation && one.repeat == other.repeat && one.read == other.read
            && one.notification == other.notification && one.decisionsPerSecond == other.decisionsPerSecond
            && one.purchaseBytes == other.purchaseBytes && one.notifiedBytes == other.notifiedBytes
            && one.sweptBytes == other.sweptBytes
    }
}

extension ModelFigures {
    /// Finds the figures among the JSON lines of `bench run`.
    ///
    /// Throws ``BenchFailure`` with the part that has to be measured first.
    init(jsonLines text: String) throws {
        let decoder = JSONDecoder()
        // The first line tells of the machine, and has no part.
        let measurements = text.split(separator: "\n").compactMap { line in
            try? decoder.decode(Measurement.self, from: Data(line.utf8))
        }
        func first(_ part: Part, _ name: String) throws -> Measurement {
            guard let found = measurements.first(where: { $0.part == part.rawValue && $0.name.contains(name) }) else {
                throw BenchFailure("no figure “\(name)”: run `bench run --only \(part.rawValue) --json …` first")
            }
            return found
        }
        func cost(_ part: Part, _ name: String) throws -> Cost {
            let measurement = try first(part, name)
            guard let used = measurement.cpuMicroseconds, let service = used["service"], let postgres = used["postgres"]
            else { throw BenchFailure("“\(measurement.name)” has no CPU times: it comes from a smoke run") }
            return Cost(service: service, postgres: postgres)
        }
        func bytes(_ name: String) throws -> (database: Double, log: Double) {
            (
                try first(.replicas, "bytes of the database for each \(name)").value,
                try first(.replicas, "bytes of the log for each \(name)").value
            )
        }
        self.init(
            validation: try cost(.validation, "64 at once"), repeat: try cost(.repeat, "64 at once"),
            read: try cost(.entitlements, "64 at once"), notification: try cost(.notification, "64 at once"),
            decisionsPerSecond: try first(.ledger, "64 tasks, 1 replica").value,
            purchaseBytes: try bytes("purchase"), notifiedBytes: try bytes("notified purchase"),
            sweptBytes: try bytes("sweep"))
        if let line = text.split(separator: "\n").first,
            let header = try? decoder.decode(RunHeader.self, from: Data(line.utf8))
        {
            origin =
                "the run of \(header.begunAt), commit \(header.commit), \(header.build) build, "
                + "\(header.machine) with \(header.cores) cores"
        }
    }
}
