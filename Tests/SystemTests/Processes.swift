import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

/// A value that several tasks change.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}

/// A program of this build, or one of the system, started for one test.
final class Running: Sendable {
    /// Where it listens, from its one line on standard output.
    let url: String
    private let process: Process
    private let log: URL

    /// Starts a program and waits for the line that names its address.
    init(_ program: String, _ arguments: [String], environment: [String: String], line: String) throws {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        process = Process()
        // A program of the system has its whole path.
        process.executableURL = program.hasPrefix("/") ? URL(filePath: program) : products.appending(path: program)
        process.arguments = arguments
        process.environment = environment.merging(
            ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]) { mine, _ in mine }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        log = FileManager.default.temporaryDirectory.appending(
            path: "\(URL(filePath: program).lastPathComponent)-\(UUID().uuidString).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        var text = ""
        // The line may not be the first, and it may come in pieces.
        while text.range(of: line).map({ text[$0.upperBound...].contains("\n") }) != true {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            text += String(decoding: more, as: UTF8.self)
        }
        guard let range = text.range(of: line) else {
            process.waitUntilExit()
            let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            throw Shell.Failure(code: process.terminationStatus, output: text + said)
        }
        url = text[range.upperBound...].prefix { $0 != "\n" }.trimmingCharacters(in: .whitespaces)
    }

    /// Ends it without warning.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        _ = waitForExit()
    }

    /// Asks it to stop, and does not wait.
    func requestStop() { process.terminate() }

    /// Asks it to stop, waits, and returns its exit code.
    @discardableResult
    func terminate() -> Int32 {
        if process.isRunning { process.terminate() }
        return waitForExit()
    }

    /// Waits for its end, and returns its exit code.
    func waitForExit() -> Int32 {
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: log)
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}

/// The real programs over a real database, as an operator runs them; everything ends with the test.
final class Installation: Sendable {
    let simulator: Running
    let database: String
    let environment: [String: String]
    let key: String
    private let directory: URL
    private let servers = Mutex<[Running]>([])
    private let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // A server that was killed is an answer, not something to wait for.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// An answer of the service.
    struct Answer: Sendable {
        let status: UInt
        let body: [String: JSONValue]
        var state: String? { body["state"]?.text }
    }

    static func with(
        database: String, _ changes: [String: String] = [:], _ body: (Installation) async throws -> Void
    ) async throws {
        let installation = try Installation(database: database, changes)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(installation))
        } catch {
            result = .failure(error)
        }
        try await installation.end()
        try result.get()
    }

    private init(database: String, _ changes: [String: String]) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "vouch-system-\(UUID().uuidString)")
        self.database = database
        simulator = try Running(
            "app-store-simulator", ["serve", "--directory", directory.path, "--address", "127.0.0.1:0"],
            environment: [:], line: "listening on ")
        environment = [
            "VOUCH_DATABASE_URL": database, "VOUCH_HTTP_ADDRESS": "127.0.0.1:0",
            "VOUCH_OPERATOR_ADDRESS": "127.0.0.1:0", "VOUCH_APP_BUNDLE_ID": "com.example.app",
            "VOUCH_APP_APPLE_ID": "1234567890", "VOUCH_APP_ISSUER_ID": "5c5bfb07-1d0c-4f0e-9a55-6d1f7e7a3b10",
            "VOUCH_APP_KEY_ID": "SIMULATOR1",
            "VOUCH_APP_PRIVATE_KEY_FILE": directory.appending(path: "AuthKey_SIMULATOR1.p8").path,
            "VOUCH_APP_STORE_PRODUCTION_URL": simulator.url + "/production",
            "VOUCH_APP_STORE_SANDBOX_URL": simulator.url + "/sandbox",
            "VOUCH_TRUSTED_ROOTS_FILE": directory.appending(path: "root.pem").path, "VOUCH_RECHECK_FIRST": "PT1S",
            "VOUCH_APP_STORE_REQUESTS_PER_SECOND": "2000", "VOUCH_LOG_LEVEL": "warning",
        ].merging(changes) { _, new in new }
        _ = try Self.vouch(["migrate"], environment)
        key = try Self.vouch(["keys", "create", "--role", "app", "--role", "support", "--name", "tester"], environment)
    }

    /// Runs a command of `vouch` to its end; throws with its code and output when that is not 0.
    @discardableResult
    static func vouch(_ arguments: [String], _ environment: [String: String]) throws -> String {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        return try Shell.run(
            [products.appending(path: "vouch").path] + arguments,
            environment: environment.merging(
                ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]) { mine, _ in mine })
    }

    /// Starts one more server process.
    func startServer() throws -> Running {
        let server = try Running("vouch", ["serve"], environment: environment, line: "vouch listening on ")
        servers.withLock { $0.append(server) }
        return server
    }

    private func end() async throws {
        for server in servers.withLock({ $0 }) { server.terminate() }
        simulator.terminate()
        try await client.shutdown()
        try? FileManager.default.removeItem(at: directory)
    }

    // MARK: HTTP

    /// Sends a request; throws when there is no answer.
    func send(_ method: HTTPMethod, _ url: String, _ body: String? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await client.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let json = try? JSONValue(parsing: Array(bytes.readableBytesView))
        return Answer(status: response.status.code, body: json?.members ?? [:])
    }

    /// Buys something; its transactionId.
    func buy(_ product: String = "coins", type: String = "Consumable") async throws -> String {
        let answer = try await send(
            .POST, simulator.url + "/control/purchases", #"{"productId":"\#(product)","type":"\#(type)"}"#)
        return try #require(answer.body["transactionId"]?.text)
    }

    func post(_ account: String, _ id: String, to server: String) async throws -> Answer {
        try await send(.POST, server + "/v1/transactions", #"{"accountId":"\#(account)","transactionId":"\#(id)"}"#)
    }

    func calls(about id: String) async throws -> Int64 {
        let answer = try await send(.GET, simulator.url + "/control/calls?transactionId=\(id)")
        guard case .integer(let count)? = answer.body["count"] else { return -1 }
        return count
    }

    /// Asks until an answer satisfies, at most for a minute; the last answer.
    func poll(_ url: String, until isDone: (Answer) -> Bool) async throws -> Answer {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            if let answer = try? await send(.GET, url) {
                if isDone(answer) || ContinuousClock.now > deadline { return answer }
            } else if ContinuousClock.now > deadline {
                throw Shell.Failure(code: 1, output: "no answer from \(url)")
            }
            // Another process is at work: a moment for it, bounded by the deadline above.
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
