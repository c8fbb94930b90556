import ArgumentParser
import Foundation

/// `bench micro`: single operations without network and database, for a profiler or for counting instructions.
struct Micro: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run single operations many times; prints nanoseconds for each.",
        discussion: """
            scripts/bench-instructions counts their instructions instead: these hardly depend on the machine's mood, and \
            are compared with what is written in scripts/bench-instructions.txt.
            """)

    @Argument(
        help: "Operations; without any all of: \(MicroOperation.allCases.map(\.rawValue).joined(separator: ", ")).")
    var operations: [MicroOperation] = []

    @Option(help: "How often each is run.")
    var iterations = 1_000

    @Flag(help: "Print the names of all operations, and run none.")
    var list = false

    func validate() throws {
        guard iterations > 0 else { throw ValidationError("--iterations must be above 0") }
    }

    func run() async throws {
        guard !list else {
            for operation in MicroOperation.allCases { print(operation.rawValue) }
            return
        }
        for operation in operations.isEmpty ? MicroOperation.allCases : operations {
            let body = try await operation.prepare()
            // The first run fills caches, here as in a server.
            try await body()
            let start = ContinuousClock.now
            for _ in 0..<iterations { try await body() }
            let nanoseconds = (ContinuousClock.now - start) / .nanoseconds(1) / Double(iterations)
            print("\(operation.rawValue) \(Int(nanoseconds)) ns")
        }
    }
}
