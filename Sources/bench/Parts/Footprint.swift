import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

extension Workshop {
    /// Starts whose median is taken.
    private static let startsCount = 5

    /// From starting the program to being ready, memory with nothing to do and with more than enough, and size on disk.
    func measureFootprint() async throws {
        try await withDatabase("footprint") { database in
            let store = try standIn(.store)
            defer { store.stop() }
            var starts: [Double] = []
            for _ in 0..<(settings.isSmoke ? 1 : Self.startsCount) {
                let begin = ContinuousClock.now
                let service = try Installation.startService(self, database: database, store: store)
                defer { service.stop() }
                try await waitUntilReady(service)
                starts.append((ContinuousClock.now - begin) / .seconds(1))
            }
            var start = Measurement(.footprint, "start to ready", starts.sorted()[starts.count / 2], "s")
            start.atMost = settings.isSmoke ? nil : 1
            start.details = ["slowest": starts.max() ?? 0]
            try report.add(start)
            try await measureMemory(database, store)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: settings.vouch)
        let size = (attributes[.size] as? NSNumber)?.doubleValue ?? 0
        try report.add(Measurement(.footprint, "the program's file, with symbols", size / 1e6, "MB"))
    }

    private func measureMemory(_ database: ScratchDatabase, _ store: ChildProcess) async throws {
        let service = try Installation.startService(self, database: database, store: store)
        defer { service.stop() }
        try await waitUntilReady(service)
        // Its workers have looked for work by then.
        if !settings.isSmoke { try await Task.sleep(for: .seconds(2)) }
        var idle = Measurement(.footprint, "memory, idle", megabytes(ProcessUsage.residentBytes(of: service.id)), "MB")
        idle.atMost = settings.isSmoke ? nil : 60
        try report.add(idle)
        let key = keys.app
        let plan = LoadPlan(port: service.port, connections: settings.isSmoke ? 4 : 64) { Self.post($0, key: key) }
        _ = try await load(plan, watching: WatchedProcesses(service: [service.id]))
        var busy = Measurement(
            .footprint, "memory, most under full load", megabytes(ProcessUsage.peakBytes(of: service.id)), "MB")
        busy.atMost = settings.isSmoke ? nil : 150
        try report.add(busy)
    }

    private func megabytes(_ bytes: Int?) -> Double { Double(bytes ?? 0) / 1e6 }

    private func waitUntilReady(_ service: ChildProcess) async throws {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(service.port)/health/ready")
        for _ in 0..<1_000 {
            let answer = try await http.execute(request, timeout: .seconds(5))
            _ = try await answer.body.collect(upTo: 1 << 16)
            if answer.status == .ok { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw BenchFailure("the service does not become ready")
    }
}
