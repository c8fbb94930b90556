import PurchaseCore
import PurchaseService

/// What `vouch export` shows on standard error: a bar while it works, if somebody looks, and then what was written.
struct ExportDisplay {
    private static let barWidth: Int64 = 24

    private let total: Int64
    private let isTerminal: Bool
    private var shownPercent: Int64 = -1

    /// Takes the number of rows to come.
    init(total: Int64, isTerminal: Bool) {
        self.total = total
        self.isTerminal = isTerminal
    }

    /// What to write after so many rows: the bar again when another percent is done, else nothing.
    mutating func text(after rows: Int64) -> String {
        let percent = total == 0 ? 100 : rows * 100 / total
        guard isTerminal, percent != shownPercent else { return "" }
        shownPercent = percent
        let filled = Int(Self.barWidth * percent / 100)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Int(Self.barWidth) - filled)
        return "\r[\(bar)] \(rows)/\(total) rows\u{1B}[K" + (rows == total ? "\n" : "")
    }

    /// Ends the bar's line when it was left in the middle.
    var interruption: String { isTerminal && shownPercent >= 0 && shownPercent < 100 ? "\n" : "" }

    /// What is in the file, one line each; the position first, since it brings the same file again.
    static func summary(of head: PaidRecordsHead, sha256: String) -> [String] {
        let scope = head.scope
        var lines = [
            "as of \(scope.asOf): \(scope.environment.rawValue) from \(RFC3339.text(scope.from)) "
                + "up to \(RFC3339.text(scope.to))",
            "\(head.totals.rows) rows, \(head.totals.unpricedRows) of them without an amount; SHA-256 \(sha256)",
        ]
        for part in head.totals.currencies {
            let sums = [part.sums.gross, part.sums.refunded, part.sums.net].map { milliunits in
                Money(milliunits: milliunits, currency: part.currency).decimalText ?? "\(milliunits)/1000"
            }
            lines.append("\(part.currency): gross \(sums[0]), refunded \(sums[1]), net \(sums[2])")
        }
        lines.append(coverage(of: head))
        return lines
    }

    private static func coverage(of head: PaidRecordsHead) -> String {
        guard let from = head.coverage.completeFrom, let through = head.coverage.completeThrough else {
            return "Apple's notifications: not known to be complete for any time; purchases and refunds may be missing"
        }
        let span = "Apple's notifications are complete from \(RFC3339.text(from)) up to \(RFC3339.text(through))"
        let isCovered = from <= head.scope.from && through >= head.scope.to
        return isCovered ? span : span + ": less than the period, so purchases and refunds may be missing"
    }
}
