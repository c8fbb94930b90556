package import Logging
package import Postgres
import PurchaseService

/// What a run of the migrator did.
package struct MigrationReport: Sendable, Equatable {
    /// File names applied by this run, in order.
    package var applied: [String]
    /// The schema's number afterwards.
    package var current: Int64
}

/// Why the schema can't be brought, or isn't, to what this version needs; each says what to do.
package enum SchemaFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The database has no schema of ours.
    case missing
    /// `vouch migrate` has not run for this version.
    case old(has: Int64, needs: Int64)
    /// A newer version has changed the schema in a way that this one can't work with.
    case newer(has: Int64, knows: Int64)
    /// A landed migration differs from the one in this version.
    case checksumChanged(fileName: String)
    /// The login may not create the service's role; the SQL to run by hand.
    case mayNotCreateRole(sql: String)
    /// The login may not create tables here.
    case mayNotCreateTables
    /// The service could rewrite history.
    case mayRewriteHistory(role: String)
    /// The login is no member of the service's role.
    case notAMember
    /// A crash of the server could take back what was acknowledged.
    case forgetsCommits

    /// One sentence for an operator.
    package var description: String {
        switch self {
        case .missing: "The database has no Vouch schema yet: run `vouch migrate`."
        case .old(let has, let needs):
            "The database's schema is at \(has) and this version needs \(needs): run `vouch migrate`."
        case .newer(let has, let knows):
            "The database's schema is at \(has), with a breaking change that this version, which knows \(knows), "
                + "can't work with: run the newer vouch."
        case .checksumChanged(let fileName):
            "The migration \(fileName) was applied with other content: this vouch was built from changed files."
        case .mayNotCreateRole(let sql):
            "This login may not create the role vouch_service. Let an administrator run: \(sql)"
        case .mayNotCreateTables:
            "This login may not create tables in the schema public: let it own the database, or grant it CREATE."
        case .mayRewriteHistory(let role):
            "The role \(role) could change events of the ledger: revoke UPDATE and DELETE on events from it."
        case .notAMember:
            "This login is no member of the role vouch_service: run `vouch migrate` with it, or let an administrator "
                + "run: GRANT vouch_service TO the login"
        case .forgetsCommits:
            "The options in VOUCH_DATABASE_URL turn synchronous_commit off: the server may forget what was answered. "
                + "Take them out."
        }
    }
}

