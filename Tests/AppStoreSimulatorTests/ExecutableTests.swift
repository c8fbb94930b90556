import Foundation
import Testing

/// The built `app-store-simulator`, as a process.
@Suite("The executable")
struct ExecutableTests {
    /// The directory of the test bundle, where the executables of the same build are.
    private static let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    private static let simulator = products.appendingPathComponent("app-store-simulator").path
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Runs a program to its end; its status and all that it wrote.
    private static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    @Test("Apple's own server library works against it, unchanged")
    func applesLibrary() throws {
        let script = Self.repository.appendingPathComponent("scripts/apple-library-check").path
        let (status, output) = try Self.run(script, [Self.simulator])
        #expect(status == 0, "\(output)")
        #expect(output.contains("apple-library-check: 63 passed, 0 failed"), "\(output)")
    }

    @Test("it says where it listens, stops cleanly on SIGTERM, and keeps its root for the next run")
    func serve() throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("simulator-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var roots: [Data] = []
        for _ in 0..<2 {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: Self.simulator)
            process.arguments = ["serve", "--directory", directory, "--address", "127.0.0.1:0", "--seed", "5"]
            process.standardOutput = output
            process.standardInput = FileHandle.nullDevice
            try process.run()
            var line = Data()
            while !line.contains(UInt8(ascii: "\n")) {
                let more = output.fileHandleForReading.availableData
                guard !more.isEmpty else { break }
                line += more
            }
            let text = String(decoding: line, as: UTF8.self)
            #expect(text.wholeMatch(of: /app-store-simulator listening on http:\/\/127\.0\.0\.1:[1-9][0-9]*\n/) != nil)
            process.terminate()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 0)
            roots.append(try Data(contentsOf: URL(fileURLWithPath: directory + "/root.cer")))
        }
        #expect(roots[0] == roots[1])
    }

    @Test(
        "wrong arguments end with a sentence",
        arguments: [
            (["serve"], "--directory"), (["serve", "--directory", "/dev/null/x"], "/dev/null/x"),
            (["serve", "--directory", "unused", "--address", "nowhere"], "HOST:PORT"),
            (["serve", "--directory", "unused", "--address", "127.0.0.1:70000"], "HOST:PORT"),
        ])
    func wrongArguments(arguments: [String], named: String) throws {
        let (status, output) = try Self.run(Self.simulator, arguments)
        #expect(status != 0)
        #expect(output.contains(named), "\(output)")
    }
}
