import AppStoreClient
import PurchaseCore
import PurchaseService
import Testing

@Suite("Budget lanes, edge by edge")
struct BudgetLanesTests {
    private typealias ID = BudgetLanes.WaiterID

    private func makeLanes(capacity: Int = 12, tokensPerHour: Int = 180_000, waitersMax: Int = 100) -> BudgetLanes {
        BudgetLanes(capacity: capacity, tokensPerHour: tokensPerHour, waitersMax: waitersMax)
    }

    @Test("the first waiter leads and draws one token, and is served by it")
    func first() {
        var lanes = makeLanes()
        #expect(lanes.arrived(ID(1), in: .sweep, now: .zero) == [.lead(ID(1))])
        #expect(lanes.leaderStep(ID(1), now: .zero) == .draw(1))
        #expect(lanes.blockReceived(count: 1, nextTokenIn: .zero, now: .zero) == [.grant(ID(1))])
        #expect(lanes.leaderStep(ID(1), now: .zero) == .nothing)
    }

    @Test("waiters that come during a draw are served with the next one, which asks for all of them")
    func followers() {
        var lanes = makeLanes()
        _ = lanes.arrived(ID(1), in: .retry, now: .zero)
        #expect(lanes.arrived(ID(2), in: .retry, now: .zero) == [])
        #expect(lanes.arrived(ID(3), in: .retry, now: .zero) == [])
        #expect(lanes.blockReceived(count: 1, nextTokenIn: .zero, now: .zero) == [.grant(ID(1)), .lead(ID(2))])
        #expect(lanes.leaderStep(ID(2), now: .zero) == .draw(2))
        #expect(lanes.blockReceived(count: 2, nextTokenIn: .zero, now: .zero) == [.grant(ID(2)), .grant(ID(3))])
    }

    @Test("a leader that isn't served keeps the lead while others overtake it")
    func overtaken() {
        var lanes = makeLanes()
        _ = lanes.arrived(ID(1), in: .sweep, now: .zero)
        _ = lanes.arrived(ID(2), in: .interactive, now: .zero)
        #expect(lanes.blockReceived(count: 1, nextTokenIn: .milliseconds(20), now: .zero) == [.grant(ID(2))])
        #expect(lanes.leaderStep(ID(1), now: .zero) == .wait(.milliseconds(20)))
        #expect(lanes.leaderStep(ID(1), now: .milliseconds(20)) == .draw(1))
    }

    @Test("a draw never asks for more than the bucket holds")
    func largestDraw() {
        var lanes = makeLanes(capacity: 12)
        for number in 1...100 { _ = lanes.arrived(ID(UInt64(number)), in: .retry, now: .zero) }
        #expect(lanes.leaderStep(ID(1), now: .zero) == .draw(12))
    }

    @Test("who drew nothing asks again when the next token is due, who drew some when a few more are")
    func pacing() {
        var lanes = makeLanes(tokensPerHour: 180_000)
        for number in 1...10 { _ = lanes.arrived(ID(UInt64(number)), in: .retry, now: .zero) }
        #expect(lanes.blockReceived(count: 1, nextTokenIn: .milliseconds(3), now: .zero).contains(.lead(ID(2))))
        #expect(lanes.leaderStep(ID(2), now: .zero) == .wait(BudgetLanes.pace))
        #expect(lanes.blockReceived(count: 0, nextTokenIn: .milliseconds(3), now: .zero) == [])
        #expect(lanes.leaderStep(ID(2), now: .zero) == .wait(.milliseconds(3)))
        #expect(lanes.blockReceived(count: 0, nextTokenIn: .seconds(10), now: .zero) == [])
        #expect(lanes.leaderStep(ID(2), now: .zero) == .wait(.seconds(10)))
    }

    @Test("tokens that nobody waited for serve the next arrival within 250 ms, and no later one")
    func expiry() {
        for (arrivesAt, served) in [(Duration.milliseconds(249), true), (.milliseconds(250), false)] {
            var lanes = makeLanes()
            _ = lanes.arrived(ID(1), in: .retry, now: .zero)
            _ = lanes.arrived(ID(2), in: .retry, now: .zero)
            _ = lanes.departed(ID(2))
            #expect(lanes.blockReceived(count: 2, nextTokenIn: .zero, now: .zero) == [.grant(ID(1))])
            let actions = lanes.arrived(ID(3), in: .retry, now: arrivesAt)
            #expect(actions == (served ? [.grant(ID(3))] : [.lead(ID(3))]))
        }
    }