/// Brings a database to the schema that this version needs.
///
/// Concurrent runs wait for each other; a repeat changes nothing.
package struct Migrator: Sendable {
    /// The role that every command but `migrate` works as.
    package static let serviceRole = "vouch_service"

    /// Any number that nothing else locks.
    private static let lock: Int64 = 0x564F_5543_48_4D

    private let client: PostgresClient
    private let logger: Logger

    /// Takes a client that logs in as the schema's owner, without a session role.
    package init(client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Applies what is missing, each file in a transaction of its own.
    ///
    /// - Throws: ``SchemaFault``, and `PostgresError` for everything that the database says.
    package func migrate() async throws -> MigrationReport {
        // The lock is held by one session while others, of the same pool, do the work.
        try await client.withSession { session in
            _ = try await session.query("SELECT pg_advisory_lock(\(Self.lock))", deadline: .seconds(300))
            try await prepare()
            let applied = try await history()
            try check(applied)
            var names: [String] = []
            for migration in Migration.all where applied[migration.number] == nil {
                try await apply(migration)
                logger.info("migration applied", metadata: ["file": "\(migration.fileName)"])
                names.append(migration.fileName)
            }
            return MigrationReport(applied: names, current: Migration.newest)
        }
    }

    /// The service's role and the history table come before any file.
    private func prepare() async throws {
        try await ensureRole()
        do {
            _ = try await client.query(
                """
                CREATE TABLE IF NOT EXISTS schema_migrations (number bigint PRIMARY KEY, file_name text NOT NULL,
                    checksum text NOT NULL, breaking boolean NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
                """)
        } catch  where error.sqlState == "42501" {
            throw SchemaFault.mayNotCreateTables
        }
    }

    private func ensureRole() async throws {
        let login = try await client.query("SELECT current_user::text AS login").first?.decode("login", as: String.self)
        let state = try await client.query(
            """
            SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vouch_service') AS present,
                EXISTS (SELECT FROM pg_roles WHERE rolname = 'vouch_service'
                    AND pg_has_role(current_user, oid, 'MEMBER')) AS member
            """
        ).first
        var faults: [PostgresError] = []
        if try state?.decode("present", as: Bool.self) != true {
            faults.append(contentsOf: await fault(of: "CREATE ROLE vouch_service NOLOGIN"))
        }
        if try state?.decode("member", as: Bool.self) != true {
            faults.append(contentsOf: await fault(of: "GRANT vouch_service TO CURRENT_USER"))
        }
        // 42710, 23505: another database of this server was migrated at the same moment.
        for fault in faults where fault.sqlState != "42710" && fault.sqlState != "23505" {
            guard fault.sqlState == "42501" else { throw fault }
            let name = (login ?? "").replacing("\"", with: "\"\"")
            throw SchemaFault.mayNotCreateRole(
                sql: "CREATE ROLE vouch_service NOLOGIN; GRANT vouch_service TO \"\(name)\" WITH ADMIN OPTION;")
        }
    }

    private func fault(of statement: SQL) async -> [PostgresError] {
        do {
            _ = try await client.query(statement)
            return []
        } catch {
            return [error]
        }
    }

    private func history() async throws -> [Int64: (checksum: String, breaking: Bool)] {
        var applied: [Int64: (checksum: String, breaking: Bool)] = [:]
        for row in try await client.query("SELECT number, checksum, breaking FROM schema_migrations") {
            applied[try row.decode("number")] = (try row.decode("checksum"), try row.decode("breaking"))
        }
        return applied
    }

    private func check(_ applied: [Int64: (checksum: String, breaking: Bool)]) throws(SchemaFault) {
        for migration in Migration.all {
            if let known = applied[migration.number], known.checksum != migration.checksum {
                throw .checksumChanged(fileName: migration.fileName)
            }
        }
        let newest = applied.keys.max() ?? 0
        if applied.contains(where: { $0.key > Migration.newest && $0.value.breaking }) {
            throw .newer(has: newest, knows: Migration.newest)
        }
    }

    /// The history row first: a second runner that slipped past the lock collides with it instead of applying twice.
    private func apply(_ migration: Migration) async throws {
        try await client.withTransaction { transaction in
            _ = try await transaction.query(
                """
                INSERT INTO schema_migrations (number, file_name, checksum, breaking)
                VALUES (\(migration.number), \(migration.fileName), \(migration.checksum), \(migration.isBreaking))
                """)
            try await transaction.execute(script: SQL(unsafe: migration.script))
        }
    }
}

/// What `serve` and the other commands check before they work.
package enum SchemaCheck {
    /// Throws `LedgerError` for readiness: with the operator's sentence as its message.
    static func verify(_ client: PostgresClient) async throws(LedgerError) {
        do {
            try await check(client)
        } catch let fault as SchemaFault {
            throw LedgerError(.unavailable, fault.description)
        } catch let error as PostgresError {
            throw LedgerError(error)
        } catch {
            throw LedgerError(.unavailable, "the schema can't be checked")
        }
    }

    /// Checks the schema's number, that the role in force can't rewrite history, and that commits are flushed.
    ///
    /// - Throws: ``SchemaFault`` or `PostgresError`.
    package static func check(_ client: PostgresClient) async throws {
        let present = try await client.query("SELECT to_regclass('schema_migrations') IS NOT NULL AS present").first
        guard try present?.decode("present", as: Bool.self) == true else { throw SchemaFault.missing }
        let row = try await client.query(
            """
            SELECT coalesce(max(number), 0) AS newest, coalesce(bool_or(breaking AND number > \(Migration.newest)), false)
                AS breaking, count(*) FILTER (WHERE number <= \(Migration.newest)) AS known FROM schema_migrations
            """
        ).first
        guard let row else { throw SchemaFault.missing }
        let newest: Int64 = try row.decode("newest")
        let known: Int64 = try row.decode("known")
        if known < Int64(Migration.all.count) { throw SchemaFault.old(has: newest, needs: Migration.newest) }
        if try row.decode("breaking", as: Bool.self) {
            throw SchemaFault.newer(has: newest, knows: Migration.newest)
        }
        let privilege = try await client.query(
            """
            SELECT current_user::text AS role, has_table_privilege('events', 'UPDATE')
                OR has_table_privilege('events', 'DELETE') OR has_table_privilege('events', 'TRUNCATE') AS rewrites,
                current_setting('synchronous_commit') = 'off' AS forgets
            """
        ).first
        if let privilege, try privilege.decode("rewrites", as: Bool.self) {
            throw SchemaFault.mayRewriteHistory(role: try privilege.decode("role"))
        }
        if let privilege, try privilege.decode("forgets", as: Bool.self) { throw SchemaFault.forgetsCommits }
    }
}
