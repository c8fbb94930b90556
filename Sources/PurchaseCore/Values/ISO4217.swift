/// How many decimals a currency has (ISO 4217, "minor unit").
///
/// Source: ISO 4217:2015, lists one and three as published on 2026-01-01 (with amendments up to 180), without the codes
/// that have no minor unit (metals, units of account, tests). Withdrawn codes that an App Store price may still
/// carry stay in.
/// An entry is never changed or removed: it would change the bytes of an export that was handed over.
package enum ISO4217 {
    /// The decimals of a currency, 0–4; `nil` for a code that the table doesn't have.
    package static func exponent(of currency: String) -> Int? { exponents[currency] }

    /// Every code of the table.
    package static var codes: [String] { exponents.keys.sorted() }

    private static let exponents: [String: Int] = {
        var all: [String: Int] = [:]
        for (exponent, codes) in lists {
            for code in codes.split(whereSeparator: \.isWhitespace) { all[String(code)] = exponent }
        }
        return all
    }()

    private static let lists: [(exponent: Int, codes: String)] = [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (
            2,
            """
            AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
            CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
            IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
            MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
            SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG
            YER ZAR ZMW ZWG
            """
        ),
        // Withdrawn since 2021: to XCG, EUR, CUP, EUR, SLE and ZWG.
        (2, "ANG BGN CUC HRK SLL ZWL"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ]
}

extension Money {
    /// The amount in units of its currency, such as `4.99`, `300` (JPY) or `1.250` (KWD), for people and spreadsheets;
    /// `nil` for a currency that ``ISO4217`` doesn't have.
    ///
    /// Rounded to the currency's minor unit, halves away from zero: what is exact are the milliunits.
    package var decimalText: String? {
        var bytes: [UInt8] = []
        return appendDecimalText(to: &bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// Appends the bytes of ``decimalText``; nothing, and `false`, where that is `nil`.
    package func appendDecimalText(to bytes: inout [UInt8]) -> Bool {
        guard let exponent = ISO4217.exponent(of: currency) else { return false }
        let decimals = min(exponent, 3)
        let digits = Self.minorUnits(milliunits.magnitude, exponent: decimals)
        let scale = Self.power(decimals)
        if milliunits < 0 && digits > 0 { bytes.append(UInt8(ascii: "-")) }
        DecimalDigits.append(digits / scale, to: &bytes)
        if exponent > 0 {
            bytes.append(UInt8(ascii: "."))
            DecimalDigits.append(digits % scale, width: decimals, to: &bytes)
            // Milliunits have three decimals; a fourth is zero.
            if exponent > decimals { bytes.append(UInt8(ascii: "0")) }
        }
        return true
    }

    private static func minorUnits(_ milliunits: UInt64, exponent: Int) -> UInt64 {
        let divisor = power(3 - exponent)
        let (quotient, remainder) = milliunits.quotientAndRemainder(dividingBy: divisor)
        // Whole halves only where the divisor is even; for 1 there is no remainder.
        return quotient + (remainder * 2 >= divisor && remainder > 0 ? 1 : 0)
    }

    /// Of 10, up to the third.
    private static func power(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        default: 1_000
        }
    }
}
