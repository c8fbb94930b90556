import Foundation
import Hummingbird
import HummingbirdTesting
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

extension TestStack {
    /// Another process over the same database, with questions to Apple of its own.
    func withReplica(_ body: @escaping @Sendable (StackClient) async throws -> Void) async throws {
        let other = try await VouchStack.build(
            settings: settings, logger: TestDatabase.silent, now: { [clock] in clock.now })
        do {
            let service = other.service
            let application = Application(router: other.router, logger: TestDatabase.silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await service.pool.run() }
                group.addTask {
                    try await application.test(.router) { client in
                        try await body(StackClient(client: client))
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        } catch {
            await other.close()
            throw error
        }
        await other.close()
    }
}

/// A backend that knows nothing but the change feed, as docs/changes.md tells to write one.
struct Consumer {
    private(set) var cursor = "0"
    private(set) var positions: [Int64] = []
    private var rights: [[String]: TestSupport.JSONValue] = [:]
    private var grants: [String: TestSupport.JSONValue] = [:]

    /// Reads one answer and applies it; how many changes were in it.
    mutating func read(_ api: StackClient, limit: Int, wait: Int = 0) async throws -> Int {
        let answer = try await api.get("/v1/changes?after=\(cursor)&limit=\(limit)&wait=\(wait)")
        #expect(answer.status == 200)
        let changes = answer.json?["changes"]?.items ?? []
        let known = positions.count
        let start = try #require(Int64(cursor))
        for change in changes { try apply(change) }
        let read = [start] + positions[known...]
        #expect(zip(read, read.dropFirst()).allSatisfy { $0 < $1 }, "positions ascend, behind the cursor: \(read)")
        cursor = try #require(answer.json?["nextCursor"]?.text)
        return changes.count
    }

    /// Reads until nothing is left; `limit` changes at a time.
    mutating func readAll(_ api: StackClient, limit: Int) async throws {
        while try await read(api, limit: limit) > 0 {}
    }

    /// Forgets how far it has come, and nothing else: what was applied is read again.
    mutating func forgetCursor(since other: Consumer) { cursor = other.cursor }

    /// Compares what the consumer made of the feed with what the API and the database say.
    func expectTruth(
        _ stack: TestStack, _ api: StackClient, _ comment: Comment, at location: SourceLocation = #_sourceLocation
    ) async throws {
        for account in FeedLife.accounts {
            let rights = try await api.get("/v1/accounts/\(account)/entitlements")
            let listed = Set((rights.json?["entitlements"]?.items ?? []).compactMap(\.members))
            #expect(entitlements(of: account, at: stack.clock.now) == listed, comment, sourceLocation: location)
            let grants = try await api.get("/v1/accounts/\(account)/grants?limit=200")
            let open = Set((grants.json?["grants"]?.items ?? []).compactMap(\.members))
            #expect(openGrants(of: account) == open, comment, sourceLocation: location)
        }
        var stored: [String: Int] = [:]
        for row in try await stack.rows("SELECT status, count(*)::text FROM grants GROUP BY 1") {
            stored[row[0] ?? ""] = row[1].flatMap { Int($0) }
        }
        #expect(statuses == stored, comment, sourceLocation: location)
    }

    private mutating func apply(_ change: TestSupport.JSONValue) throws {
        positions.append(try #require(change["position"]?.text.flatMap { Int64($0) }))
        let data = try #require(change["data"])
        switch change["kind"]?.text {
        case "entitlement":
            let id = [
                (data["overrideId"] ?? .null).text ?? change["transactionId"]?.text ?? "", data["key"]?.text ?? "",
            ]
            rights[id] = data["ended"] == .bool(true) ? nil : change
        case "grant":
            grants[try #require(data["id"]?.text)] = change
        default: break
        }
    }

    /// What `GET …/entitlements` must list, without an order.
    func entitlements(of account: String, at now: Instant) -> Set<[String: TestSupport.JSONValue]> {
        var best: [[String]: (rank: Rank, item: [String: TestSupport.JSONValue])] = [:]
        for change in rights.values where change["accountId"]?.text == account {
            guard let data = change["data"] else { continue }
            let end = data["until"]?.text.flatMap(Self.milliseconds) ?? .infinity
            let isOver = Double(now.millisecondsSince1970) >= end
            let effect = data["effect"]?.text
            if isOver, effect != nil { continue }
            let isActive = !isOver && effect != "withhold"
            var item: [String: TestSupport.JSONValue] = [:]
            for name in ["key", "productId", "environment", "originalTransactionId", "since", "until", "overrideId"] {
                item[name] = data[name]
            }
            item["transactionId"] = change["transactionId"]
            item["active"] = .bool(isActive)
            item["reason"] = isOver ? .string("expired") : data["reason"]
            if !isOver, let part = data["extension"], let from = part["from"]?.text.flatMap(Self.milliseconds),
                Double(now.millisecondsSince1970) >= from
            {
                item["reason"] = part["reason"]
            }
            let slot = [data["key"]?.text ?? "", data["environment"]?.text ?? ""]
            let id = item["transactionId"]?.text ?? data["overrideId"]?.text ?? ""
            let rank = Rank(isWithheld: effect == "withhold", end: end, isBought: effect == nil, id: id)
            if let known = best[slot]?.rank, !rank.goesBefore(known) { continue }
            best[slot] = (rank, item)
        }
        return Set(best.values.map(\.item))
    }

    private struct Rank {
        var isWithheld: Bool
        var end: Double
        var isBought: Bool
        var id: String

        /// Of two that end together, the API shows what was bought, and then the one with the smaller id.
        func goesBefore(_ other: Rank) -> Bool {
            if isWithheld != other.isWithheld { return isWithheld }
            if end != other.end { return end > other.end }
            if isBought != other.isBought { return isBought }
            return (id.utf8.count, id) < (other.id.utf8.count, other.id)
        }
    }

    /// What `GET …/grants` must list, without an order.
    func openGrants(of account: String) -> Set<[String: TestSupport.JSONValue]> {
        Set(
            grants.values.filter { $0["accountId"]?.text == account && $0["data"]?["status"]?.text == "open" }
                .map { change in
                    var item = change["data"]?.members ?? [:]
                    item["accountId"] = change["accountId"]
                    item["transactionId"] = change["transactionId"]
                    return item
                })
    }

    /// How many deliveries of each status, of all accounts.
    var statuses: [String: Int] {
        Dictionary(grouping: grants.values) { $0["data"]?["status"]?.text ?? "" }.mapValues(\.count)
    }

    private static func milliseconds(_ text: String) -> Double? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? Date(text, strategy: style)).map { ($0.timeIntervalSince1970 * 1_000).rounded() }
    }
}
