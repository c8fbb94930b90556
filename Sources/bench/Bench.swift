import ArgumentParser
import NIOCore
import NIOPosix

/// Where the program begins.
///
/// The first thread waits instead of becoming the main queue's: valgrind does not survive what libdispatch does then.
@main
enum Main {
    static func main() throws {
        try MultiThreadedEventLoopGroup.singleton.any().makeFutureWithTask { await Bench.main() }.wait()
    }
}

/// Measures Vouch beside a reference in the same run; `make bench` runs all of it.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure Vouch beside a reference in the same run.",
        discussion: """
            Each part starts the real `vouch serve` over a database of its own, asks it as fast as it answers, measures \
            a reference right before or after, and prints the ratio. docs/benchmarks.md says how to read the figures.
            """,
        subcommands: [Run.self, Fill.self, Model.self, Micro.self, StandIn.self], defaultSubcommand: Run.self)
}

/// Why a part could not run; being slow is no reason.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
