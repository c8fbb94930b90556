package import PurchaseCore

/// Amounts as people read them: `1,234.50`, with a true minus sign, which a screen reader says.
package enum AmountText {
    /// The amount in units of its currency, rounded to its minor unit as ``PurchaseCore/Money/decimalText`` does; exact to
    /// the milliunit for a code that ISO 4217 doesn't have.
    package static func text(_ money: Money) -> String {
        if let decimal = money.decimalText {
            let isNegative = decimal.hasPrefix("-")
            let parts = decimal.drop { $0 == "-" }.split(separator: ".")
            return signed(isNegative, units: parts.first ?? "0", fraction: parts.dropFirst().first ?? "")
        }
        return text(milliunits: Int128(money.milliunits), decimals: 3)
    }

    /// A number of milliunits with so many of its three decimals, 0–3; the rest must be zero.
    static func text(milliunits: Int128, decimals: Int) -> String {
        let (units, rest) = milliunits.magnitude.quotientAndRemainder(dividingBy: 1_000)
        let fraction = String(String(1_000 + rest).dropFirst().prefix(decimals))
        return signed(milliunits < 0, units: String(units)[...], fraction: fraction[...])
    }

    private static func signed(_ isNegative: Bool, units: Substring, fraction: Substring) -> String {
        (isNegative ? "\u{2212}" : "") + grouped(units) + (fraction.isEmpty ? "" : "." + fraction)
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
