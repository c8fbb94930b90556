import AppStoreSimulator
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix

/// What a whole run shares: the programs, the cluster with a migrated template, keys, and the generator's thread.
struct Workshop: Sendable {
    /// The settings of the run.
    let settings: RunSettings
    /// Where results go.
    let report: Report
    /// Logs, keys and exported files; removed at the end.
    let directory: URL
    /// The made-up App Store's root and In-App Purchase key.
    let storeKeys: SimulatorKeys
    /// One thread, so that the generator can take no more than one core, and its share is easy to read.
    let generator: MultiThreadedEventLoopGroup
    /// For questions that are not measured, and for the reference of the outbound call.
    let http: HTTPClient
    /// Keys of the roles `app` and `finance`.
    let keys: (app: String, finance: String)
    /// The cluster's first process, if it runs on this machine.
    let postmaster: Int32?
    private let template: String

    /// Prepares everything, runs the body, and leaves nothing behind.
    static func with(
        _ settings: RunSettings, report: Report, _ body: (Workshop) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "vouch-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let template = "vouch_bench_template_\(getpid())"
        defer { try? ScratchDatabase.drop(template, on: settings.server) }
        let generator = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        let result: Result<Void, any Error>
        do {
            let workshop = try Workshop(
                settings, report: report, directory: directory, generator: generator, http: http, template: template)
            result = .success(try await body(workshop))
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        try await generator.shutdownGracefully()
        try result.get()
    }

    private init(
        _ settings: RunSettings, report: Report, directory: URL, generator: MultiThreadedEventLoopGroup,
        http: HTTPClient, template: String
    ) throws {
        self.settings = settings
        self.report = report
        self.directory = directory
        self.generator = generator
        self.http = http
        self.template = template
        storeKeys = try SimulatorKeys.loadOrCreate(directory: directory.path)
        let database = try ScratchDatabase.create(template, on: settings.server)
        let environment = ["VOUCH_DATABASE_URL": database.uri]
        func vouch(_ arguments: [String]) throws -> String {
            try Command.run(settings.vouch, arguments, environment: environment).output
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        _ = try vouch(["migrate"])
        keys = (
            app: try vouch(["keys", "create", "--role", "app", "--name", "bench-app"]),
            finance: try vouch(["keys", "create", "--role", "finance", "--name", "bench-finance"])
        )
        postmaster = Self.postmaster(of: settings.server)
    }

    private static func postmaster(of server: String) -> Int32? {
        guard let data = try? ScratchDatabase.psql(server, "SHOW data_directory;"),
            let file = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)
        else { return nil }
        return file.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// Lends a migrated database with the keys in it.
    func withDatabase<Value>(
        _ name: String, _ body: (ScratchDatabase) async throws -> Value
    ) async throws -> Value {
        let name = "vouch_bench_\(name)_\(getpid())"
        let database = try ScratchDatabase.create(name, from: template, on: settings.server)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(database))
        } catch {
            result = .failure(error)
        }
        try ScratchDatabase.drop(name, on: settings.server)
        return try result.get()
    }

    /// Starts another process of this program.
    func standIn(_ role: StandIn.Role) throws -> ChildProcess {
        var arguments = ["stand-in", role.rawValue]
        if role == .store {
            arguments += ["--directory", directory.path]
            arguments += ["--latency-milliseconds", String(settings.appleLatencyMilliseconds)]
        }
        return try ChildProcess(
            settings.bench, arguments, environment: [:], log: directory.appending(path: "\(role.rawValue).log"))
    }
}
