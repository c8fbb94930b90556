package import Postgres
package import PurchaseCore

/// What `vouch doctor` asks the database; it changes nothing, and reads no value of a secret.
///
/// Every method is one or two statements on the given client; errors are `PostgresError`.
package struct DatabaseExamination: Sendable {
    /// The server and the connection to it.
    package struct Server: Sendable, Equatable {
        /// PostgreSQL's `server_version_num`, such as 150018.
        package var versionNumber: Int64
        /// The same for people, such as `15.18`.
        package var version: String
        /// The server's clock while it answered.
        package var clock: Instant
        /// Who logged in.
        package var login: String
        /// The database's name.
        package var database: String
        /// Whether the connection uses TLS.
        package var isEncrypted: Bool
        /// Whether the server sees the connection come from another machine.
        package var isRemote: Bool

        /// Takes what the server said.
        package init(
            versionNumber: Int64, version: String, clock: Instant, login: String, database: String, isEncrypted: Bool,
            isRemote: Bool
        ) {
            self.versionNumber = versionNumber
            self.version = version
            self.clock = clock
            self.login = login
            self.database = database
            self.isEncrypted = isEncrypted
            self.isRemote = isRemote
        }
    }

    /// What the role in force may do with the ledger.
    package struct Privileges: Sendable, Equatable {
        /// The role in force.
        package var role: String
        /// Whether it could change or remove an event, be it one column of it.
        package var mayRewriteEvents: Bool
        /// Whether it may read events and append to them.
        package var mayAppendEvents: Bool

        /// Takes the three.
        package init(role: String, mayRewriteEvents: Bool, mayAppendEvents: Bool) {
            self.role = role
            self.mayRewriteEvents = mayRewriteEvents
            self.mayAppendEvents = mayAppendEvents
        }
    }

    private let client: PostgresClient

    /// Takes a client: the login's own for ``server()``, one in the service's role for everything else.
    package init(client: PostgresClient) { self.client = client }

    /// Asks for version, clock, login and the way the connection takes.
    package func server() async throws(PostgresError) -> Server {
        let row = try await one(
            """
            SELECT current_setting('server_version_num')::bigint AS version_number,
                current_setting('server_version')::text AS version, clock_timestamp() AS clock,
                session_user::text AS login, current_database()::text AS database,
                coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
                coalesce(inet_client_addr() <> inet_server_addr() AND NOT inet_client_addr() <<= inet '127.0.0.0/8'
                    AND inet_client_addr() <> inet '::1', false) AS remote
            """)
        return Server(
            versionNumber: try row.decode("version_number"), version: try row.decode("version"),
            clock: try row.decode("clock", as: PostgresTimestamp.self).instant, login: try row.decode("login"),
            database: try row.decode("database"), isEncrypted: try row.decode("encrypted"),
            isRemote: try row.decode("remote"))
    }

    /// Compares the schema with what this version needs; `nil` when it is right.
    package func schema() async throws(PostgresError) -> SchemaFault? {
        do {
            try await SchemaCheck.check(client)
            return nil
        } catch let fault as SchemaFault {
            // Privileges have a finding of their own, and don't make a schema wrong.
            if case .mayRewriteHistory = fault { return nil }
            return fault
        } catch let error as PostgresError {
            throw error
        } catch {
            throw PostgresError(.decodingFailed, message: "the schema can't be checked")
        }
    }

    /// Asks what the role in force may do; `nil` while there is no ledger.
    package func privileges() async throws(PostgresError) -> Privileges? {
        guard try await tableExists("events") else { return nil }
        let row = try await one(
            """
            SELECT current_user::text AS role, has_any_column_privilege('events', 'UPDATE')
                OR has_table_privilege('events', 'DELETE') OR has_table_privilege('events', 'TRUNCATE') AS rewrites,
                has_table_privilege('events', 'INSERT') AND has_table_privilege('events', 'SELECT') AS appends
            """)
        return Privileges(
            role: try row.decode("role"), mayRewriteEvents: try row.decode("rewrites"),
            mayAppendEvents: try row.decode("appends"))
    }

    /// Whether the secret of that name is there, and whether anything was recorded that may depend on it.
    package func secret(named name: String) async throws(PostgresError) -> (isPresent: Bool, isInUse: Bool) {
        let row = try await one(
            """
            SELECT EXISTS (SELECT FROM secrets WHERE name = \(name)) AS present,
                EXISTS (SELECT FROM transactions) AS used
            """)
        return (try row.decode("present"), try row.decode("used"))
    }

    /// Products of this app's transactions that are not among `known`, sorted; at most `limit`.
    package func products(notAmong known: [ProductID], limit: Int) async throws(PostgresError) -> [String] {
        let names = known.map(\.rawValue)
        let rows = try await client.query(
            """
            SELECT DISTINCT product_id FROM transactions
            WHERE product_id IS NOT NULL AND refusal IS NULL AND product_id <> ALL (\(names))
            ORDER BY product_id LIMIT \(limit)
            """)
        var products: [String] = []
        for row in rows { products.append(try row.decode("product_id")) }
        return products
    }

    /// Whether Apple delivered the notification of that UUID here; `nil` when this schema keeps no notifications.
    package func wasDelivered(notificationUUID: String) async throws(PostgresError) -> Bool? {
        guard try await tableExists("notifications") else { return nil }
        let row = try await one(
            """
            SELECT EXISTS (SELECT FROM notifications
                WHERE notification_uuid = \(notificationUUID) AND origin = 'delivery') AS delivered
            """)
        return try row.decode("delivered", as: Bool.self)
    }

    private func tableExists(_ name: String) async throws(PostgresError) -> Bool {
        try await one("SELECT to_regclass(\(name)) IS NOT NULL AS present").decode("present")
    }

    private func one(_ statement: SQL) async throws(PostgresError) -> PostgresRow {
        guard let row = try await client.query(statement).first else {
            throw PostgresError(.decodingFailed, message: "a statement that gives one row gave none")
        }
        return row
    }
}
