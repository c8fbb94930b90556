import Glibc
import PurchaseCore
import PurchaseService

/// What `vouch backfill` shows while it works: a bar on a terminal, else a line for each day; on standard error.
struct BackfillDisplay: Sendable {
    private static let barWidth = 24

    /// Which store.
    let environment: StoreEnvironment
    /// Whether somebody looks at it.
    let isTerminal: Bool

    /// Whether standard error is a terminal.
    static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Shows a day that was done.
    func show(_ progress: NotificationBackfill.Progress) {
        Console.writeError(text(progress))
    }

    /// What is written for a day that was done: over the line before on a terminal, else a line of its own.
    func text(_ progress: NotificationBackfill.Progress) -> String {
        let day = String(UTCTime.text(progress.slice.from).prefix(10))
        let found = "\(progress.counts.seen) seen, \(progress.counts.new) new"
        guard isTerminal else {
            let done = "\(progress.done)/\(progress.total)"
            return "\(environment.rawValue) \(day) (\(done)): \(progress.isSkipped ? "done before" : found)\n"
        }
        let filled = Self.barWidth * progress.done / max(1, progress.total)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.barWidth - filled)
        let isLast = progress.done == progress.total
        // The rest of a longer line before is erased.
        return "\r\(environment.rawValue) [\(bar)] \(progress.done)/\(progress.total) days, to \(day): \(found)\u{1B}[K"
            + (isLast ? "\n" : "")
    }

    /// The last line about a store.
    static func summary(_ summary: NotificationBackfill.Summary, of environment: StoreEnvironment) -> String {
        let counts = summary.counts
        var line =
            "\(environment.rawValue): \(summary.daysDone) days done, \(summary.daysSkipped) done before; "
            + "\(counts.seen) notifications seen, \(counts.new) new, \(counts.refused) refused, \(counts.waiting) waiting"
        if counts.foreign > 0 { line += ", \(counts.foreign) of another app or store" }
        return line
    }
}
