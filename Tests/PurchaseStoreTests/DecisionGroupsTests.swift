import Testing

@testable import PurchaseStore

@Suite("Which decisions share a statement")
struct DecisionGroupsTests {
    private typealias Groups = DecisionGroups<String>
    private let now = ContinuousClock.now
    private var later: ContinuousClock.Instant { now + .seconds(10) }

    @Test("a lone decision goes at once, and when it is done the next lone one does")
    func lone() {
        var groups = Groups(membersMax: 4, waitingMax: 4)
        let step1 = groups.entered(1, subjects: ["a"], standsAlone: false, until: later)
        #expect(step1 == .lead)
        let step2 = groups.finished(now: now)
        #expect(step2 == nil)
        let step3 = groups.entered(2, subjects: ["a"], standsAlone: false, until: later)
        #expect(step3 == .lead)
    }

    @Test("what comes while one is committed shares the next statement, in its order, up to the bound")
    func gathers() {
        var groups = Groups(membersMax: 2, waitingMax: 9)
        let step4 = groups.entered(1, subjects: ["a"], standsAlone: false, until: later)
        #expect(step4 == .lead)
        for ticket in UInt64(2)...4 {
            let step5 = groups.entered(ticket, subjects: ["\(ticket)"], standsAlone: false, until: later)
            #expect(step5 == .wait)
        }
        let step6 = groups.finished(now: now) == Groups.Group(members: [2, 3])
        #expect(step6)
        let step7 = groups.finished(now: now) == Groups.Group(members: [4])
        #expect(step7)
        let step8 = groups.finished(now: now)
        #expect(step8 == nil)
    }

    @Test("two about one chain never share, and the later never overtakes the earlier")
    func subjects() {
        var groups = Groups(membersMax: 9, waitingMax: 9)
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["a", "b"], standsAlone: false, until: later)
        _ = groups.entered(3, subjects: ["b", "c"], standsAlone: false, until: later)
        _ = groups.entered(4, subjects: ["c"], standsAlone: false, until: later)
        _ = groups.entered(5, subjects: ["d"], standsAlone: false, until: later)
        // 4 meets nobody in the group, but 3, which came before it, waits for the same.
        let step9 = groups.finished(now: now) == Groups.Group(members: [2, 5])
        #expect(step9)
        let step10 = groups.finished(now: now) == Groups.Group(members: [3])
        #expect(step10)
        let step11 = groups.finished(now: now) == Groups.Group(members: [4])
        #expect(step11)
    }

    @Test("one that stands alone shares with nobody, wherever it comes")
    func standsAlone() {
        var groups = Groups(membersMax: 9, waitingMax: 9)
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["a"], standsAlone: true, until: later)
        _ = groups.entered(3, subjects: ["b"], standsAlone: false, until: later)
        _ = groups.entered(4, subjects: ["c"], standsAlone: true, until: later)
        _ = groups.entered(5, subjects: ["d"], standsAlone: false, until: later)
        let step12 = groups.finished(now: now) == Groups.Group(members: [2])
        #expect(step12)
        let step13 = groups.finished(now: now) == Groups.Group(members: [3, 5])
        #expect(step13)
        let step14 = groups.finished(now: now) == Groups.Group(members: [4])
        #expect(step14)
    }

    @Test("beyond the bound nobody may wait; who gave up makes room, and who is in a group can't give up")
    func bound() {
        var groups = Groups(membersMax: 9, waitingMax: 1)
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        let step15 = groups.entered(2, subjects: ["a"], standsAlone: false, until: later)
        #expect(step15 == .wait)
        let step16 = groups.entered(3, subjects: ["b"], standsAlone: false, until: later)
        #expect(step16 == .refuse)
        let step17 = groups.cancelled(3)
        #expect(!step17)
        let step18 = groups.cancelled(2)
        #expect(step18)
        let step19 = groups.entered(4, subjects: ["c"], standsAlone: false, until: later)
        #expect(step19 == .wait)
        let step20 = groups.finished(now: now) == Groups.Group(members: [4])
        #expect(step20)
        let step21 = groups.cancelled(4)
        #expect(!step21)
    }

    @Test("who waited too long is answered and not committed, and does not keep the others")
    func expired() {
        var groups = Groups(membersMax: 9, waitingMax: 9)
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["a"], standsAlone: false, until: now)
        _ = groups.entered(3, subjects: ["a"], standsAlone: false, until: later)
        let step22 = groups.finished(now: now) == Groups.Group(members: [3], expired: [2])
        #expect(step22)
        _ = groups.entered(4, subjects: ["b"], standsAlone: false, until: now)
        let step23 = groups.finished(now: now) == Groups.Group(members: [], expired: [4])
        #expect(step23)
        let step24 = groups.entered(5, subjects: ["b"], standsAlone: false, until: later)
        #expect(step24 == .lead)
    }
}
