import AppStoreClient
import Foundation
import PurchaseCore
import Testing

@Suite("Headers of Apple's answers")
struct HeaderTests {
    private let now = ManualClock.start

    @Test("Retry-After is an absolute UNIX time in milliseconds, at most an hour ahead")
    func retryAfter() {
        let base = now.millisecondsSince1970
        #expect(RetryAfter.parse("\(base + 30_000)", now: now) == now + .seconds(30))
        #expect(RetryAfter.parse("\(base + 1)", now: now) == now + Span(milliseconds: 1))
        #expect(RetryAfter.parse("\(base + 3_600_000)", now: now) == now + .hours(1))
    }

    @Test(
        "anything else is nil: neither a multi-year sleep nor an instant hammer",
        arguments: [
            nil, "", " ", "0", "-1", "120", "1795348860", "1795348860000000", "1795352400001", "1795348800000",
            "1795348799999", "9223372036854775807", "9223372036854775808", "99999999999999999999999",
            "Sun, 22 Nov 2026 12:01:00 GMT", "1795348830000.5", "+1795348830000", " 1795348830000", "１７９５３４８８３００００",
        ] as [String?])
    func retryAfterRefused(value: String?) {
        #expect(RetryAfter.parse(value, now: now) == nil)
    }

    @Test("HTTP dates agree with Foundation's, over four centuries")
    func dates() throws {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        var generator = SeededGenerator.fromEnvironment("HTTP dates")
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -2_208_988_800...10_413_792_000, using: &generator)
            let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(HTTPDate.parse(text)?.millisecondsSince1970 == seconds * 1_000, "\(text)")
        }
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT")?.millisecondsSince1970 == 784_111_777_000)
    }

    @Test(
        "other forms of a date are not read",
        arguments: [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nev 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:3x GMT", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
        ])
    func datesRefused(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }

    @Test("clock skew is ours minus Apple's, taken at the middle of the exchange")
    func skew() {
        // Apple said 12:00:00 while we waited from 12:02:00 to 12:02:01.
        let measured = ClockSkew.measure(
            date: "Sun, 22 Nov 2026 12:00:00 GMT", sentAt: now + .seconds(120), receivedAt: now + .seconds(121))
        #expect(measured == .seconds(120))
        let behind = ClockSkew.measure(
            date: "Sun, 22 Nov 2026 12:00:00 GMT", sentAt: now - .seconds(120), receivedAt: now - .seconds(119))
        #expect(behind == .seconds(-120))
        #expect(ClockSkew.measure(date: nil, sentAt: now, receivedAt: now) == nil)
        #expect(ClockSkew.measure(date: "now", sentAt: now, receivedAt: now) == nil)
    }
}
