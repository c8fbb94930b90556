import Postgres
import PurchaseService
import TestSupport
import Testing

@Suite("Consumers of the change feed beside two replicas that write", .timeLimit(.minutes(15)))
struct ChangesReplicaTests {
    private static let settings = ["VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000", "VOUCH_SANDBOX_ACCOUNTS": "all"]

    @Test(
        "whatever they lose, repeat and ask twice: they end with the rights and grants of the API", arguments: [1, nil])
    func converge(fixed: UInt64?) async throws {
        let seed = fixed ?? UInt64.random(in: 1_000...999_999)
        print("changes beside replicas: SEED=\(seed)")
        try await TestStack.with(Self.settings, seed: seed) { stack in
            let market = Box<[FeedLife.Purchase]>([])
            let (flaky, steady) = (Box(Consumer()), Box(Consumer()))
            // The second replica is replaced half way; consumers and their rows outlive it.
            for half in 0..<2 {
                try await stack.withReplica { replica in
                    let replicas = [stack.api, replica]
                    let isWritten = Box(false)
                    let salt = seed &+ UInt64(half) &* 1_000
                    async let lossy: Void = Self.follow(flaky, replicas, isWritten, seed: salt)
                    async let strict: Void = Self.follow(steady, replicas, isWritten, seed: nil)
                    do {
                        try await Self.write(stack, replicas, market, seed: salt)
                    } catch {
                        Issue.record(error)
                    }
                    isWritten.set(true)
                    try await lossy
                    try await strict
                }
            }
            var late = Consumer()
            try await late.readAll(stack.api, limit: 100)
            let stored = try await stack.rows("SELECT position::text FROM changes c ORDER BY c.position")
            #expect(late.positions.map { String($0) } == stored.compactMap { $0[0] }, "SEED=\(seed)")
            // Who never looked back has seen every one: none appeared late.
            #expect(steady.value.positions == late.positions, "SEED=\(seed)")
            #expect(Set(flaky.value.positions) == Set(late.positions), "SEED=\(seed)")
            #expect(flaky.value.positions.count > late.positions.count, "it repeats: SEED=\(seed)")
            let consumers = [("flaky", flaky.value), ("steady", steady.value), ("late", late)]
            try await stack.withReplica { replica in
                for (name, consumer) in consumers {
                    try await consumer.expectTruth(stack, replica, "\(name), SEED=\(seed)")
                }
            }
            try await FeedLife(stack: stack, seed: seed).expectVariety()
            try await stack.expectReplayEqualsStore()
        }
    }

    /// Six lives at once, over the same purchases, each act at either replica.
    private static func write(
        _ stack: TestStack, _ replicas: [StackClient], _ market: Box<[FeedLife.Purchase]>, seed: UInt64
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<6 {
                group.addTask {
                    var life = FeedLife(
                        stack: stack, replicas: replicas, market: market, seed: seed &* 31 &+ UInt64(lane))
                    for _ in 0..<20 { try await life.act() }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Follows until everything is written and read; with a seed, unluckily.
    private static func follow(
        _ stored: Box<Consumer>, _ replicas: [StackClient], _ isWritten: Box<Bool>, seed: UInt64?
    ) async throws {
        var luck = Luck(generator: seed.map { EdgeGenerator(seed: $0) })
        var turn = 0
        while true {
            let isLast = isWritten.value
            let before = stored.value
            var working = before
            turn += 1
            let count = try await working.read(replicas[turn % 2], limit: luck.limit(), wait: isLast ? 0 : 1)
            switch isLast ? .stored : luck.fate() {
            case .lost: continue
            case .storedWithoutCursor: working.forgetCursor(since: before)
            case .stored: break
            }
            stored.set(working)
            if isLast, count == 0 { return }
        }
    }
}

/// What happens to a consumer between reading and storing; nothing bad without a generator.
private struct Luck {
    enum Fate {
        /// It died before it stored anything.
        case lost
        /// It stored the rows, and died before it stored the cursor.
        case storedWithoutCursor
        case stored
    }

    var generator: EdgeGenerator?

    mutating func limit() -> Int { draw(1...40) ?? 7 }

    mutating func fate() -> Fate {
        switch draw(0...5) {
        case 0: .lost
        case 1: .storedWithoutCursor
        default: .stored
        }
    }

    private mutating func draw(_ range: ClosedRange<Int>) -> Int? {
        guard var generator else { return nil }
        defer { self.generator = generator }
        return Int.random(in: range, using: &generator)
    }
}
