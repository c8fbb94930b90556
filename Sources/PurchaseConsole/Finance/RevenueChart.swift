import PurchaseCore
package import PurchaseService

/// What customers paid and got back in one currency, step by step through a period; amounts of several currencies are
/// never put into one.
package struct RevenueChart: Hashable, Sendable {
    /// One day or one month.
    package struct Slot: Hashable, Sendable {
        /// `2026-11-20` or `2026-11`.
        package var label: String
        /// Milliunits of the sales; negative where a correction outweighs them.
        package var paid: Int64
        /// Milliunits given back, positive; negative where a reversal outweighs the refunds.
        package var refunded: Int64
        /// `paid - refunded`.
        package var net: Int64

        /// Takes a label and its sums; none are zero.
        package init(label: String, sums: MoneySums? = nil) {
            self.label = label
            paid = sums?.gross ?? 0
            refunded = sums?.refunded ?? 0
            net = sums?.net ?? 0
        }

        /// Whether nothing moved.
        package var isEmpty: Bool { paid == 0 && refunded == 0 && net == 0 }
    }

    /// ISO 4217, as Apple signed it.
    package var currency: String
    /// Every day or month of the period, oldest first, those without any movement included.
    package var slots: [Slot]

    /// Takes both.
    package init(currency: String, slots: [Slot]) {
        self.currency = currency
        self.slots = slots
    }

    /// A chart for each currency that a report's lines name, in the order of the codes.
    ///
    /// The report is one by day or by month, and `labels` are all days or months of its period.
    package static func charts(of lines: [RevenueLine], labels: [String]) -> [RevenueChart] {
        var sums: [String: [String: MoneySums]] = [:]
        for line in lines {
            guard let currency = line.currency, let group = line.group else { continue }
            sums[currency, default: [:]][group] = line.sums
        }
        return sums.sorted { $0.key < $1.key }.map { currency, sums in
            RevenueChart(currency: currency, slots: labels.map { Slot(label: $0, sums: sums[$0]) })
        }
    }

    /// An amount in this currency as people read it.
    package func text(_ milliunits: Int64) -> String {
        AmountText.text(Money(milliunits: milliunits, currency: currency))
    }

    /// What a slot holds, in words.
    package func sentence(of slot: Slot) -> String {
        "\(slot.label): paid \(text(slot.paid)), refunded \(text(slot.refunded)), net \(text(slot.net)) \(currency)"
    }

    /// The whole chart in one or two sentences, for those who don't see it.
    package var summary: String {
        guard let first = slots.first, let last = slots.last else { return "The period is empty." }
        let span = slots.count == 1 ? "On \(first.label)" : "From \(first.label) through \(last.label)"
        guard let greatest = slots.max(by: { $0.paid < $1.paid }), slots.contains(where: { !$0.isEmpty }) else {
            return "\(span) nothing was paid or refunded in \(currency)."
        }
        var text = "\(span) customers paid \(self.text(sum(\.paid))) \(currency)"
        text += " and got \(self.text(sum(\.refunded))) back: net \(self.text(sum(\.net))) \(currency)."
        if slots.count > 1, greatest.paid > 0 {
            text += " Most was paid on \(greatest.label): \(self.text(greatest.paid))."
        }
        return text
    }

    /// Stops at the ends of Int64 instead of trapping; the database adds the totals that are shown beside the chart.
    private func sum(_ part: KeyPath<Slot, Int64>) -> Int64 {
        let total = slots.reduce(Int128(0)) { $0 + Int128($1[keyPath: part]) }
        return Int64(clamping: total)
    }
}
