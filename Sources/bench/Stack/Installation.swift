import AsyncHTTPClient
import Foundation
import NIOCore

/// `vouch serve` with its database and an App Store, for one part.
struct Installation: Sendable {
    /// The service.
    let service: ChildProcess
    /// The App Store.
    let store: ChildProcess
    /// The service's database.
    let database: ScratchDatabase
    private let http: HTTPClient

    /// Starts all of it, lends it to the body, and stops it.
    ///
    /// `prepare` fills the database before the service starts; `settings` replace those of every measurement.
    static func with<Value>(
        _ workshop: Workshop, name: String, settings: [String: String] = [:],
        prepare: (ScratchDatabase) throws -> Void = { _ in },
        _ body: (Installation) async throws -> Value
    ) async throws -> Value {
        try await workshop.withDatabase(name) { database in
            try prepare(database)
            return try await with(workshop, over: database, settings: settings, body)
        }
    }

    /// The same over a database that is there already, and stays.
    static func with<Value>(
        _ workshop: Workshop, over database: ScratchDatabase, settings: [String: String] = [:],
        _ body: (Installation) async throws -> Value
    ) async throws -> Value {
        let store = try workshop.standIn(.store)
        defer { store.stop() }
        let service = try startService(workshop, database: database, store: store, settings: settings)
        defer { service.stop() }
        return try await body(
            Installation(service: service, store: store, database: database, http: workshop.http))
    }

    /// Starts one more process of the service over a database.
    static func startService(
        _ workshop: Workshop, database: ScratchDatabase, store: ChildProcess, settings: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            workshop.settings.vouch, ["serve"],
            environment: environment(workshop, database: database, storePort: store.port)
                .merging(settings) { _, replaced in replaced },
            log: workshop.directory.appending(path: "vouch-\(UUID().uuidString).log"))
    }

    /// The settings that differ from the defaults, and why: a root of our own without an OCSP responder, and a budget
    /// that is not what is measured.
    private static func environment(
        _ workshop: Workshop, database: ScratchDatabase, storePort: Int
    ) -> [String: String] {
        [
            "VOUCH_DATABASE_URL": database.uri, "VOUCH_HTTP_ADDRESS": "127.0.0.1:0",
            "VOUCH_OPERATOR_ADDRESS": "127.0.0.1:0", "VOUCH_APP_BUNDLE_ID": Payload.bundleID,
            "VOUCH_APP_APPLE_ID": String(Payload.appAppleID), "VOUCH_APP_ENVIRONMENTS": "Production",
            "VOUCH_APP_ISSUER_ID": "5c5bfb07-1d0c-4f0e-9a55-6d1f7e7a3b10", "VOUCH_APP_KEY_ID": "SIMULATOR1",
            "VOUCH_APP_PRIVATE_KEY_FILE": workshop.directory.appending(path: "AuthKey_SIMULATOR1.p8").path,
            "VOUCH_APP_STORE_PRODUCTION_URL": "http://127.0.0.1:\(storePort)",
            "VOUCH_APP_STORE_SANDBOX_URL": "http://127.0.0.1:\(storePort)/sandbox",
            "VOUCH_TRUSTED_ROOTS_FILE": workshop.directory.appending(path: "root.pem").path, "VOUCH_OCSP": "off",
            "VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000", "VOUCH_LOG_LEVEL": workshop.settings.logLevel,
        ]
    }

    /// Whose CPU time to tell apart.
    func watched(_ workshop: Workshop) -> WatchedProcesses {
        WatchedProcesses(service: [service.id], store: store.id, postmaster: workshop.postmaster)
    }

    /// How many calls the App Store answered, and about how many transactions.
    func storeCounts() async throws -> (calls: Int, transactions: Int) {
        struct Counts: Decodable {
            var calls: Int
            var transactions: Int
        }
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(store.port)/counts")
        let answer = try await http.execute(request, timeout: .seconds(10))
        let body = try await answer.body.collect(upTo: 1 << 16)
        let counts = try JSONDecoder().decode(Counts.self, from: Data(body.readableBytesView))
        return (counts.calls, counts.transactions)
    }
}
