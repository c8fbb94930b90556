import Foundation
import NIOCore

/// Where and how a run measured: without it, its figures mean nothing.
struct RunHeader: Codable, Sendable, CustomStringConvertible {
    var begunAt: String
    var machine: String
    var cores: Int
    var memoryGibibytes: Double
    var system: String
    var commit: String
    var build: String
    var swift: String
    var postgres: String
    var settings: RunSettings

    /// Reads the machine and the programs; what can't be found is called unknown.
    init(_ settings: RunSettings) {
        func said(_ program: String, _ arguments: [String]) -> String {
            let output = (try? Command.run(program, arguments).output) ?? ""
            return output.split(separator: "\n").first.map(String.init) ?? "unknown"
        }
        func field(_ name: String, in path: String) -> String {
            let lines = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
            guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return "unknown" }
            return line.split(separator: line.contains(":") ? ":" : "=", maxSplits: 1).last.map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
            } ?? "unknown"
        }
        begunAt = Date().formatted(.iso8601)
        machine = field("model name", in: "/proc/cpuinfo")
        cores = System.coreCount
        memoryGibibytes = Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824
        system = field("PRETTY_NAME", in: "/etc/os-release")
        // The names of the two ends of the working copy, not where it is.
        commit = said("git", ["describe", "--always", "--dirty", "--abbrev=12"])
        #if DEBUG
        build = "debug"
        #else
        build = "release"
        #endif
        swift = said("swift", ["--version"])
        postgres = (try? ScratchDatabase.psql(settings.server, "SHOW server_version;")) ?? "unknown"
        self.settings = settings
    }

    /// For people.
    var description: String {
        """
        \(begunAt), commit \(commit), \(build) build; \(machine), \(cores) cores, \
        \(Measurement.text(memoryGibibytes)) GiB, \(system)
        \(swift); PostgreSQL \(postgres); seed \(settings.seed), \(Measurement.text(settings.windowSeconds)) s each \
        after \(Measurement.text(settings.warmUpSeconds)) s, App Store \(settings.appleLatencyMilliseconds) ms
        """
    }
}
