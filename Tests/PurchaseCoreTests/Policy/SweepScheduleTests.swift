import PurchaseCore
import Testing

@Suite("Sweep schedule")
struct SweepScheduleTests {
    /// Days from the charge at which a transaction is swept, when each sweep is answered at its moment.
    static func days(of id: String, chargedAt: Instant = start, until end: Int64) -> [Double] {
        var days: [Double] = []
        var now = chargedAt
        while true {
            now = RecheckSchedule.nextSweep(of: TransactionID(id), chargedAt: chargedAt, after: now)
            guard now < chargedAt + .days(end) else { return days }
            days.append(Double((now - chargedAt).milliseconds) / 86_400_000)
        }
    }

    @Test(
        "a paid transaction is swept after 1, 7, 30, 60, 90 and 120 days, and then every 180, each give or take a tenth"
    )
    func moments() {
        let ideal: [Double] = [1, 7, 30, 60, 90, 120, 300, 480, 660, 840]
        for number in 0..<200 {
            let days = Self.days(of: "200000\(number)", until: 900)
            #expect(days.count == ideal.count)
            for (day, wanted) in zip(days, ideal) {
                let step = wanted - (ideal.last { $0 < wanted } ?? 0)
                #expect(abs(day - wanted) <= step / 10 + 0.000_001, "\(number): \(day)")
            }
        }
    }

    @Test("there is no end: after ten years the sweeps still come")
    func noEnd() {
        #expect(Self.days(of: "1001", until: 3_650).count == 25)
    }

    @Test(
        "each moment is the first after now, whenever one asks",
        arguments: SplitMix64.seeds(fixed: 1...20, for: "sweeps"))
    func first(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let id = TransactionID("\(random.next() % 1_000_000)")
        let moments = Self.days(of: id.rawValue, until: 2_000)
        for _ in 0..<200 {
            let day = Double.random(in: 0..<1_700, using: &random)
            let now = start + Span(milliseconds: Int64(day * 86_400_000))
            let next = RecheckSchedule.nextSweep(of: id, chargedAt: start, after: now)
            let ahead = Double((next - start).milliseconds) / 86_400_000
            let wanted = moments.first { $0 > Double((now - start).milliseconds) / 86_400_000 }
            #expect(ahead == wanted, "SEED=\(seed): day \(day)")
        }
    }

    @Test("purchases of the same moment are swept at different ones")
    func spreads() {
        let moments = (0..<100).map {
            RecheckSchedule.nextSweep(of: TransactionID("10\($0)"), chargedAt: start, after: start)
        }
        #expect(Set(moments).count > 50)
    }

    @Test("a renewal dated a day ahead is swept a day after it, one dated beyond all sense within the period")
    func future() {
        let id = TransactionID("1001")
        let renewal = RecheckSchedule.nextSweep(of: id, chargedAt: start + .days(1), after: start)
        #expect(renewal > start + .hours(45) && renewal < start + .hours(51))
        let never = Instant(millisecondsSince1970: .max)
        #expect(RecheckSchedule.nextSweep(of: id, chargedAt: never, after: start) == start + RecheckSchedule.sweepEvery)
    }

    @Test("no date that Apple can send traps, and the next sweep is never far", arguments: InstantTests.extremes)
    func neverTraps(milliseconds: Int64) {
        for number in 0..<20 {
            let next = RecheckSchedule.nextSweep(
                of: TransactionID("\(number)"), chargedAt: Instant(millisecondsSince1970: milliseconds), after: start)
            #expect(next > start && next <= start + .days(216))
        }
    }
}

@Suite("Patient waits")
struct PatientWaitTests {
    let schedule = RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3))

    @Test("they double on to a day, give or take a tenth, and a longer setting is kept")
    func doubles() {
        for attempt in Int64(1)...40 {
            let ideal: Int64 = min(5_000 << min(attempt - 1, 30), 86_400_000)
            let id = TransactionID("1001")
            let wait = schedule.wait(afterAttempts: attempt, transaction: id, isPatient: true).milliseconds
            #expect(abs(wait - ideal) <= ideal / 10)
        }
        let slow = RecheckSchedule(first: .days(2), maximum: .days(4), notFoundDeadline: .days(9))
        let wait = slow.wait(afterAttempts: 9, transaction: TransactionID("1001"), isPatient: true)
        #expect(wait > .days(3))
    }
}
