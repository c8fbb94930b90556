import ArgumentParser

/// Measures Vouch beside a reference in the same run; `make bench` runs all of it.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure Vouch beside a reference in the same run.")
}
