/// A vertical axis in milliunits, from one round amount to another, zero included.
///
/// All arithmetic is of 128-bit integers: a sum of prices beyond 2^53 keeps its last digit, and the ends of Int64 fit.
struct ChartScale: Hashable, Sendable {
    /// The amounts that the axis names, ascending, all the same step apart.
    let ticks: [Int128]
    /// The distance between two ticks.
    let step: Int128

    /// The lower end.
    var low: Int128 { ticks.first ?? 0 }
    /// The upper end.
    var high: Int128 { ticks.last ?? 0 }

    /// The most distances between ticks.
    private static let stepsMax: Int128 = 5

    /// Takes what must fit, and the smallest amount that the currency has, in milliunits.
    ///
    /// A step is 1, 2 or 5 times a power of ten of that amount.
    init(fitting values: some Sequence<Int64>, smallestAmount: Int64) {
        var (least, greatest): (Int128, Int128) = (0, 0)
        for value in values {
            least = min(least, Int128(value))
            greatest = max(greatest, Int128(value))
        }
        // Nothing moved: one unit, so that zero has a place.
        if least == greatest { greatest = max(1_000, Int128(smallestAmount)) }
        var power = Int128(max(1, smallestAmount))
        var step = power
        while true {
            let found = [1, 2, 5].map { power * $0 }.first { candidate in
                Self.up(greatest, to: candidate) - Self.down(least, to: candidate) <= Self.stepsMax * candidate
            }
            if let found {
                step = found
                break
            }
            power *= 10
        }
        self.step = step
        let lowest = Self.down(least, to: step)
        self.ticks = (0...(Self.up(greatest, to: step) - lowest) / step).map { lowest + $0 * step }
    }

    /// How far below the upper end a value lies on an axis of some length, rounded to a whole unit of that length.
    func distance(of value: Int128, length: Int) -> Int {
        let (span, doubled) = (high - low, (high - value) * Int128(length) * 2)
        return Int((doubled + span) / (2 * span))
    }

    private static func down(_ value: Int128, to step: Int128) -> Int128 {
        value >= 0 ? value / step * step : -((-value + step - 1) / step * step)
    }

    private static func up(_ value: Int128, to step: Int128) -> Int128 { -down(-value, to: step) }
}
