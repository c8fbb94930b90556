import Foundation
import NIOHTTP1
import Postgres
import TestSupport
import Testing

@Suite("Notifications at the real server", .serialized)
struct NotificationStormTests {
    /// Apple's notifications about so many new purchases, ready to be posted.
    private static func payloads(
        _ count: Int, token: String? = nil, of vouch: Installation
    ) async throws -> [(id: String, body: String)] {
        var payloads: [(id: String, body: String)] = []
        let extra = token.map { #","appAccountToken":"\#($0)""# } ?? ""
        for _ in 0..<count {
            _ = try await vouch.send(
                .POST, vouch.simulator.url + "/control/purchases",
                #"{"productId":"coins","type":"Consumable"\#(extra)}"#)
        }
        let control = vouch.simulator.url + "/control/notifications"
        var after = 0
        while payloads.count < count {
            let page = try await vouch.send(.GET, control + "?environment=Production&after=\(after)")
            for item in page.body["notifications"]?.items ?? [] {
                let uuid = try #require(item["notificationUUID"]?.text)
                let one = try await vouch.send(.GET, control + "/\(uuid)")
                let payload = try #require(one.body["signedPayload"]?.text)
                payloads.append((item["transactionId"]?.text ?? "", #"{"signedPayload":"\#(payload)"}"#))
                after += 1
            }
        }
        return payloads
    }

    @Test("kill -9 at any moment: every notification that is sent until it is answered ends applied, once")
    func killed() async throws {
        var random = SeededGenerator.forTest("kill -9 notifications")
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                // An account that is known by its token: each notification is a claim, a decision and a delivery.
                let account = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
                let first = try vouch.startServer()
                _ = try await vouch.post(account, "1", to: first.url)
                first.kill()
                let all = try await Self.payloads(120, token: account, of: vouch)
                var open = all.map(\.body)
                for round in 0..<4 {
                    let server = try vouch.startServer()
                    let limit = round == 3 ? Int.max : Int.random(in: 3...25, using: &random)
                    let answered = Shared<Set<String>>([])
                    await withTaskGroup(of: Void.self) { group in
                        for (index, body) in open.enumerated() {
                            if index >= 12 { await group.next() }
                            group.addTask {
                                let url = server.url + "/v1/notifications/apple"
                                guard let answer = try? await vouch.send(.POST, url, body), answer.status == 200 else {
                                    return
                                }
                                let count = answered.withLock { done in
                                    done.insert(body)
                                    return done.count
                                }
                                if count == limit { server.kill() }
                            }
                        }
                    }
                    if round < 3 { server.kill() }
                    let done = answered.withLock { $0 }
                    open.removeAll(where: done.contains)
                }
                #expect(open.isEmpty)
                try await database.withOwnerClient { client in
                    for (statement, expected) in [
                        ("SELECT count(*) FROM notifications WHERE outcome = 'applied'" as SQL, 120),
                        ("SELECT count(*) FROM transactions WHERE state = 'paid'", 120),
                        ("SELECT count(*) FROM movements", 120), ("SELECT count(*) FROM grants", 120),
                        ("SELECT count(DISTINCT purchase_id) FROM grants WHERE kind = 'grant'", 120),
                    ] {
                        let row = try #require(try await client.query(statement).first)
                        #expect(try row.decode(0, as: Int64.self) == Int64(expected), "\(statement.text)")
                    }
                }
            }
        }
    }

    @Test("a storm of 200 notifications a second is acknowledged durably, and nothing is lost")
    func storm() async throws {
        let count = 1_000
        let interval = Duration.milliseconds(5)
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let all = try await Self.payloads(count, of: vouch)
                let server = try vouch.startServer()
                let url = server.url + "/v1/notifications/apple"
                // Each is sent at its own moment, whether or not those before it are answered; time counts from there. What
                // is refused, or not answered in time, is sent again, as Apple does.
                let resent = Shared(0)
                let start = ContinuousClock.now
                let latencies = await withTaskGroup(of: Duration?.self) { group in
                    for (index, payload) in all.enumerated() {
                        group.addTask {
                            let moment = start + interval * index
                            try? await Task.sleep(until: moment, clock: .continuous)
                            for _ in 0..<30 {
                                let answer = try? await vouch.send(.POST, url, payload.body)
                                if answer?.status == 200 { return ContinuousClock.now - moment }
                                resent.withLock { $0 += 1 }
                                // Sooner than Apple, which waits an hour, and not so soon that it is a storm of its own.
                                try? await Task.sleep(for: .seconds(1))
                            }
                            return nil
                        }
                    }
                    return await group.reduce(into: [Duration]()) { if let latency = $1 { $0.append(latency) } }
                }
                .sorted()
                #expect(latencies.count == count)
                if latencies.count == count {
                    let (p50, p99) = (latencies[count / 2], latencies[count * 99 / 100])
                    print(
                        "notification storm: \(count) at 200/s, p50 \(p50 / .milliseconds(1)) ms,",
                        "p99 \(p99 / .milliseconds(1)) ms, sent again: \(resent.withLock { $0 })")
                }
                server.kill()
                try await database.withOwnerClient { client in
                    let row = try #require(
                        try await client.query(
                            "SELECT count(*) FROM notifications n JOIN transactions t USING (transaction_id) WHERE t.state = 'paid'"
                        ).first)
                    #expect(try row.decode(0, as: Int64.self) == Int64(count))
                }
            }
        }
    }
}
