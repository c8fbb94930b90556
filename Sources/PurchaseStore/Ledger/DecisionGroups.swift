import PurchaseService

/// Which decisions share the next statement: pure.
///
/// While one group is being committed, later decisions gather; whoever is first among them then leads the next group. So a
/// lone decision goes at once, and under load a commit serves as many as came meanwhile. The shell keeps what belongs to a
/// ticket, and who waits for it.
struct DecisionGroups<Subject: Hashable> {
    typealias Ticket = UInt64

    enum Entry: Equatable {
        /// Nobody commits: this one leads, by itself.
        case lead
        /// It waits to be led, or to lead.
        case wait
        /// As many wait as may.
        case refuse
    }

    /// A group to be committed, led by its first; those that waited too long are left out and answered.
    struct Group: Equatable {
        var members: [Ticket]
        var expired: [Ticket] = []
    }

    private struct Waiting {
        var ticket: Ticket
        var subjects: Set<Subject>
        var standsAlone: Bool
        var until: ContinuousClock.Instant
    }

    private let membersMax: Int
    private let waitingMax: Int
    private var waiting: [Waiting] = []
    private var isCommitting = false

    /// At most `membersMax` in a group, and `waitingMax` that wait.
    init(membersMax: Int, waitingMax: Int) {
        self.membersMax = membersMax
        self.waitingMax = waitingMax
    }

    var waitingCount: Int { waiting.count }

    /// A decision came in, which may wait until `until`.
    mutating func entered(
        _ ticket: Ticket, subjects: Set<Subject>, standsAlone: Bool, until: ContinuousClock.Instant
    ) -> Entry {
        guard isCommitting else {
            isCommitting = true
            return .lead
        }
        guard waiting.count < waitingMax else { return .refuse }
        waiting.append(Waiting(ticket: ticket, subjects: subjects, standsAlone: standsAlone, until: until))
        return .wait
    }

    /// Whoever waits gave up; false when it is in a group already, whose outcome is its own.
    mutating func cancelled(_ ticket: Ticket) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// A group was committed, or failed: the next one, or `nil` when nobody waits.
    ///
    /// Members have nothing in common; who meets a member's subject waits for the group after, and keeps its place before
    /// later ones about the same.
    mutating func finished(now: ContinuousClock.Instant) -> Group? {
        var group = Group(members: [])
        var subjects: Set<Subject> = []
        var rest: [Waiting] = []
        var isFull = false
        for item in waiting {
            if item.until <= now {
                group.expired.append(item.ticket)
            } else if !isFull, group.members.isEmpty || !item.standsAlone, subjects.isDisjoint(with: item.subjects) {
                group.members.append(item.ticket)
                subjects.formUnion(item.subjects)
                isFull = item.standsAlone || group.members.count >= membersMax
            } else {
                subjects.formUnion(item.subjects)
                rest.append(item)
            }
        }
        waiting = rest
        isCommitting = !group.members.isEmpty
        return group.members.isEmpty && group.expired.isEmpty ? nil : group
    }
}
