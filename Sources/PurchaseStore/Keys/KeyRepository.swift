package import Postgres
package import PurchaseCore
package import PurchaseService

/// A key as it is listed: everything but its text, which nobody has but its owner.
package struct StoredKey: Hashable, Sendable {
    /// The database's number.
    package var id: Int64
    /// One person or system.
    package var name: String
    /// What it may do.
    package var roles: Set<Role>
    /// When it was made.
    package var createdAt: Instant
    /// When it was revoked; `nil` while it is in force.
    package var revokedAt: Instant?

    /// Takes every column but the digest.
    package init(id: Int64, name: String, roles: Set<Role>, createdAt: Instant, revokedAt: Instant?) {
        self.id = id
        self.name = name
        self.roles = roles
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }
}

/// Why a key could not be made or revoked.
package enum KeyRepositoryError: Error, Hashable, Sendable {
    /// A key in force has this name already.
    case nameTaken
    /// No key has this number, or none in force this name.
    case noSuchKey
    /// A key needs a role, and `user` belongs to signed-in users, never to a key.
    case rolesNotAllowed
    /// What the database said.
    case database(PostgresError)
}

/// The keys of the deployment, over a client in the service's role.
package struct KeyRepository: Sendable {
    /// The most keys that one list shows, the newest.
    package static let listedMax: Int64 = 10_000

    private let client: PostgresClient

    /// Takes a client whose session role is the service's.
    package init(client: PostgresClient) { self.client = client }

    /// Stores a new key by its digest.
    ///
    /// - Throws: ``KeyRepositoryError/nameTaken``, ``KeyRepositoryError/rolesNotAllowed``,
    ///   ``KeyRepositoryError/database(_:)``.
    package func create(
        name: KeyName, roles: Set<Role>, sha256: [UInt8]
    ) async throws(KeyRepositoryError) -> StoredKey {
        guard !roles.isEmpty, !roles.contains(.user) else { throw .rolesNotAllowed }
        let roleNames = roles.map(\.rawValue).sorted()
        do throws(PostgresError) {
            let rows = try await client.query(
                """
                INSERT INTO keys (name, roles, sha256) VALUES (\(name.text), \(roleNames), \(sha256))
                RETURNING key_id, name, roles, created_at, revoked_at
                """)
            guard let row = rows.first else { throw PostgresError(.decodingFailed, message: "no row of a new key") }
            return try Self.key(from: row)
        } catch {
            throw error.constraint == "keys_name" ? .nameTaken : .database(error)
        }
    }

    /// All keys, revoked ones too, by number.
    ///
    /// - Throws: ``KeyRepositoryError/database(_:)``.
    package func list() async throws(KeyRepositoryError) -> [StoredKey] {
        do throws(PostgresError) {
            let rows = try await client.query(
                """
                SELECT key_id, name, roles, created_at, revoked_at FROM keys
                ORDER BY key_id DESC LIMIT \(Self.listedMax)
                """)
            var keys: [StoredKey] = []
            for row in rows.reversed() { keys.append(try Self.key(from: row)) }
            return keys
        } catch {
            throw .database(error)
        }
    }

    /// Revokes the key in force of that name; a second call finds none.
    ///
    /// - Throws: ``KeyRepositoryError/noSuchKey``, ``KeyRepositoryError/database(_:)``.
    package func revoke(name: KeyName) async throws(KeyRepositoryError) -> StoredKey {
        try await revoked(
            """
            UPDATE keys SET revoked_at = now() WHERE name = \(name.text) AND revoked_at IS NULL
            RETURNING key_id, name, roles, created_at, revoked_at
            """)
    }

    /// Revokes a key by its number; a repeat changes nothing and keeps the first moment.
    ///
    /// - Throws: ``KeyRepositoryError/noSuchKey``, ``KeyRepositoryError/database(_:)``.
    package func revoke(id: Int64) async throws(KeyRepositoryError) -> StoredKey {
        try await revoked(
            """
            UPDATE keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = \(id)
            RETURNING key_id, name, roles, created_at, revoked_at
            """)
    }

    private func revoked(_ statement: SQL) async throws(KeyRepositoryError) -> StoredKey {
        let key: StoredKey?
        do throws(PostgresError) {
            let row = try await client.query(statement).first
            key = if let row { try Self.key(from: row) } else { nil }
        } catch {
            throw .database(error)
        }
        guard let key else { throw .noSuchKey }
        return key
    }

    private static func key(from row: PostgresRow) throws(PostgresError) -> StoredKey {
        let roles: [String] = try row.decode("roles")
        let createdAt: PostgresTimestamp = try row.decode("created_at")
        let revokedAt: PostgresTimestamp? = try row.decode("revoked_at")
        return StoredKey(
            id: try row.decode("key_id"), name: try row.decode("name"),
            roles: Set(roles.compactMap(Role.init(rawValue:))), createdAt: createdAt.instant,
            revokedAt: revokedAt?.instant)
    }
}
