import Foundation
import Synchronization

/// Prints measurements as they come, for people, and keeps them as JSON lines for programs.
final class Report: Sendable {
    private let file: Mutex<FileHandle?>
    private let count = Mutex(0)

    /// Truncates the file; without a path there is no file.
    init(jsonPath: String?) throws {
        guard let jsonPath else {
            file = Mutex(nil)
            return
        }
        guard FileManager.default.createFile(atPath: jsonPath, contents: nil) else {
            throw BenchFailure("\(jsonPath) can't be written")
        }
        file = Mutex(try FileHandle(forWritingTo: URL(filePath: jsonPath)))
    }

    /// How many measurements there were.
    var measurements: Int { count.withLock { $0 } }

    /// The first line: where and how.
    func begin(_ header: RunHeader) throws {
        try writeLine(header)
        say(header.description)
    }

    /// One result.
    func add(_ measurement: Measurement) throws {
        count.withLock { $0 += 1 }
        try writeLine(measurement)
        say(measurement.description)
    }

    /// A line for people alone.
    func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private func writeLine(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = try encoder.encode(value) + Data("\n".utf8)
        try file.withLock { try $0?.write(contentsOf: line) }
    }
}

extension Measurement: CustomStringConvertible {
    /// One line with the figure and its ratio, and one with what explains it.
    var description: String {
        var line = Self.pad(name, 44) + Self.padLeft("\(Self.text(value)) \(unit)", 16)
        if let reference, let ratio {
            line += "   \(Self.text(ratio)) of \(reference.name) (\(Self.text(reference.value)))"
        }
        if let isMet {
            let bounds = [atLeast.map { "≥ \(Self.text($0))" }, atMost.map { "≤ \(Self.text($0))" }]
            line += "   \(isMet ? "met" : "missed"): \(bounds.compactMap(\.self).joined(separator: ", "))"
        }
        var notes: [String] = []
        if let latency {
            let values = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
            notes.append("p50/90/99/99.9/max \(values.map { Self.text($0 / 1000) }.joined(separator: " / ")) ms")
        }
        if let cpuMicroseconds {
            let parts = cpuMicroseconds.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.text($0.value))" }
            notes.append("CPU µs each: \(parts.joined(separator: ", "))")
        }
        if let coresBusy { notes.append("\(Self.text(coresBusy)) cores busy") }
        notes += (details ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \(Self.text($0.value))" }
        return notes.isEmpty ? line : line + "\n      " + notes.joined(separator: "; ")
    }

    /// Three significant digits, or all before the point.
    static func text(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0"
        case 100...: String(format: "%.0f", value)
        case 10..<100: String(format: "%.1f", value)
        default: String(format: "%.2f", value)
        }
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
