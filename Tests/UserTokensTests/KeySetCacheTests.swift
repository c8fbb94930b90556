import PurchaseCore
import TestSupport
import Testing

@testable import UserTokens

@Suite("The cache of the provider's keys")
struct KeySetCacheTests {
    private static let times = KeySetTimes(
        refreshAfter: .minutes(10), awaitAfter: .hours(1), keepFor: .days(1), pause: .seconds(10))

    /// A cache whose set was read at noon, and whose pause is over a little later.
    private func filled() throws -> KeySetCache {
        var cache = KeySetCache(times: Self.times)
        let began1 = cache.begin(at: noon)
        #expect(began1)
        cache.succeeded(try Keys.allInOne(), at: noon)
        return cache
    }

    private func word(_ advice: KeySetCache.Advice) -> String {
        switch advice {
        case .use(_, let refresh): refresh ? "use and refresh" : "use"
        case .wait: "wait"
        case .unavailable: "unavailable"
        }
    }

    @Test(
        "a set is used, used and refreshed, awaited, and given up as it ages",
        arguments: [
            (Span.zero, "use"), (.seconds(599), "use"), (.seconds(600), "use and refresh"),
            (.seconds(3_599), "use and refresh"), (.seconds(3_600), "wait"), (.seconds(86_399), "wait"),
            (.seconds(86_400), "wait"), (.seconds(-1), "use"), (.seconds(-600), "wait"),
        ])
    func age(age: Span, expected: String) throws {
        #expect(word(try filled().advice(at: noon + age)) == expected)
    }

    @Test("while no newer set can be had the old one serves for a day, and nothing after that")
    func outage() throws {
        for (age, expected) in [
            (Span.minutes(11), "use"), (.hours(23), "use"), (.hours(24), "unavailable"), (.days(9), "unavailable"),
        ] {
            var cache = try filled()
            let began2 = cache.begin(at: noon + age)
            #expect(began2)
            cache.failed(at: noon + age)
            #expect(word(cache.advice(at: noon + age + .seconds(9))) == (age < .hours(24) ? "use" : expected))
            #expect((cache.lastResort(at: noon + age) != nil) == (age < .hours(24)))
        }
    }

    @Test("before the first set one waits for it, and after a failed attempt not even that for a while")
    func empty() {
        var cache = KeySetCache(times: Self.times)
        #expect(word(cache.advice(at: noon)) == "wait")
        let began3 = cache.begin(at: noon)
        #expect(began3)
        #expect(word(cache.advice(at: noon)) == "wait")
        cache.failed(at: noon + .seconds(5))
        #expect(word(cache.advice(at: noon + .seconds(14))) == "unavailable")
        #expect(word(cache.advice(at: noon + .seconds(15))) == "wait")
    }

    @Test("one attempt at a time, and a pause after each, good or bad")
    func attempts() throws {
        var cache = KeySetCache(times: Self.times)
        let began4 = cache.begin(at: noon)
        #expect(began4)
        let began5 = cache.begin(at: noon + .minutes(1))
        #expect(!began5)
        cache.failed(at: noon + .minutes(1))
        let began6 = cache.begin(at: noon + .seconds(69))
        #expect(!began6)
        let began7 = cache.begin(at: noon + .seconds(70))
        #expect(began7)
        cache.succeeded(try Keys.allInOne(), at: noon + .seconds(70))
        let began8 = cache.begin(at: noon + .seconds(79))
        #expect(!began8)
        let began9 = cache.begin(at: noon + .seconds(80))
        #expect(began9)
    }

    @Test("a key that the set lacks is unknown only while the set is new, and undetermined after a failed attempt")
    func unknownKeys() throws {
        func word(_ advice: KeySetCache.AdviceOnUnknownKey) -> String { "\(advice)" }
        var cache = try filled()
        #expect(word(cache.adviceOnUnknownKey(at: noon + .seconds(9))) == "unknown")
        #expect(word(cache.adviceOnUnknownKey(at: noon + .seconds(10))) == "wait")
        let began10 = cache.begin(at: noon + .seconds(10))
        #expect(began10)
        #expect(word(cache.adviceOnUnknownKey(at: noon + .seconds(11))) == "wait")
        cache.failed(at: noon + .seconds(12))
        #expect(word(cache.adviceOnUnknownKey(at: noon + .seconds(13))) == "undetermined")
        #expect(word(cache.adviceOnUnknownKey(at: noon + .seconds(22))) == "wait")
    }

    @Test("a refresh is asked for once, not by every token that comes while it is under way")
    func oneRefresh() throws {
        var cache = try filled()
        let later = noon + .minutes(10)
        #expect(word(cache.advice(at: later)) == "use and refresh")
        let began11 = cache.begin(at: later)
        #expect(began11)
        #expect(word(cache.advice(at: later)) == "use")
    }
}
