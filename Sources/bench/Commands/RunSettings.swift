import Foundation

/// How a run measures; printed with the results.
struct RunSettings: Codable, Sendable {
    /// The program under test.
    var vouch: String
    /// This program, which is also the App Store and the echo server.
    var bench: String
    /// A superuser's URI of a cluster on this machine, whose databases named vouch_bench_… are ours.
    var server: String
    /// Whether every part runs once, tiny, for exactness alone.
    var isSmoke: Bool
    /// How long each load is measured.
    var windowSeconds: Double
    /// How long it runs before.
    var warmUpSeconds: Double
    /// Numbers of accounts with an entitlement, each measured.
    var accounts: [Int]
    /// Purchases that are exported.
    var exportedPurchases: Int
    /// Transactions of the ledgers that are compared.
    var history: [Int]
    /// A database that `bench fill` has filled before, for the ledger of its size.
    var filledDatabase: String?
    /// How long the App Store takes at least.
    var appleLatencyMilliseconds: Int64
    /// Which account is read next, and which id is posted again.
    var seed: UInt64
    /// The service's `VOUCH_LOG_LEVEL`.
    var logLevel: String

    /// How long each load is measured.
    var window: Duration { .milliseconds(Int64(windowSeconds * 1000)) }
    /// How long it runs before.
    var warmUp: Duration { .milliseconds(Int64(warmUpSeconds * 1000)) }
}

/// Sebastiano Vigna's SplitMix64 (public domain), as a function of the number of the draw: draws need no order.
struct Draws: Sendable {
    let seed: UInt64

    /// A number below `bound`, the same for the same seed and index.
    func below(_ bound: Int, at index: Int) -> Int {
        var mixed = seed &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
