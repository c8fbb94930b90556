import Foundation
import Logging
import Postgres
import PurchaseCore
import PurchaseStore

/// The rows that every story leaves, as the service wrote them for placeholders.
struct FillPattern: Sendable {
    /// Tables in an order in which rows may be written, with the key that tells their rows apart.
    static let tables: [(name: String, key: String)] = [
        ("chains", "chain_id"), ("events", "position"), ("evidence", "sha256"), ("evidence_bodies", "sha256"),
        ("renewals", "sha256"), ("renewal_bodies", "sha256"), ("notifications", "notification_uuid"),
        ("notification_bodies", "notification_uuid"), ("purchases", "purchase_id"), ("transactions", "transaction_id"),
        ("claims", "chain_id"), ("entitlements", "transaction_id"), ("grants", "grant_id"), ("movements", "row_id"),
        ("changes", "position"), ("checks", "transaction_id"),
    ]

    /// A column that a row is written with.
    struct Column: Sendable {
        let name: String
        let type: String
    }

    /// One scene of a story: what is new after it, with the values that it has at the story's end.
    struct Scene: Sendable {
        let story: Int
        /// Milliseconds after the story's beginning.
        let after: Int64
        /// By table; a value for each column, instants as milliseconds and bytes as hexadecimal digits.
        var rows: [String: [[String?]]] = [:]
    }

    let columns: [String: [Column]]
    let scenes: [Scene]

    /// Plays all stories in a database of its own, a copy of an empty migrated one.
    static func make(in database: ScratchDatabase) async throws -> FillPattern {
        let silent = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        var configuration = PostgresConfiguration(uri: database.uri)
        configuration.commitPrelude = LedgerStore.ledgerLockStatement
        let client = PostgresClient(configuration: configuration, logger: silent)
        let result: Result<FillPattern, any Error>
        do {
            result = .success(try await play(client))
        } catch {
            result = .failure(error)
        }
        await client.close()
        return try result.get()
    }

    private static func play(_ client: PostgresClient) async throws -> FillPattern {
        let columns = try await readColumns(client)
        let store = LedgerStore(client: client)
        var scenes: [Scene] = []
        var known: [String: Set<String>] = [:]
        for (number, story) in LifeStory.all.enumerated() {
            let account = Placeholder.Marks(story: number).account.rawValue
            _ = try await client.query(
                """
                INSERT INTO accounts (account_number, account_id, stated_token) OVERRIDING SYSTEM VALUE
                VALUES (\(account), \("pattern-\(number)"), \(Placeholder.token))
                """)
            var keys: [(after: Int64, new: [String: Set<String>])] = []
            let taken = Taken()
            var teller = Storyteller(store, story: number) { after in
                var new: [String: Set<String>] = [:]
                for (table, key) in tables {
                    let found = try await read(client, table, key, columns[table] ?? []).map(\.key)
                    new[table] = Set(found).subtracting(known[table] ?? []).subtracting(taken.keys[table] ?? [])
                    taken.keys[table, default: []].formUnion(found)
                }
                taken.scenes.append((after.milliseconds, new))
            }
            try await story.tell(&teller)
            try await teller.end()
            keys = taken.scenes
            known = taken.keys
            scenes += try await finish(client, keys, story: number, columns)
        }
        return FillPattern(columns: columns, scenes: scenes)
    }

    /// What is found after each scene.
    private final class Taken {
        var keys: [String: Set<String>] = [:]
        var scenes: [(Int64, [String: Set<String>])] = []
    }

    /// The values at the story's end of the rows that each scene made; rows that are gone by then are left out.
    private static func finish(
        _ client: PostgresClient, _ scenes: [(after: Int64, new: [String: Set<String>])], story: Int,
        _ columns: [String: [Column]]
    ) async throws -> [Scene] {
        var list = scenes.map { Scene(story: story, after: $0.after) }
        for (table, key) in tables {
            for row in try await read(client, table, key, columns[table] ?? []) {
                guard let scene = scenes.firstIndex(where: { $0.new[table]?.contains(row.key) == true }) else {
                    continue
                }
                list[scene].rows[table, default: []].append(row.values)
            }
        }
        return list
    }

    /// The columns that a row is written with: all but those that the database gives.
    private static func readColumns(_ client: PostgresClient) async throws -> [String: [Column]] {
        let rows = try await client.query(
            """
            SELECT table_name::text, column_name::text, udt_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND is_generated = 'NEVER'
                AND (is_identity = 'NO' OR table_name = 'chains') ORDER BY table_name, ordinal_position
            """)
        var columns: [String: [Column]] = [:]
        for row in rows {
            columns[try row.decode(0, as: String.self), default: []].append(
                Column(name: try row.decode(1), type: try row.decode(2)))
        }
        return columns
    }

    private static func read(
        _ client: PostgresClient, _ table: String, _ key: String, _ columns: [Column]
    ) async throws -> [(key: String, values: [String?])] {
        let values = columns.map { column in
            switch column.type {
            case "timestamptz": "milliseconds(\(column.name))::text"
            case "bytea": "encode(\(column.name), 'hex')"
            default: "\(column.name)::text"
            }
        }
        let text =
            "SELECT \(key)::text, json_build_array(\(values.joined(separator: ", ")))::text FROM \(table) ORDER BY \(key)"
        return try await client.query(SQL(text: text, values: [])).map { row in
            let json: String = try row.decode(1)
            return (try row.decode(0), try JSONDecoder().decode([String?].self, from: Data(json.utf8)))
        }
    }
}
