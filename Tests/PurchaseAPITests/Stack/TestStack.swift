import AppStoreSimulator
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import Synchronization
import TestSupport
import Testing
import UserTokens

@testable import vouch

/// Time that a test moves: the machine's plus what the test added, or, once it stands still, the test's alone.
final class StackClock: Sendable {
    private struct Time {
        var added: Int64 = 0
        var standing: Instant?
    }

    private let time = Mutex(Time())

    var now: Instant {
        time.withLock { time in
            time.standing
                ?? Instant(millisecondsSince1970: Int64(Date().timeIntervalSince1970 * 1_000) + time.added)
        }
    }

    func advance(_ span: Span) {
        time.withLock { time in
            time.added += span.milliseconds
            time.standing = time.standing.map { $0 + span }
        }
    }

    /// Lets the clock stand still at an instant from now on, so that a test can look at a single millisecond.
    func stand(at instant: Instant) { time.withLock { $0.standing = instant } }
}

/// The whole service over a database of its own and a simulated App Store behind real HTTP, as `vouch serve` builds it.
struct TestStack: Sendable {
    let simulator: AppStoreSimulator
    let service: VouchService
    let store: LedgerStore
    let clock: StackClock
    let api: StackClient
    let database: TestDatabase
    let settings: Settings
    let metrics: MetricsPage
    let catalogueWatch: CatalogueWatch
    /// Every route of the process, as `METHOD path`.
    let routes: Set<String>

    /// One key for every role; the text of a key is its role's name, padded.
    static func key(_ role: Role) -> String { "vouch_test_\(role.rawValue)" }

    static func with(
        _ changes: [String: String?] = [:], file: String? = nil, logger: Logger = TestDatabase.silent,
        seed: UInt64? = nil, tune: @escaping @Sendable (inout ServiceConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (TestStack) async throws -> Void
    ) async throws {
        try await TestDatabase.withDatabase { database in
            let clock = StackClock()
            var world = AppStoreSimulator.Configuration()
            world.seed = seed
            let simulator = try AppStoreSimulator(
                configuration: world,
                clock: SimulatorClock(milliseconds: { clock.now.millisecondsSince1970 }))
            try await simulator.withServer { baseURL in
                let settings = try stackSettings(database, simulator, baseURL, changes, file: file)
                try await run(settings, database, simulator, clock, logger, tune, body)
            }
        }
    }

    private static func run(
        _ settings: Settings, _ database: TestDatabase, _ simulator: AppStoreSimulator, _ clock: StackClock,
        _ logger: Logger, _ tune: @escaping @Sendable (inout ServiceConfiguration) -> Void,
        _ body: @escaping @Sendable (TestStack) async throws -> Void
    ) async throws {
        let built = try await VouchStack.build(settings: settings, logger: logger, now: { clock.now }, tune: tune)
        do {
            for role in [Role.app, .device, .support, .finance, .admin] {
                let digest = Array(SHA256.hash(data: Array(key(role).utf8)))
                _ = try await built.postgres.query(
                    "INSERT INTO keys (name, roles, sha256) VALUES (\("\(role.rawValue)-key"), ARRAY[\(role.rawValue)], \(digest))"
                )
            }
            let (service, store, catalogueWatch) = (built.service, built.store, built.catalogueWatch)
            let application = Application(router: built.router, logger: logger)
            let metrics = MetricsPage(stack: built, settings: settings, now: { clock.now })
            let routes = Set(built.router.routes.map { "\($0.method.rawValue) \($0.path)" })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await service.pool.run() }
                if let userTokens = built.userTokens { group.addTask { await userTokens.run() } }
                group.addTask {
                    try await application.test(.router) { client in
                        try await body(
                            TestStack(
                                simulator: simulator, service: service, store: store, clock: clock,
                                api: StackClient(client: client), database: database, settings: settings,
                                metrics: metrics, catalogueWatch: catalogueWatch, routes: routes))
                    }
                }
                // The first to end is the test: the others run until they are cancelled.
                try await group.next()
                group.cancelAll()
            }
        } catch {
            await built.close()
            throw error
        }
        await built.close()
    }

    private static func stackSettings(
        _ database: TestDatabase, _ simulator: AppStoreSimulator, _ baseURL: String, _ changes: [String: String?],
        file: String?
    ) throws -> Settings {
        let fixture = try SettingsFixture()
        let root = try fixture.write(try simulator.keys.rootPEM(), to: "simulator-root.pem")
        let key = try fixture.write(simulator.keys.privateKeyPEM, to: "simulator-key.p8")
        var all: [String: String?] = [
            "VOUCH_DATABASE_URL": database.uri, "VOUCH_TRUSTED_ROOTS_FILE": root, "VOUCH_APP_PRIVATE_KEY_FILE": key,
            "VOUCH_APP_STORE_PRODUCTION_URL": baseURL + "/production",
            "VOUCH_APP_STORE_SANDBOX_URL": baseURL + "/sandbox",
        ]
        all.merge(changes) { _, new in new }
        return try fixture.load(all, file: file)
    }

    /// Another process over the same database, with other settings; runs its walk after the change and ends.
    func decideAgain(_ change: (inout Settings) -> Void) async throws -> Int {
        var settings = settings
        change(&settings)
        let other = try await VouchStack.build(
            settings: settings, logger: TestDatabase.silent, now: { [clock] in clock.now })
        do {
            let events = try await other.service.policyWorker.run()
            await other.close()
            return events
        } catch {
            await other.close()
            throw error
        }
    }

    /// Takes everything that is due, until nothing more is, moving time to each next check in between.
    func recheckUntilQuiet(rounds: Int = 20) async {
        for _ in 0..<rounds where await service.recheckWorker.tick() > 0 {}
    }

    /// The rows of one statement, read behind the service's back, as text.
    func rows(_ statement: SQL) async throws -> [[String?]] {
        try await database.withOwnerClient { client in
            try await client.query(statement).map { row in
                try row.columnNames.indices.map { try row.decode($0, as: String?.self) }
            }
        }
    }

    func count(_ statement: SQL) async throws -> Int64 {
        try await database.withOwnerClient { client in
            try #require(try await client.query(statement).first).decode(0)
        }
    }

    /// Replays every chain from its append-only rows and compares it with what is stored (law 7).
    func expectReplayEqualsStore(at location: SourceLocation = #_sourceLocation) async throws {
        for id in try await store.chains(after: nil, limit: 10_000) {
            let stored = try #require(try await store.chain(numbered: id))
            let events = try await store.events(of: id, afterVersion: 0, limit: 10_000)
            let replayed = try Chain.replay(
                events.map { LedgerEvent(chainID: id, chainVersion: $0.chainVersion, entries: $0.entries) },
                evidence: stored.evidence)
            #expect(replayed.replayable == stored.replayable, "chain \(id.rawValue)", sourceLocation: location)
        }
    }
}

