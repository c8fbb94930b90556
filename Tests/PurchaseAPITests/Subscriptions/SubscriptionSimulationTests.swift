import Foundation
import TestSupport
import Testing

/// `SUBSCRIPTION_LIVES=200 SEED=7 make test`, with a filter, plays one long world for each way of hearing.
@Suite("Simulation: subscriptions at every instant of their lives", .serialized)
struct SubscriptionSimulationTests {
    static let lives = ProcessInfo.processInfo.environment["SUBSCRIPTION_LIVES"].flatMap { Int($0) } ?? 3

    /// The same world each time, so that a run says something about the change that it is for; other seeds by hand.
    static let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? 1

    /// All products of the group are worth the same, as a rule of a group is.
    static let catalogue = """
        products:
          gold: {kind: auto_renewable, entitlements: [plus]}
          silver: {kind: auto_renewable, entitlements: [plus]}
          platinum: {kind: auto_renewable, entitlements: [plus]}
          weeks: {kind: auto_renewable, entitlements: [plus]}
        """

    @Test(
        "the service says who is entitled as the App Store knows it, at every instant and however it hears of it",
        arguments: Hearing.allCases)
    func everyInstant(hearing: Hearing) async throws {
        let seed = Self.seed
        print("subscriptions: SEED=\(seed) lives=\(Self.lives) hearing=\(hearing)")
        let settings = ["VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000"]
        try await TestStack.with(settings, file: Self.catalogue, seed: seed) { stack in
            let looks = try await stack.database.withOwnerClient { client in
                var world = try SubscriptionWorld(stack, client: client, seed: seed, hearing: hearing)
                try await world.play(lives: Self.lives)
                return world.looks
            }
            try await stack.expectReplayEqualsStore()
            #expect(looks > Self.lives * 20, "SEED=\(seed)")
            print("subscriptions: SEED=\(seed) hearing=\(hearing) looks=\(looks)")
        }
    }
}
