import PurchaseCore
import Testing

@Suite("When a pending transaction is asked about again")
struct RecheckPlanTests {
    /// Asks at each planned moment until nothing is planned or `end` has come, at most so often; returns the moments.
    func ask(
        _ history: inout History, until end: Instant, limit: Int, _ turn: (inout History) -> Void
    ) -> [Instant] {
        var asked: [Instant] = []
        while let next = history.nextCheck(), next < end, asked.count < limit {
            history.now = max(next, history.now)
            asked.append(history.now)
            turn(&history)
        }
        return asked
    }

    func waits(_ moments: [Instant]) -> [Span] { zip(moments.dropFirst(), moments).map { $0 - $1 } }

    @Test("fast at first, then a quarter of an hour apart, and not_found at the deadline")
    func notFound() {
        var history = History()
        history.claim(alice)
        let asked = ask(&history, until: start + .days(30), limit: 2_000) {
            $0.unanswered(.notFound(in: [.production, .sandbox]))
        }
        let waits = waits(asked)
        #expect(asked[0] == .minute(1), "at once")
        #expect(waits[0] >= Span(milliseconds: 4_500) && waits[0] <= Span(milliseconds: 5_500))
        #expect(asked.count(where: { $0 < .minute(3) }) >= 5, "a fresh purchase that takes a minute to appear is seen")
        #expect(waits.allSatisfy { $0 <= Span(milliseconds: 990_000) })
        #expect(history.refusal() == .notFound)
        let took = (asked.last ?? start) - asked[0]
        #expect(took >= .days(3) && took <= .days(3) + Span(milliseconds: 990_000), "at the deadline, and not later")
    }

    @Test("while Apple is down it is asked at bounded distances, for as long as it takes")
    func outage() {
        var history = History()
        history.claim(alice)
        let asked = ask(&history, until: start + .days(10), limit: 2_000) { $0.unanswered(.unavailable) }
        #expect(waits(asked).allSatisfy { $0 <= Span(milliseconds: 990_000) })
        #expect(history.refusal() == nil)
        #expect(history.nextCheck() != nil)
    }

    @Test(
        "an ownership that Apple leaves out is asked for ever more rarely, down to once a day, and never given up",
        arguments: [InAppOwnershipType?.none, .some(.unknown("GIFTED"))])
    func ownership(type: InAppOwnershipType?) {
        var history = History()
        history.claim(alice)
        let asked = ask(&history, until: start + .days(40), limit: 100) { history in
            let minute = (history.now - start).milliseconds / 60_000
            history.see(Sample(signed: minute).with { $0.inAppOwnershipType = type })
        }
        #expect(history.short() == "pending/ownership_unconfirmed")
        let waits = waits(asked)
        #expect(waits[0] <= Span(milliseconds: 5_500), "it may come with the next answer")
        #expect(asked.count <= 16 + 45, "each answer is kept: \(asked.count)")
        #expect(waits.allSatisfy { $0 <= .hours(27) })
        #expect(asked.count(where: { $0 > start + .days(20) }) >= 17)
        history.see(Sample(signed: 60_000))
        #expect(history.short() == "paid/confirmed")
    }

    @Test("nor is it asked for every quarter of an hour when Apple then knows nothing of it")
    func ownershipNotFound() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 1).with { $0.inAppOwnershipType = nil })
        let asked = ask(&history, until: start + .days(40), limit: 100) { $0.unanswered(.notFound(in: [.production])) }
        #expect(asked.count <= 16 + 45, "\(asked.count)")
        #expect(history.short() == "pending/ownership_unconfirmed" && history.nextCheck() != nil)
    }
}
