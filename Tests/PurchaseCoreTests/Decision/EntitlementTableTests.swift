import PurchaseCore
import Testing

/// Product kind × state × ownership × time, with the entitlement that follows: design decisions, readable at a glance.
///
/// Every row is played through `decide`: alice claims, Apple's evidence comes, and time passes.
@Suite("The table of entitlements")
struct EntitlementTableTests {
    /// What is sold, by the name of the product in the tests' catalogue.
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case consumable = "coins"
        case nonConsumable = "unlock"
        /// Lasts 90 days.
        case nonRenewing = "season"
        /// A period of 30 days.
        case autoRenewable = "monthly"

        var testDescription: String { rawValue }
    }

    /// What has come of it.
    enum State: CaseIterable {
        /// Nobody has asked Apple yet.
        case received
        /// Only the device vouches.
        case pending
        /// Apple says that it was bought.
        case paid
        /// Refunded on day 5.
        case refunded
        /// Refunded in part on day 5.
        case prorated
        /// Refunded on day 5, and undone on day 6.
        case reversed
        /// It is another app's.
        case refused
    }

    /// Whose it is.
    enum Ownership: CaseIterable {
        /// Alice bought it.
        case bought
        /// Alice's family shares it with her.
        case shared
        /// Apple does not say.
        case unknown
        /// Bob claimed it before her.
        case another
        /// Nobody has claimed it.
        case nobody
    }

    /// When it is looked at.
    enum Time: CaseIterable {
        /// On day 7.
        case early
        /// One millisecond before its time is over.
        case lastInstant
        /// When its time is over.
        case over
        /// Ten years later.
        case later
    }

    /// What alice has.
    enum Right: String, Equatable {
        /// It may be used.
        case active
        /// It may be used: Apple is still to say whether it was renewed.
        case unsure
        /// There is a row whose time is over.
        case expired
        /// One delivery of its units.
        case delivered
        /// Nothing.
        case nothing
    }

    struct Row: CustomTestStringConvertible {
        var kind: Kind
        var states: [State]
        var ownerships: [Ownership]
        /// In the order of ``Time``: early, last instant, over, later.
        var rights: [Right]

        init(_ kind: Kind, _ states: [State], _ ownerships: [Ownership], _ rights: Right...) {
            self.kind = kind
            self.states = states
            self.ownerships = ownerships
            self.rights = rights.count == 1 ? Array(repeating: rights[0], count: Time.allCases.count) : rights
        }

        var testDescription: String { "\(kind.rawValue), \(states), \(ownerships)" }
    }

    private static let entitling: [State] = [.paid, .reversed]
    private static let notEntitling: [State] = [.received, .pending, .refunded, .prorated, .refused]
    private static let hers: [Ownership] = [.bought, .shared]
    private static let notHers: [Ownership] = [.unknown, .another, .nobody]

    // swift-format-ignore
    static let table: [Row] = [
        //  kind            state         whose       early       last instant  over       later
        Row(.nonConsumable, entitling,    hers,       .active),
        Row(.nonConsumable, notEntitling, hers,       .nothing),
        Row(.nonConsumable, State.allCases, notHers,  .nothing),

        Row(.nonRenewing,   entitling,    [.bought],  .active,    .active,      .expired,  .expired),
        // Apple shares no such thing, and what nobody pays for isn't given away.
        Row(.nonRenewing,   entitling,    [.shared],  .nothing),
        Row(.nonRenewing,   notEntitling, hers,       .nothing),
        Row(.nonRenewing,   State.allCases, notHers,  .nothing),

        // Nothing is known of its renewal; SubscriptionTableTests says what is when Apple has spoken.
        Row(.autoRenewable, entitling,    hers,       .active,    .active,      .unsure,   .expired),
        Row(.autoRenewable, notEntitling, hers,       .nothing),
        Row(.autoRenewable, State.allCases, notHers,  .nothing),

        Row(.consumable,    entitling,    [.bought],  .delivered),
        Row(.consumable,    entitling,    [.shared],  .nothing),
        Row(.consumable,    notEntitling, hers,       .nothing),
        Row(.consumable,    State.allCases, notHers,  .nothing),
    ]

    @Test("each row holds, for each of its states and owners, at each time", arguments: table)
    func row(_ row: Row) {
        for state in row.states {
            for ownership in row.ownerships {
                let history = Self.play(row.kind, state, ownership)
                for (time, expected) in zip(Time.allCases, row.rights) {
                    let now = Self.instant(time, row.kind)
                    let found = Self.right(history, at: now)
                    #expect(found == expected, "\(row.kind.rawValue), \(state), \(ownership), \(time)")
                }
            }
        }
    }

    @Test("the table says something about every combination, once")
    func complete() {
        for kind in Kind.allCases {
            for state in State.allCases {
                for ownership in Ownership.allCases {
                    let rows = Self.table.filter {
                        $0.kind == kind && $0.states.contains(state) && $0.ownerships.contains(ownership)
                    }
                    #expect(rows.count == 1, "\(kind.rawValue), \(state), \(ownership)")
                    #expect(rows.allSatisfy { $0.rights.count == Time.allCases.count })
                }
            }
        }
    }

    @Test("a product that keeps access through a prorated refund, or forbids family shares, changes those rows alone")
    func productRules() {
        for kind in [Kind.nonConsumable, .nonRenewing, .autoRenewable] {
            let keeping = Policy.standard.with(product: kind.rawValue) { $0.onProratedRefund = .keep }
            let buyersOnly = Policy.standard.with(product: kind.rawValue) { $0.familySharing = false }
            for state in State.allCases {
                for ownership in Ownership.allCases {
                    let usual = Self.right(Self.play(kind, state, ownership), at: Self.instant(.early, kind))
                    let kept = Self.right(
                        Self.play(kind, state, ownership, policy: keeping), at: Self.instant(.early, kind))
                    let isShared = ownership == .shared && kind != .nonRenewing
                    let isKept = state == .prorated && (ownership == .bought || isShared)
                    #expect(kept == (isKept ? .active : usual), "\(kind.rawValue), \(state), \(ownership)")
                    let alone = Self.right(
                        Self.play(kind, state, ownership, policy: buyersOnly), at: Self.instant(.early, kind))
                    #expect(
                        alone == (ownership == .shared ? .nothing : usual), "\(kind.rawValue), \(state), \(ownership)")
                }
            }
        }
    }

    // MARK: Playing a row

    private static let day: Int64 = 24 * 60

    private static func play(
        _ kind: Kind, _ state: State, _ ownership: Ownership, policy: Policy = .standard
    ) -> History {
        var history = History(policy: policy)
        switch ownership {
        case .bought, .shared, .unknown: history.claim(alice)
        case .another:
            history.claim(bob)
            history.wait(.minutes(1))
            history.claim(alice)
        case .nobody: history.mention()
        }
        let sample = Sample(kind.rawValue, signed: 2).with { facts in
            switch ownership {
            case .bought, .another, .nobody: facts.inAppOwnershipType = .purchased
            case .shared: facts.inAppOwnershipType = .familyShared
            case .unknown: facts.inAppOwnershipType = nil
            }
        }
        switch state {
        case .received: break
        case .pending: history.see(sample.from(.device))
        case .paid: history.see(sample)
        case .refunded: history.see(sample.refunded(at: 5 * day).signed(5 * day))
        case .prorated:
            history.see(sample)
            history.see(sample.refunded(at: 5 * day, "REFUND_PRORATED", percentage: 50_000).signed(5 * day))
        case .reversed:
            history.see(sample.refunded(at: 5 * day).signed(5 * day))
            history.see(sample.signed(6 * day).from(.notification, "REFUND_REVERSED"))
        case .refused: history.see(sample.with { $0.bundleID = BundleID("com.example.other") })
        }
        return history
    }

    /// 30 days for a subscription, 90 for a season; what lasts for ever is looked at on the same days.
    private static func instant(_ time: Time, _ kind: Kind) -> Instant {
        let end: Instant = .minute((kind == .nonRenewing ? 90 : 30) * day)
        return switch time {
        case .early: .minute(7 * day)
        case .lastInstant: end - Span(milliseconds: 1)
        case .over: end
        case .later: .minute(3_650 * day)
        }
    }

    private static func right(_ history: History, at now: Instant) -> Right {
        let balance = Outcome.balance(history.chain.grants.values.filter { $0.account == alice })
        if balance > 0 { return .delivered }
        let rows = history.chain.entitlements.values.filter { $0.account == alice }
        if rows.isEmpty { return .nothing }
        guard let active = rows.first(where: { $0.isActive(at: now) }) else { return .expired }
        return active.extensionReason(at: now) == .renewalUnconfirmed ? .unsure : .active
    }
}
