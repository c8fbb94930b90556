import Foundation
import Glibc

/// What the kernel knows of this process, under the names that Prometheus' own client libraries use.
///
/// Read from `/proc`; a value that can't be read, as on a system without it, is absent.
struct ProcessGauges: Sendable {
    /// UNIX time of the start, which never changes.
    private let startTime: Double?

    /// Reads what does not change.
    init() { startTime = Self.readStartTime() }

    /// The values now.
    func samples() -> [GaugeSample] {
        let values: [(name: String, value: Double?)] = [
            ("process_start_time_seconds", startTime), ("process_resident_memory_bytes", Self.residentBytes()),
            ("process_open_fds", Self.openDescriptors()), ("process_max_fds", Self.descriptorsMax()),
        ]
        return values.compactMap { name, value in
            guard let value, let definition = MetricCatalogue.sampled.first(where: { $0.name == name }) else {
                return nil
            }
            return GaugeSample(definition, value: value)
        }
    }

    /// The system's start plus field 22 of `/proc/self/stat` (proc(5)), in ticks.
    private static func readStartTime() -> Double? {
        guard let stat = text("/proc/self/stat"), let system = text("/proc/stat") else { return nil }
        // The second field is the program's name in parentheses, and may hold anything, blanks included.
        let fields = stat.suffix(from: stat.lastIndex(of: ")") ?? stat.startIndex).split(separator: " ")
        let boot = system.split(separator: "\n").first { $0.hasPrefix("btime ") }?.dropFirst("btime ".count)
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        // What follows the name is field 3.
        guard fields.count > 20, let ticks = Double(fields[20]), let boot, let start = Double(boot), ticksPerSecond > 0
        else { return nil }
        return start + ticks / ticksPerSecond
    }

    /// The second field of `/proc/self/statm`, in pages.
    private static func residentBytes() -> Double? {
        guard let fields = text("/proc/self/statm")?.split(separator: " "), fields.count > 1 else { return nil }
        return Double(fields[1]).map { $0 * Double(getpagesize()) }
    }

    private static func openDescriptors() -> Double? {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") else { return nil }
        // The listing itself has one open.
        return Double(max(0, names.count - 1))
    }

    /// The process's limit of open descriptors; `nil` when the system doesn't tell.
    static func descriptorsMax() -> Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }

    private static func text(_ path: String) -> String? {
        (try? InputFile.read(path, bytesMax: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }
}