    @Test("a leader that departs hands the lead on, and its late block still counts")
    func leaderDeparts() {
        var lanes = makeLanes()
        _ = lanes.arrived(ID(1), in: .retry, now: .zero)
        _ = lanes.arrived(ID(2), in: .retry, now: .zero)
        #expect(lanes.departed(ID(1)) == [.lead(ID(2))])
        #expect(lanes.leaderStep(ID(1), now: .zero) == .nothing)
        #expect(lanes.blockReceived(count: 1, nextTokenIn: .zero, now: .zero) == [.grant(ID(2))])
    }

    @Test("a full lane turns the newcomer away, and only that lane")
    func full() {
        var lanes = makeLanes(waitersMax: 1)
        _ = lanes.arrived(ID(1), in: .unproven, now: .zero)
        #expect(lanes.arrived(ID(2), in: .unproven, now: .zero) == [.refuse(ID(2))])
        #expect(lanes.arrived(ID(3), in: .interactive, now: .zero) == [])
        #expect(lanes.waiting(in: .unproven) == 1)
    }

    @Test("a failed draw turns everybody away, and the next arrival asks anew")
    func failure() {
        var lanes = makeLanes()
        _ = lanes.arrived(ID(1), in: .interactive, now: .zero)
        _ = lanes.arrived(ID(2), in: .sweep, now: .zero)
        #expect(lanes.drawFailed() == [.fail(ID(1)), .fail(ID(2))])
        #expect(lanes.arrived(ID(3), in: .sweep, now: .zero) == [.lead(ID(3))])
        #expect(lanes.leaderStep(ID(3), now: .zero) == .draw(1))
    }

    @Test("a pause turns everybody away and drops the tokens in hand")
    func pause() {
        var lanes = makeLanes()
        _ = lanes.arrived(ID(1), in: .interactive, now: .zero)
        _ = lanes.blockReceived(count: 5, nextTokenIn: .zero, now: .zero)
        #expect(lanes.paused() == [])
        #expect(lanes.arrived(ID(2), in: .interactive, now: .zero) == [.lead(ID(2))])
        #expect(lanes.paused() == [.pause(ID(2))])
    }

    @Test("departing after being served does no harm")
    func lateDeparture() {
        var lanes = makeLanes()
        _ = lanes.arrived(ID(1), in: .interactive, now: .zero)
        _ = lanes.blockReceived(count: 1, nextTokenIn: .zero, now: .zero)
        #expect(lanes.departed(ID(1)) == [])
        #expect(lanes.departed(ID(7)) == [])
    }
}

@Suite("Throttle gate")
struct ThrottleGateTests {
    private let start = ManualClock.start

    @Test("closed until Apple's instant, with one probe every thirty seconds")
    func probes() {
        var gate = ThrottleGate()
        #expect(gate.admit(now: start) == .open)
        let retryAt = start + .minutes(10)
        gate.throttled(retryAt: retryAt, now: start)
        var passed = 0
        for second in 0..<600 where gate.admit(now: start + .seconds(Int64(second))) == .open { passed += 1 }
        #expect(passed == 19)
        #expect(gate.admit(now: retryAt) == .open)
    }

    @Test("without an instant the pauses double, up to thirty seconds, and end with the first other answer")
    func doubling() {
        var gate = ThrottleGate()
        var now = start
        for pause in [1, 2, 4, 8, 16, 30, 30] as [Int64] {
            gate.throttled(retryAt: nil, now: now)
            #expect(gate.admit(now: now + Span(milliseconds: pause * 1_000 - 1)) == .closed(retryAt: nil), "\(pause)")
            now = now + .seconds(pause)
            #expect(gate.admit(now: now) == .open, "\(pause)")
        }
        gate.passed(askedAt: now)
        gate.throttled(retryAt: nil, now: now)
        #expect(gate.admit(now: now + .seconds(1)) == .open)
    }

    @Test("answers to requests from before the gate closed neither open it nor count again")
    func stragglers() {
        var gate = ThrottleGate()
        for _ in 0..<50 { gate.throttled(retryAt: nil, now: start) }
        gate.passed(askedAt: start - .seconds(1))
        #expect(gate.admit(now: start + Span(milliseconds: 999)) == .closed(retryAt: nil))
        #expect(gate.admit(now: start + .seconds(1)) == .open)
    }
}
