package import PurchaseCore

/// Amounts as people read them: `1,234.50`, with a true minus sign, which a screen reader says.
package enum AmountText {
    /// The amount in units of its currency: with the decimals that the currency has, and with more where the amount has
    /// more, as half of 4.99 does.
    ///
    /// Never rounded: figures on one page must add up, and each of them is exact to the milliunit in the ledger.
    package static func text(_ money: Money) -> String {
        let usual = money.decimalText.map { $0.split(separator: ".").dropFirst().first?.count ?? 0 } ?? 3
        var needed = 3
        var rest = money.milliunits.magnitude % 1_000
        while needed > 0, rest % 10 == 0 {
            rest /= 10
            needed -= 1
        }
        return text(milliunits: Int128(money.milliunits), decimals: max(usual, needed))
    }

    /// A number of milliunits with so many of its three decimals, 0–3; the rest must be zero.
    static func text(milliunits: Int128, decimals: Int) -> String {
        let (units, rest) = milliunits.magnitude.quotientAndRemainder(dividingBy: 1_000)
        let fraction = String(String(1_000 + rest).dropFirst().prefix(decimals))
        return (milliunits < 0 ? "\u{2212}" : "") + grouped(String(units)[...])
            + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// Digits with a comma between groups of three.
    static func grouped(_ digits: Substring) -> String {
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}