/// Sends requests to the service and holds both sides of every exchange to openapi.yaml.
struct StackClient: Sendable {
    let client: any TestClientProtocol

    func send(
        _ method: HTTPRequest.Method, _ path: String, as role: Role? = .app, json: String? = nil,
        headers: HTTPFields = HTTPFields(), validatesRequest: Bool = true,
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        if validatesRequest, let json {
            let violations = EdgeClient.spec.validate(
                request: method.rawValue, path: path, headers: [("Content-Type", "application/json")],
                body: Array(json.utf8))
            #expect(violations.isEmpty, "request of \(method) \(path)", sourceLocation: location)
        }
        return try await EdgeClient(client: client).send(
            method, path, key: role.map(TestStack.key), headers: headers, bytes: json.map { Array($0.utf8) },
            at: location)
    }

    func post(
        _ account: String, _ id: String, as role: Role = .app, extra: String = "",
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await send(
            .post, "/v1/transactions", as: role,
            json: #"{"accountId":"\#(account)","transactionId":"\#(id)"\#(extra)}"#,
            at: location)
    }

    func post(
        _ account: String, signed jws: String, as role: Role = .device, extra: String = "",
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await send(
            .post, "/v1/transactions", as: role,
            json: #"{"accountId":"\#(account)","signedTransaction":"\#(jws)"\#(extra)}"#,
            at: location)
    }

    func get(
        _ path: String, as role: Role? = .app, headers: HTTPFields = HTTPFields(),
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await send(.get, path, as: role, headers: headers, at: location)
    }

    func recheck(_ id: String, at location: SourceLocation = #_sourceLocation) async throws -> EdgeAnswer {
        try await send(
            .post, "/v1/transactions/\(id)/recheck", as: .support, json: #"{"why":"a test asks"}"#, at: location)
    }
}

extension EdgeAnswer {
    var state: String? { json?["state"]?.text }
    var reason: String? { json?["reason"]?.text }
    var refusal: String? { json?["refusal"]?.text }
    /// `state/reason`.
    var stateAndReason: String { "\(state ?? "-")/\(reason ?? "-")" }
    func flag(_ name: String) -> Bool { json?[name] == .bool(true) }
    var grants: [(id: String, kind: String, status: String)] {
        (json?["grants"]?.items ?? []).map {
            ($0["id"]?.text ?? "", $0["kind"]?.text ?? "", $0["status"]?.text ?? "")
        }
    }
    var activeKeys: [String] {
        (json?["entitlements"]?.items ?? []).filter { $0["active"] == .bool(true) }.compactMap { $0["key"]?.text }
    }
}
