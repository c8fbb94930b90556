import PurchaseService

/// Which decisions share the next statement: pure.
///
/// While one group is being committed, later decisions gather; whoever is first among them then leads the next group. So a
/// lone decision goes at once, and under load a commit serves as many as came meanwhile. Once a crowd has gathered it is
/// built and sent behind the group under way, so that the server need not wait for it. The shell keeps what belongs to a
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

    private struct Waiting {
        var ticket: Ticket
        var subjects: Set<Subject>
        var standsAlone: Bool
        var until: ContinuousClock.Instant
    }

    private struct UnderWay {
        var tickets: Set<Ticket>
        var subjects: Set<Subject>
        var standsAlone: Bool
    }

    private let membersMax: Int
    private let waitingMax: Int
    private let crowdMin: Int
    private var waiting: [Waiting] = []
    private var underWay: [UnderWay] = []
    /// Decisions that came since a second group was last looked for: looking costs as much as waits.
    private var sinceLooked = 0

    /// At most `membersMax` in a group, and `waitingMax` that wait; `crowdMin` are enough for a second group at once.
    init(membersMax: Int, waitingMax: Int, crowdMin: Int) {
        self.membersMax = membersMax
        self.waitingMax = waitingMax
        self.crowdMin = crowdMin
    }

    var waitingCount: Int { waiting.count }

    /// Whether this ticket's group was begun behind another one, which is still under way.
    func isBehind(_ ticket: Ticket) -> Bool {
        underWay.firstIndex { $0.tickets.contains(ticket) }.map { $0 > 0 } ?? false
    }

    /// A decision came in, which may wait until `until`.
    mutating func entered(
        _ ticket: Ticket, subjects: Set<Subject>, standsAlone: Bool, until: ContinuousClock.Instant
    ) -> Entry {
        if underWay.isEmpty {
            underWay.append(UnderWay(tickets: [ticket], subjects: subjects, standsAlone: standsAlone))
            return .lead
        }
        guard waiting.count < waitingMax else { return .refuse }
        waiting.append(Waiting(ticket: ticket, subjects: subjects, standsAlone: standsAlone, until: until))
        sinceLooked += 1
        return .wait
    }

    /// Whoever waits gave up; false when it is in a group already, whose outcome is its own.
    mutating func cancelled(_ ticket: Ticket) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// The group that this ticket was in is committed, or failed.
    mutating func finished(_ ticket: Ticket) {
        underWay.removeAll { $0.tickets.contains(ticket) }
        sinceLooked = waiting.count
    }

    /// Those that have waited too long, who are to be told so.
    mutating func expired(now: ContinuousClock.Instant) -> [Ticket] {
        let late = waiting.filter { $0.until <= now }.map(\.ticket)
        if !late.isEmpty { waiting.removeAll { $0.until <= now } }
        return late
    }

    /// The members of a group that may begin now, led by its first; `nil` when none may.
    ///
    /// Members have nothing in common, with each other and with the group under way; who meets a subject of theirs waits
    /// for a later group, and keeps its place before later ones about the same.
    mutating func next() -> [Ticket]? {
        guard !waiting.isEmpty, underWay.count < 2 else { return nil }
        if let first = underWay.first {
            guard !first.standsAlone, sinceLooked >= crowdMin else { return nil }
            sinceLooked = 0
        }
        var group = UnderWay(tickets: [], subjects: [], standsAlone: false)
        var (members, rest): ([Ticket], [Waiting]) = ([], [])
        var met = underWay.first?.subjects ?? []
        var isClosed = false
        for item in waiting {
            // Whoever has to stand alone would wait for ever if crowds went on overtaking it.
            if item.standsAlone, !underWay.isEmpty { isClosed = true }
            let mayJoin = item.standsAlone ? members.isEmpty : members.count < membersMax
            if !isClosed, mayJoin, met.isDisjoint(with: item.subjects) {
                members.append(item.ticket)
                group.subjects.formUnion(item.subjects)
                group.standsAlone = item.standsAlone
                isClosed = item.standsAlone
            } else {
                rest.append(item)
            }
            met.formUnion(item.subjects)
        }
        guard !members.isEmpty, underWay.isEmpty || members.count >= crowdMin else { return nil }
        group.tickets = Set(members)
        waiting = rest
        underWay.append(group)
        return members
    }
}
