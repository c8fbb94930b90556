package import Postgres
package import PurchaseCore

/// One import of a catalogue.
package struct StoredCatalogue: Hashable, Sendable {
    /// 1 for the first import, and one more for each.
    package let number: Int64
    /// A JSON object in the form of a catalogue file: product id, and below it the fields.
    package let products: String
    /// When, by the database's clock.
    package let importedAt: Instant
    /// Who, as the one who imported says: a person or a system.
    package let importedBy: String
}

/// An import without its products, for lists.
package struct CatalogueRecord: Hashable, Sendable {
    /// 1 for the first import, and one more for each.
    package let number: Int64
    /// How many products it has.
    package let productsCount: Int64
    /// When, by the database's clock.
    package let importedAt: Instant
    /// Who, as the one who imported says.
    package let importedBy: String
    /// Who, as the database knows it: the login's name.
    package let login: String
}

/// The catalogues that were imported: a history that only grows, whose newest one counts.
///
/// Over a client in the service's role; every method is one statement, and throws what the client throws.
package struct CatalogueRepository: Sendable {
    /// The most imports that one list shows, the newest.
    package static let listedMax: Int64 = 1_000

    private let client: PostgresClient

    /// Takes a client whose session role is the service's.
    package init(client: PostgresClient) { self.client = client }

    /// The newest catalogue, if its number is greater than `number`; cheap when it is not.
    package func newest(after number: Int64 = 0) async throws(PostgresError) -> StoredCatalogue? {
        try await one(
            """
            SELECT catalogue_number, products, imported_at, imported_by FROM catalogues
            WHERE catalogue_number > \(number) ORDER BY catalogue_number DESC LIMIT 1
            """)
    }

    /// One import of the past; `nil` when there is none of that number.
    package func catalogue(numbered number: Int64) async throws(PostgresError) -> StoredCatalogue? {
        try await one(
            """
            SELECT catalogue_number, products, imported_at, imported_by FROM catalogues
            WHERE catalogue_number = \(number)
            """)
    }

    /// All imports, the oldest first; of very many the newest ``listedMax``.
    package func history() async throws(PostgresError) -> [CatalogueRecord] {
        let rows = try await client.query(
            """
            SELECT catalogue_number, (SELECT count(*) FROM jsonb_object_keys(products)) AS products_count, imported_at,
                imported_by, login
            FROM catalogues ORDER BY catalogue_number DESC LIMIT \(Self.listedMax)
            """)
        var records: [CatalogueRecord] = []
        for row in rows.reversed() {
            records.append(
                CatalogueRecord(
                    number: try row.decode("catalogue_number"), productsCount: try row.decode("products_count"),
                    importedAt: try row.decode("imported_at", as: PostgresTimestamp.self).instant,
                    importedBy: try row.decode("imported_by"), login: try row.decode("login")))
        }
        return records
    }

    /// Stores a catalogue as the successor of number `predecessor` (0 for the first); its number, or `nil` when another
    /// import was faster: nothing was written.
    ///
    /// `products` is a JSON object in the form of a catalogue file, `importedBy` has 1 to 100 characters.
    package func add(
        _ products: String, importedBy: String, after predecessor: Int64
    ) async throws(PostgresError) -> Int64? {
        let rows = try await client.query(
            """
            INSERT INTO catalogues (catalogue_number, products, imported_by)
            SELECT \(predecessor + 1), \(PostgresJSON(products)), \(importedBy)
            WHERE \(predecessor) = (SELECT coalesce(max(catalogue_number), 0) FROM catalogues)
            ON CONFLICT DO NOTHING RETURNING catalogue_number
            """)
        guard let row = rows.first else { return nil }
        return try row.decode("catalogue_number")
    }

    private func one(_ statement: SQL) async throws(PostgresError) -> StoredCatalogue? {
        guard let row = try await client.query(statement).first else { return nil }
        return StoredCatalogue(
            number: try row.decode("catalogue_number"), products: try row.decode("products"),
            importedAt: try row.decode("imported_at", as: PostgresTimestamp.self).instant,
            importedBy: try row.decode("imported_by"))
    }
}
