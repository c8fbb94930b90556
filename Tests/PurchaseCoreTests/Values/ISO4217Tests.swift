import Testing

@testable import PurchaseCore

@Suite("Currencies and their decimals")
struct ISO4217Tests {
    @Test(
        "a currency has as many decimals as ISO 4217 says",
        arguments: [
            ("JPY", 0), ("KRW", 0), ("VND", 0), ("CLP", 0), ("ISK", 0), ("UGX", 0), ("XAF", 0), ("IDR", 2), ("HUF", 2),
            ("TWD", 2), ("USD", 2), ("EUR", 2), ("KWD", 3), ("BHD", 3), ("OMR", 3), ("JOD", 3), ("TND", 3), ("CLF", 4),
            ("BGN", 2), ("XCG", 2),
        ])
    func exponents(currency: String, exponent: Int) { #expect(ISO4217.exponent(of: currency) == exponent) }

    @Test(
        "what has no minor unit, and what is no currency, is not in the table", arguments: ["XAU", "XXX", "XTS", "ABC"])
    func unknown(currency: String) {
        #expect(ISO4217.exponent(of: currency) == nil)
        #expect(Money(milliunits: 4_990, currency: currency).decimalText == nil)
    }

    @Test("no entry is ever changed or removed: exports that were handed over would have other bytes")
    func frozen() {
        // A further code is a further entry here, and a line in the changelog.
        var digest: UInt64 = 14_695_981_039_346_656_037
        for code in ISO4217.codes {
            #expect(code.utf8.count == 3 && code.utf8.allSatisfy { (65...90).contains($0) }, "\(code)")
            for byte in "\(code)\(ISO4217.exponent(of: code) ?? -1)".utf8 {
                digest = (digest ^ UInt64(byte)) &* 1_099_511_628_211
            }
        }
        #expect(ISO4217.codes.count == 171)
        #expect(digest == 10_865_174_363_042_564_418, "\(digest)")
    }

    @Test(
        "an amount is written with the decimals of its currency, halves rounded away from zero, never in floating point",
        arguments: [
            ("USD", 4_990, "4.99"), ("USD", 0, "0.00"), ("USD", -4_990, "-4.99"), ("USD", 10, "0.01"),
            ("USD", 5, "0.01"),
            ("USD", 4, "0.00"), ("USD", -4, "0.00"), ("USD", -5, "-0.01"), ("USD", 1_664, "1.66"),
            ("USD", 1_665, "1.67"),
            ("JPY", 300_000, "300"), ("JPY", 499, "0"), ("JPY", 500, "1"), ("JPY", -500, "-1"), ("JPY", -499, "0"),
            ("KWD", 1_250, "1.250"), ("KWD", 1, "0.001"), ("KWD", -1, "-0.001"), ("CLF", 1_234, "1.2340"),
            ("CLF", -1, "-0.0010"), ("VND", 2_499_000_000, "2499000"), ("IDR", 15_900_000_000, "15900000.00"),
            ("USD", .max, "9223372036854775.81"), ("JPY", .min, "-9223372036854776"),
            ("KWD", .min, "-9223372036854775.808"),
        ] as [(String, Int64, String)])
    func decimals(currency: String, milliunits: Int64, text: String) {
        #expect(Money(milliunits: milliunits, currency: currency).decimalText == text)
    }

    @Test("days are those that the calendar has", arguments: ["2026-02-29", "2026-13-01", "2026-1-1", "20260101", ""])
    func noDays(text: String) { #expect(CalendarDay(text) == nil) }

    @Test("a day says its own name again", arguments: ["0001-01-01", "2024-02-29", "2026-11-23", "9999-12-31"])
    func days(text: String) { #expect(CalendarDay(text)?.description == text) }
}
