import Foundation

/// The PostgreSQL clusters the tests run against.
enum TestCluster {
    /// The shared one: given by `make test`, else started here and left running for the next run.
    static let uri: String = {
        if let given = ProcessInfo.processInfo.environment["VOUCH_TEST_DATABASE_URL"], !given.isEmpty { return given }
        do {
            return try run("start", checkout.appending(path: ".run/postgres").path)
        } catch {
            fatalError("no test cluster: \(error)")
        }
    }()

    static let checkout = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct Failure: Error {
        let output: String
    }

    /// Runs `scripts/cluster` and returns what it prints.
    @discardableResult
    static func run(_ command: String, _ directory: String) throws -> String {
        try shell([checkout.appending(path: "scripts/cluster").path, command, directory])
    }

    /// Runs a program to its end and returns its output without the last newline.
    @discardableResult
    static func shell(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        // A file, not a pipe: a server started in there would keep a pipe open for ever.
        let file = FileManager.default.temporaryDirectory.appending(path: "vouch-\(UUID().uuidString).out")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forWritingTo: file)
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        let output = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        if process.terminationStatus != 0 { throw Failure(output: output) }
        return output
    }
}
