import Testing

@testable import PurchaseStore

@Suite("Which decisions share a statement")
struct DecisionGroupsTests {
    private typealias Groups = DecisionGroups<String>
    private let now = ContinuousClock.now
    private var later: ContinuousClock.Instant { now + .seconds(10) }

    private func groups(membersMax: Int = 9, waitingMax: Int = 9, crowdMin: Int = 99) -> Groups {
        Groups(membersMax: membersMax, waitingMax: waitingMax, crowdMin: crowdMin)
    }

    /// Ends the group of a ticket, and begins the next.
    private func next(_ groups: inout Groups, after ticket: UInt64) -> [UInt64]? {
        groups.finished(ticket)
        return groups.next()
    }

    @Test("a lone decision goes at once, and when it is done the next lone one does")
    func lone() {
        var groups = groups()
        let first = groups.entered(1, subjects: ["a"], standsAlone: false, until: later)
        #expect(first == .lead)
        let nobody = next(&groups, after: 1)
        #expect(nobody == nil)
        let second = groups.entered(2, subjects: ["a"], standsAlone: false, until: later)
        #expect(second == .lead)
    }

    @Test("what comes while one is committed shares the next statement, in its order, up to the bound")
    func gathers() {
        var groups = groups(membersMax: 2)
        let first = groups.entered(1, subjects: ["a"], standsAlone: false, until: later)
        #expect(first == .lead)
        for ticket in UInt64(2)...4 {
            let entry = groups.entered(ticket, subjects: ["\(ticket)"], standsAlone: false, until: later)
            #expect(entry == .wait)
        }
        let none = groups.next()
        #expect(none == nil)
        let two = next(&groups, after: 1)
        #expect(two == [2, 3])
        let one = next(&groups, after: 2)
        #expect(one == [4])
        let end = next(&groups, after: 4)
        #expect(end == nil)
    }

