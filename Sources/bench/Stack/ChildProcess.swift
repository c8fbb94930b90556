import Foundation
import Glibc

/// A program started for a measurement; its address is the end of the first line that it prints.
final class ChildProcess: Sendable {
    /// The process.
    var id: Int32 { process.processIdentifier }
    /// The port it listens on.
    let port: Int
    private let process: Process
    /// Held open: a stand-in ends with it.
    private let input: Pipe

    /// Starts a program and waits until it listens.
    ///
    /// Throws ``BenchFailure`` with what it said when it ends before.
    init(_ program: String, _ arguments: [String], environment: [String: String], log: URL) throws {
        process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = Command.environment(environment)
        input = Pipe()
        process.standardInput = input
        let output = Pipe()
        process.standardOutput = output
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        process.standardError = try FileHandle(forWritingTo: log)
        try process.runUnmasked()
        var line = ""
        while !line.contains("\n") {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            line += String(decoding: more, as: UTF8.self)
        }
        let digits = line.trimmingCharacters(in: .whitespacesAndNewlines).reversed().prefix { $0.isNumber }.reversed()
        guard line.contains("listening on http://"), let port = Int(String(digits)) else {
            process.terminate()
            process.waitForEnd()
            let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            throw BenchFailure("\(program) did not start: \(line)\(said.suffix(2_000))")
        }
        self.port = port
    }

    /// Asks it to stop, and waits; after a while it is not asked any more.
    func stop() {
        if process.isRunning { process.terminate() }
        process.waitForEnd()
    }
}

extension Process {
    /// How long a process may take to stop, in seconds; longer than the service's own bound.
    fileprivate static let stopSecondsMax = 40.0

    /// Starts it with no signal blocked.
    ///
    /// A child inherits the mask of the thread that starts it, and the threads of the task pool block them all: no SIGTERM
    /// would ever reach it.
    fileprivate func runUnmasked() throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }

    /// Waits by looking: `waitUntilExit` runs the thread's run loop at least once, and on a thread of the task pool
    /// nothing would wake it any more after the process has ended.
    fileprivate func waitForEnd() {
        let deadline = ContinuousClock.now + .seconds(Self.stopSecondsMax)
        while isRunning {
            if ContinuousClock.now > deadline { Glibc.kill(processIdentifier, SIGKILL) }
            Thread.sleep(forTimeInterval: 0.005)
        }
    }
}

/// Programs that are run to their end.
enum Command {
    /// What a program printed.
    struct Outcome: Sendable {
        var output: String
        /// Seconds from start to end.
        var seconds: Double
        /// The most memory that it had, in bytes; as of its last breath but one.
        var peakBytes: Int
    }

    /// The settings of a child: nothing of this process but where programs are found, and these.
    static func environment(_ settings: [String: String]) -> [String: String] {
        settings.merging(["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]) { mine, _ in mine }
    }

    /// Runs a program; `input` is written to it.
    ///
    /// Throws ``BenchFailure`` with its standard error when it does not end with 0.
    @discardableResult
    static func run(
        _ program: String, _ arguments: [String], environment settings: [String: String] = [:], input: String? = nil
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = environment(settings)
        // Files, not pipes: nothing here reads two of them at once.
        let directory = FileManager.default.temporaryDirectory
        let files = (0..<3).map { _ in directory.appending(path: "bench-\(UUID().uuidString)") }
        defer { for file in files { try? FileManager.default.removeItem(at: file) } }
        for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        try Data((input ?? "").utf8).write(to: files[0])
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        let start = ContinuousClock.now
        try process.runUnmasked()
        var peak = 0
        while process.isRunning {
            if let now = ProcessUsage.peakBytes(of: process.processIdentifier) { peak = max(peak, now) }
            Thread.sleep(forTimeInterval: 0.01)
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        guard process.terminationStatus == 0 else {
            let said = (try? String(contentsOf: files[2], encoding: .utf8)) ?? ""
            throw BenchFailure("\(program) ended with \(process.terminationStatus): \(said.suffix(2_000))")
        }
        let output = try String(contentsOf: files[1], encoding: .utf8)
        return Outcome(output: output, seconds: seconds, peakBytes: peak)
    }
}
