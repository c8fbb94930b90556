import Foundation
import PurchaseCore

/// Which chain begins when, whose it is and what becomes of it: functions of its number and the seed alone.
///
/// The rate of new chains grows linearly, to four times the first day's on the last; so does that of new accounts.
struct FillPlan: Codable, Equatable, Sendable {
    /// About so many transactions; of the exact number the stories decide.
    let transactions: Int
    let seed: UInt64
    /// Milliseconds since 1970; nothing happens from then on.
    let end: Int64
    /// Transactions that one statement writes, about; by default ``transactionsPerWindow``.
    var perWindow: Int?

    /// Three years in milliseconds.
    static let length: Int64 = 3 * 365 * 86_400_000
    /// Transactions that one statement writes, about.
    static let transactionsPerWindow = 20_000
    private static let leafLife: Int64 = 400 * 86_400_000

    var begin: Int64 { end - Self.length }
    /// Signing certificates that Apple uses one after the other.
    var leaves: Int { Int(Self.length / Self.leafLife) + 1 }
    var accounts: Int { max(1, transactions / 8) }
    /// Accounts that are there at the end, numbered from 0 in their names.
    var knownAccounts: Int { 1 + (chains - 1) * accounts / chains }
    /// The id of a chain's first transaction; chains are numbered from 1.
    static func firstTransaction(ofChain number: Int) -> Int { 1_000_000_000_000_000 + number * 16 }
    /// The last part of one of twenty products' ids.
    static func variant(_ number: Int) -> String { Placeholder.digits(number, 2) }

    /// Chains that begin in the three years, so that about ``transactions`` come of them.
    var chains: Int {
        let samples = 1_000
        var sum = 0.0
        for sample in 0..<samples {
            let x = Self.moment((Double(sample) + 0.5) / Double(samples))
            let left = Int64((1 - x) * Double(Self.length))
            for story in LifeStory.all where story.share > 0 {
                var lived = story
                while let instead = lived.insteadIfTooLong, lived.lastScene >= left { lived = LifeStory.all[instead] }
                sum += Double(lived.transactions * story.share) / 10_000
            }
        }
        return max(1, Int(Double(transactions) * Double(samples) / sum))
    }

    /// When the part `y` of all chains has begun, as a part of the time: the inverse of (x + 1.5 x²) / 2.5.
    private static func moment(_ y: Double) -> Double { ((1 + 15 * y).squareRoot() - 1) / 3 }

    /// The part of all chains that has begun at the part `x` of the time.
    private static func share(_ x: Double) -> Double { (x + 1.5 * x * x) / 2.5 }

    var windows: Int { max(1, transactions / (perWindow ?? Self.transactionsPerWindow)) }

    /// The span of a window; transactions, not time, are spread evenly over windows.
    func window(_ number: Int) -> (from: Int64, to: Int64) {
        func bound(_ number: Int) -> Int64 {
            number >= windows ? end : begin + Int64(Self.moment(Double(number) / Double(windows)) * Double(Self.length))
        }
        return (bound(number), bound(number + 1))
    }

    /// Rows of the batch for the scenes that come so long after their chain's beginning, and in a span of time.
    func scenes(from: Int64, to: Int64, delay: Int64) -> String {
        let chains = chains
        func number(_ at: Int64) -> Int {
            let x = min(max(Double(at - delay - begin) / Double(Self.length), 0), 1)
            return Int(Self.share(x) * Double(chains))
        }
        // A few more on both sides: what counts is the comparison in SQL.
        let (low, high) = (max(1, number(from) - 2), min(chains, number(to) + 2))
        return """
            SELECT s.scene, c, 1000000000000000 + c * 16, account, is_new, t0, t0 + \(delay), lpad((d2 % 20)::text, 2, '0'),
                (ARRAY['USD', 'EUR', 'JPY', 'GBP'])[1 + d3 % 4], (ARRAY['USA', 'DEU', 'JPN', 'GBR'])[1 + d3 % 4],
                (ARRAY[990, 2990, 4990, 9990])[1 + d2 % 4]::bigint, md5('token' || account)::uuid::text,
                \(end) + 86400000 + d3 % 15552000000, ((t0 + \(delay) - \(begin)) / \(Self.leafLife))::int
            FROM (
                SELECT c, t0, d2, d3, is_new, CASE WHEN is_new THEN known ELSE 1 + d2 / 32 % known END AS account,
                    \(story) AS story
                FROM (
                    SELECT c, \(begin) + floor((sqrt(1 + 15 * (c - 1)::float8 / \(chains)) - 1) / 3 * \(Self.length))::bigint AS t0,
                        1 + (c - 1) * \(accounts) / \(chains) AS known,
                        c = 1 OR (c - 1) * \(accounts) / \(chains) > (c - 2) * \(accounts) / \(chains) AS is_new,
                        \(draw(1)) % 10000 AS d1, \(draw(2)) AS d2, \(draw(3)) AS d3
                    FROM generate_series(\(low)::bigint, \(high)::bigint) AS c) AS drawn
                ) AS chosen JOIN scenes s USING (story)
            WHERE s.delay = \(delay) AND t0 + \(delay) >= \(from) AND t0 + \(delay) < \(to)
            """
    }

    /// A number from 0 that depends on the chain and the seed alone.
    private func draw(_ number: UInt64) -> String {
        "(hashint8extended(c, \(Int64(bitPattern: (seed &+ number) % (1 << 62)))) & 9223372036854775807)"
    }

    private var story: String {
        var bound = 0
        var text = "CASE"
        for (number, story) in LifeStory.all.enumerated() where story.share > 0 {
            bound += story.share
            text += " WHEN d1 < \(bound) THEN \(choice(number))"
        }
        return text + " END"
    }

    private func choice(_ number: Int) -> String {
        let story = LifeStory.all[number]
        guard let instead = story.insteadIfTooLong else { return String(number) }
        return "CASE WHEN t0 + \(story.lastScene) < \(end) THEN \(number) ELSE \(choice(instead)) END"
    }
}

extension LifeStory {
    /// When its last scene begins, in milliseconds after the first.
    var lastScene: Int64 {
        switch kind {
        case .oneTime(_, _, let isRefunded): isRefunded ? Self.refundAfter.milliseconds : 0
        case .familyShare, .sandbox: 0
        case .unknown(let isRefused): isRefused ? Self.refusedAfter.milliseconds : 0
        case .subscription(let months, let hasEnded):
            Self.month.milliseconds * Int64(hasEnded ? months : months - 1)
        }
    }

    /// Transactions of its chain.
    var transactions: Int {
        if case .subscription(let months, _) = kind { months } else { 1 }
    }
}
