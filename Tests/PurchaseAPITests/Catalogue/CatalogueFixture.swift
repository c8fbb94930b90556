import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport

@testable import vouch

/// What one `vouch products import` did and showed.
struct ImportRun: Sendable {
    let outcome: CatalogueImport.Outcome
    /// What it showed of the consequences; nothing, when it had no chain to look at.
    let effect: PolicyEffect
    let lines: [String]
    let notices: [String]
}

extension TestStack {
    /// Imports a catalogue as the command does, over a connection of its own.
    ///
    /// `meanwhile` happens when the command asks whether to go on; it is answered with `isConfirmed`.
    @discardableResult
    func importCatalogue(
        _ yaml: String, dryRun: Bool = false, isConfirmed: Bool = true, showsAccounts: Bool = false,
        environment: [String: String] = [:], file: String? = nil
    ) async throws -> ImportRun {
        /// Collects what the command says; used by one task.
        final class Heard {
            var effect = PolicyEffect(examplesMax: 0)
            var lines: [String] = []
            var notices: [String] = []
        }
        let fixture = try SettingsFixture()
        var all = ["VOUCH_DATABASE_URL": database.uri]
        all.merge(environment) { _, new in new }
        let settings = try ProductsSettings.load(
            environment: all, configPath: try file.map { try fixture.write($0, to: "config.yaml") })
        let document = try CatalogueDocument(yaml: yaml, name: "test")
        let heard = Heard()
        let outcome = try await database.withServiceClient { client in
            try await CatalogueImport(
                client: client, settings: settings,
                options: CatalogueImport.Options(
                    examplesMax: 3, showsAccounts: showsAccounts, isDryRun: dryRun, importedBy: "erin"),
                now: { [clock] in clock.now }, output: { heard.lines.append($0) },
                notice: { heard.notices.append($0) }, progress: { if let effect = $0 { heard.effect = effect } },
                confirm: { isConfirmed }
            ).run(document)
        }
        return ImportRun(
            outcome: outcome, effect: heard.effect, lines: heard.lines, notices: heard.notices)
    }

    /// Notices the newest catalogue and decides again, as a running server does by itself.
    func takeUpCatalogue() async throws -> Int {
        _ = await catalogueWatch.tick()
        return try await service.policyWorker.run()
    }

    /// Active rights, by transaction and key, with product and end.
    func rights() async throws -> [[String]: [String?]] {
        var rights: [[String]: [String?]] = [:]
        for row in try await rows(
            """
            SELECT transaction_id, key, product_id, milliseconds(until)::text FROM entitlements
            WHERE until IS NULL OR until > \(PostgresTimestamp(microsecondsSinceUnixEpoch: clock.now.millisecondsSince1970 * 1_000))
            """)
        {
            rights[[row[0] ?? "", row[1] ?? ""]] = [row[2], row[3]]
        }
        return rights
    }

    /// Deliveries by id: product, kind, status and amount.
    func deliveries() async throws -> [String: [String?]] {
        var deliveries: [String: [String?]] = [:]
        for row in try await rows("SELECT grant_id, product_id, kind, status, amount::text FROM grants") {
            deliveries[row[0] ?? ""] = Array(row.dropFirst())
        }
        return deliveries
    }
}
