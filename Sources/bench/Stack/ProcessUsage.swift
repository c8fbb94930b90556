import Foundation
import Glibc

/// What processes use, read from /proc (proc(5)).
enum ProcessUsage {
    /// CPU seconds, user and system, of a process and of its children that have ended; 0 for one that is gone.
    static func cpuSeconds(of process: Int32) -> Double {
        guard let fields = stat(of: process) else { return 0 }
        // utime, stime, cutime, cstime: fields 14 to 17, and the list begins with field 3.
        let ticks = fields[11...14].compactMap(Double.init).reduce(0, +)
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// CPU seconds of a server with its living and ended children: a PostgreSQL cluster.
    static func cpuSeconds(ofTree server: Int32) -> Double {
        let children = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
            .filter { stat(of: $0).flatMap { Int32($0[1]) } == server }
        return ([server] + children).map { cpuSeconds(of: $0) }.reduce(0, +)
    }

    /// Resident memory now, in bytes; `nil` when the process is gone.
    static func residentBytes(of process: Int32) -> Int? { memory("VmRSS", of: process) }

    /// The most memory that was ever resident, in bytes; `nil` when the process is gone.
    static func peakBytes(of process: Int32) -> Int? { memory("VmHWM", of: process) }

    /// The fields of /proc/PID/stat from the third on; the second, a name, may contain anything.
    private static func stat(of process: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 14 ? fields : nil
    }

    private static func memory(_ name: String, of process: Int32) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }),
            let kibibytes = Int(line.filter(\.isNumber))
        else { return nil }
        return kibibytes * 1024
    }
}

/// Whose CPU time a measurement tells apart.
struct WatchedProcesses: Sendable {
    var service: [Int32] = []
    var store: Int32?
    var echo: Int32?
    var postmaster: Int32?

    /// CPU seconds so far, by name; this process is the generator.
    func cpuSeconds() -> [String: Double] {
        var seconds = ["generator": ProcessUsage.cpuSeconds(of: getpid())]
        if !service.isEmpty { seconds["service"] = service.map { ProcessUsage.cpuSeconds(of: $0) }.reduce(0, +) }
        if let store { seconds["store"] = ProcessUsage.cpuSeconds(of: store) }
        if let echo { seconds["echo"] = ProcessUsage.cpuSeconds(of: echo) }
        if let postmaster { seconds["postgres"] = ProcessUsage.cpuSeconds(ofTree: postmaster) }
        return seconds
    }
}
