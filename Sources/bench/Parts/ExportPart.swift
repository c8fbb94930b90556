import Foundation

extension Workshop {
    /// `vouch export paid-records` beside psql's COPY of the same query.
    func measureExport() async throws {
        let purchases = settings.isSmoke ? 200 : settings.exportedPurchases
        try await withDatabase("export") { database in
            try MadeUpLedger.fill(database, purchases: purchases)
            let small = try export(database, to: "2026-01-02", format: "csv")
            let copySeconds = try copy(database)
            for format in ["csv", "ndjson"] {
                let all = try export(database, to: "2028-01-01", format: format)
                guard all.rows == MadeUpLedger.movements(of: purchases) else {
                    throw BenchFailure("\(all.rows) rows were exported of \(MadeUpLedger.movements(of: purchases))")
                }
                var measurement = Measurement(
                    .export, "export, \(format), \(all.rows) rows", Double(all.rows) / all.seconds, "rows/s")
                measurement.reference = .init(name: "psql COPY", value: Double(all.rows) / copySeconds)
                measurement.atLeast = settings.isSmoke ? nil : 0.5
                measurement.details = ["seconds": all.seconds]
                try report.add(measurement)
                var memory = Measurement(
                    .export, "export, \(format), peak memory", Double(all.peakBytes) / 1e6, "MB")
                memory.reference = .init(name: "that of a small one", value: Double(small.peakBytes) / 1e6)
                memory.atMost = settings.isSmoke ? nil : 1.25
                try report.add(memory)
            }
        }
    }

    private func export(
        _ database: ScratchDatabase, to end: String, format: String
    ) throws -> (rows: Int, seconds: Double, peakBytes: Int) {
        let file = directory.appending(path: "export.\(format)")
        defer { try? FileManager.default.removeItem(at: file) }
        let outcome = try Command.run(
            settings.vouch,
            ["export", "paid-records", "--from", "2026-01-01", "--to", end, "--format", format, "--output", file.path],
            environment: ["VOUCH_DATABASE_URL": database.uri])
        let lines =
            try Command.run("wc", ["-l", file.path]).output.split(separator: " ").first.flatMap { Int($0) } ?? 0
        return (lines - (format == "csv" ? 1 : 0), outcome.seconds, outcome.peakBytes)
    }

    /// The columns that the export reads, by the same joins and in the same order; seconds.
    private func copy(_ database: ScratchDatabase) throws -> Double {
        let file = directory.appending(path: "copy.csv")
        defer { try? FileManager.default.removeItem(at: file) }
        let start = ContinuousClock.now
        try database.psql("\\copy (\(MadeUpLedger.exportQuery)) TO '\(file.path)' CSV")
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
