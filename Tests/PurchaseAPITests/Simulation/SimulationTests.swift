import Foundation
import Postgres
import TestSupport
import Testing

/// `SIMULATION_LIVES=2000 SEED=7 make test`, with a filter, plays one long world.
@Suite("Simulation: customers, a bad network, and an App Store that forgets", .serialized)
struct SimulationTests {
    static let lives = ProcessInfo.processInfo.environment["SIMULATION_LIVES"].flatMap { Int($0) } ?? 500

    static let seeds: [UInt64] = {
        if let seed = ProcessInfo.processInfo.environment["SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return [1, 2, 3, UInt64.random(in: 1_000...999_999)]
    }()

    @Test(
        "at rest the ledger says what the App Store knows, whatever was lost, doubled, shuffled or stale",
        arguments: seeds)
    func atRest(seed: UInt64) async throws {
        print("simulation: SEED=\(seed) lives=\(Self.lives)")
        let settings = [
            "VOUCH_ANSWER_WITHIN": "PT1S", "VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000",
            "VOUCH_SANDBOX_ACCOUNTS": "all",
        ]
        try await TestStack.with(settings, seed: seed) { stack in
            var world = try await World(stack, seed: seed)
            try await world.play(lives: Self.lives)
            try await world.settle()
            try await world.check()
            let made = try await stack.count("SELECT count(*) FROM notifications")
            print(
                "simulation: SEED=\(seed) notifications=\(made) deliveries=\(world.deliveries) crashes=\(world.crashes)"
            )
        }
    }
}
