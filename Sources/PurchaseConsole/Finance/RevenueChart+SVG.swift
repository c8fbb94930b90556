import PurchaseCore

extension RevenueChart {
    /// The chart as one `svg` element: paid upwards and refunded downwards from zero, side by side, and net as a mark.
    ///
    /// It has no style of its own: the classes `chart-…` are the stylesheet's, so that a strict content security policy and
    /// a dark scheme both hold. `id` begins the ids inside and must be unique on the page. Well-formed XML too; every
    /// text of Apple's is escaped.
    package func svg(id: String) -> String {
        var drawing = ChartDrawing(chart: self)
        drawing.frame()
        drawing.bars()
        drawing.netMarks()
        let (width, height) = (ChartDrawing.width, ChartDrawing.height)
        return """
            <svg class="chart" viewBox="0 0 \(width) \(height)" role="img" \
            aria-labelledby="\(id)-title" aria-describedby="\(id)-desc">\
            <title id="\(id)-title">\(MarkupText.escaped("Paid, refunded and net in \(currency)"))</title>\
            <desc id="\(id)-desc">\(MarkupText.escaped(summary))</desc>\(drawing.markup)</svg>
            """
    }
}

/// Text inside markup.
enum MarkupText {
    /// With the five characters replaced that mean something in XML, and without those that it can't hold.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r", "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
                result.unicodeScalars.append(scalar)
            default: result += "\u{FFFD}"
            }
        }
        return result
    }
}

/// Draws one chart; positions are whole hundredths of a unit of the view box, so that no rounding differs anywhere.
private struct ChartDrawing {
    static let width = 720
    static let height = 260
    private static let top = 1_200
    private static let plotHeight = 21_400
    private static let right = 70_400
    /// A digit of the axis labels is narrower than this.
    private static let characterWidth = 700
    private static let labelsMax = 8

    private let chart: RevenueChart
    private let scale: ChartScale
    private let tickLabels: [String]
    private let left: Int
    private(set) var markup = ""

    init(chart: RevenueChart) {
        self.chart = chart
        let decimals = min(ISO4217.exponent(of: chart.currency) ?? 3, 3)
        let smallest: Int64 = [1_000, 100, 10, 1][decimals]
        scale = ChartScale(
            fitting: chart.slots.flatMap { [$0.paid, Self.downwards($0.refunded), $0.net] }, smallestAmount: smallest)
        let shown = scale.step % 1_000 == 0 ? 0 : decimals
        tickLabels = scale.ticks.map { AmountText.text(milliunits: $0, decimals: shown) }
        left = 1_400 + (tickLabels.map(\.count).max() ?? 0) * Self.characterWidth
    }

    /// The axes: a line and a label for each tick, and the names of some slots.
    mutating func frame() {
        for (tick, label) in zip(scale.ticks, tickLabels) {
            let y = vertical(tick)
            let kind = tick == 0 ? "chart-zero" : "chart-grid"
            let (start, end, height) = (Self.text(left), Self.text(Self.right), Self.text(y))
            markup += #"<path class="\#(kind)" d="M\#(start) \#(height)H\#(end)"/>"#
            markup += #"<text class="chart-label" x="\#(Self.text(left - 600))" y="\#(Self.text(y + 400))""#
            markup += #" text-anchor="end">\#(label)</text>"#
        }
        let every = max(1, (chart.slots.count + Self.labelsMax - 1) / Self.labelsMax)
        for index in stride(from: 0, to: chart.slots.count, by: every) {
            let middle = (horizontal(index) + horizontal(index + 1)) / 2
            markup += #"<text class="chart-label" x="\#(Self.text(middle))" y="\#(Self.text(25_200))""#
            markup += #" text-anchor="middle">\#(MarkupText.escaped(chart.slots[index].label))</text>"#
        }
    }

    /// For each slot that isn't empty two bars, and a field as high as the plot that tells the figures.
    mutating func bars() {
        for (index, slot) in chart.slots.enumerated() where !slot.isEmpty {
            let (start, end) = (horizontal(index), horizontal(index + 1))
            // A fifth of the slot is the gap to the next one.
            let width = (end - start) * 2 / 5
            let inset = (end - start - 2 * width) / 2
            markup += "<g><title>\(MarkupText.escaped(chart.sentence(of: slot)))</title>"
            markup += rectangle("chart-slot", start, Self.top, end - start, Self.plotHeight)
            markup += bar("chart-paid", start + inset, width, to: slot.paid)
            markup += bar("chart-refunded", start + inset + width, width, to: Self.downwards(slot.refunded))
            markup += "</g>"
        }
    }

    /// Net as a level mark across each slot that isn't empty, above the bars.
    mutating func netMarks() {
        var path = ""
        for (index, slot) in chart.slots.enumerated() where !slot.isEmpty {
            path += "M\(Self.text(horizontal(index))) \(Self.text(vertical(Int128(slot.net))))"
            path += "H\(Self.text(horizontal(index + 1)))"
        }
        if !path.isEmpty { markup += #"<path class="chart-net" d="\#(path)"/>"# }
    }

    private func bar(_ kind: String, _ x: Int, _ width: Int, to value: Int64) -> String {
        guard value != 0 else { return "" }
        let (zero, end) = (vertical(0), vertical(Int128(value)))
        return rectangle(kind, x, min(zero, end), width, abs(zero - end))
    }

    private func rectangle(_ kind: String, _ x: Int, _ y: Int, _ width: Int, _ height: Int) -> String {
        let (x, y, width, height) = (Self.text(x), Self.text(y), Self.text(width), Self.text(height))
        return #"<rect class="\#(kind)" x="\#(x)" y="\#(y)" width="\#(width)" height="\#(height)"/>"#
    }

    private func vertical(_ value: Int128) -> Int { Self.top + scale.distance(of: value, length: Self.plotHeight) }

    /// Where a slot begins; one more than the last is where the last ends.
    private func horizontal(_ index: Int) -> Int {
        left + (Self.right - left) * index / max(1, chart.slots.count)
    }

    /// The negative; the least Int64 has none and stays at the end of the range.
    private static func downwards(_ value: Int64) -> Int64 { value == .min ? .max : -value }

    /// Hundredths as a decimal number, `12.5`.
    private static func text(_ hundredths: Int) -> String {
        let (units, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return String(units) }
        return rest % 10 == 0 ? "\(units).\(rest / 10)" : "\(units)." + (rest < 10 ? "0" : "") + String(rest)
    }
}