    @Test("two about one chain never share, and the later never overtakes the earlier")
    func subjects() {
        var groups = groups()
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["a", "b"], standsAlone: false, until: later)
        _ = groups.entered(3, subjects: ["b", "c"], standsAlone: false, until: later)
        _ = groups.entered(4, subjects: ["c"], standsAlone: false, until: later)
        _ = groups.entered(5, subjects: ["d"], standsAlone: false, until: later)
        // 4 meets nobody in the group, but 3, which came before it, waits for the same.
        let first = next(&groups, after: 1)
        #expect(first == [2, 5])
        let second = next(&groups, after: 2)
        #expect(second == [3])
        let third = next(&groups, after: 3)
        #expect(third == [4])
    }

    @Test("one that stands alone shares with nobody, wherever it comes")
    func standsAlone() {
        var groups = groups()
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["a"], standsAlone: true, until: later)
        _ = groups.entered(3, subjects: ["b"], standsAlone: false, until: later)
        _ = groups.entered(4, subjects: ["c"], standsAlone: true, until: later)
        _ = groups.entered(5, subjects: ["d"], standsAlone: false, until: later)
        let first = next(&groups, after: 1)
        #expect(first == [2])
        let second = next(&groups, after: 2)
        #expect(second == [3, 5])
        let third = next(&groups, after: 3)
        #expect(third == [4])
    }

    @Test("beyond the bound nobody may wait; who gave up makes room, and who is in a group can't give up")
    func bound() {
        var groups = groups(waitingMax: 1)
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        let waits = groups.entered(2, subjects: ["a"], standsAlone: false, until: later)
        #expect(waits == .wait)
        let refused = groups.entered(3, subjects: ["b"], standsAlone: false, until: later)
        #expect(refused == .refuse)
        let unknown = groups.cancelled(3)
        #expect(!unknown)
        let gaveUp = groups.cancelled(2)
        #expect(gaveUp)
        let instead = groups.entered(4, subjects: ["c"], standsAlone: false, until: later)
        #expect(instead == .wait)
        let group = next(&groups, after: 1)
        #expect(group == [4])
        let tooLate = groups.cancelled(4)
        #expect(!tooLate)
    }

    @Test("who waited too long is answered and not committed, and does not keep the others")
    func expired() {
        var groups = groups()
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["a"], standsAlone: false, until: now)
        _ = groups.entered(3, subjects: ["a"], standsAlone: false, until: later)
        let late = groups.expired(now: now)
        #expect(late == [2])
        let group = next(&groups, after: 1)
        #expect(group == [3])
        _ = groups.entered(4, subjects: ["b"], standsAlone: false, until: now)
        let lateToo = groups.expired(now: now)
        #expect(lateToo == [4])
        let nobody = next(&groups, after: 3)
        #expect(nobody == nil)
        let lead = groups.entered(5, subjects: ["b"], standsAlone: false, until: later)
        #expect(lead == .lead)
    }

    // MARK: Two under way

    @Test("a crowd begins behind the group under way, a few wait for its end, and there are never three groups")
    func crowd() {
        var groups = groups(waitingMax: 99, crowdMin: 3)
        _ = groups.entered(1, subjects: ["1"], standsAlone: false, until: later)
        for ticket in UInt64(2)...3 {
            _ = groups.entered(ticket, subjects: ["\(ticket)"], standsAlone: false, until: later)
            let few = groups.next()
            #expect(few == nil)
        }
        _ = groups.entered(4, subjects: ["4"], standsAlone: false, until: later)
        let second = groups.next()
        #expect(second == [2, 3, 4])
        for ticket in UInt64(5)...12 {
            _ = groups.entered(ticket, subjects: ["\(ticket)"], standsAlone: false, until: later)
        }
        let third = groups.next()
        #expect(third == nil)
        // The first is done: those that came meanwhile are a crowd, and go behind the second.
        let behind = next(&groups, after: 1)
        #expect(behind == [5, 6, 7, 8, 9, 10, 11, 12])
        _ = groups.entered(13, subjects: ["13"], standsAlone: false, until: later)
        let few = next(&groups, after: 2)
        #expect(few == nil)
        let last = next(&groups, after: 12)
        #expect(last == [13])
    }

    @Test("a crowd leaves out whoever meets the group under way, and later ones about the same")
    func crowdSubjects() {
        var groups = groups(waitingMax: 99, crowdMin: 2)
        _ = groups.entered(1, subjects: ["x"], standsAlone: false, until: later)
        _ = groups.entered(2, subjects: ["x", "y"], standsAlone: false, until: later)
        _ = groups.entered(3, subjects: ["y"], standsAlone: false, until: later)
        let none = groups.next()
        #expect(none == nil)
        _ = groups.entered(4, subjects: ["a"], standsAlone: false, until: later)
        _ = groups.entered(5, subjects: ["b"], standsAlone: false, until: later)
        let second = groups.next()
        #expect(second == [4, 5])
        _ = groups.entered(6, subjects: ["b"], standsAlone: false, until: later)
        // Behind the second group 2 may go now, but alone it is no crowd.
        let few = next(&groups, after: 1)
        #expect(few == nil)
        let rest = next(&groups, after: 4)
        #expect(rest == [2, 6])
        let end = next(&groups, after: 6)
        #expect(end == [3])
    }

    @Test("nothing goes behind one that stands alone, and crowds never overtake one")
    func crowdStandsAlone() {
        var groups = groups(waitingMax: 99, crowdMin: 2)
        _ = groups.entered(1, subjects: ["1"], standsAlone: true, until: later)
        _ = groups.entered(2, subjects: ["2"], standsAlone: false, until: later)
        _ = groups.entered(3, subjects: ["3"], standsAlone: false, until: later)
        let none = groups.next()
        #expect(none == nil)
        let crowd = next(&groups, after: 1)
        #expect(crowd == [2, 3])
        _ = groups.entered(4, subjects: ["4"], standsAlone: true, until: later)
        for ticket in UInt64(5)...8 {
            _ = groups.entered(ticket, subjects: ["\(ticket)"], standsAlone: false, until: later)
        }
        let overtaking = groups.next()
        #expect(overtaking == nil)
        let alone = next(&groups, after: 2)
        #expect(alone == [4])
        let others = next(&groups, after: 4)
        #expect(others == [5, 6, 7, 8])
    }
}
