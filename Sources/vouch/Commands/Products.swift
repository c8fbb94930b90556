import ArgumentParser
import Logging
import PurchaseStore

/// `vouch products`: the catalogue in the database.
struct Products: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a new catalogue would change, import it, and see what is there.",
        discussion: "docs/products.md explains the fields of a product and what a change does and does not do.",
        subcommands: [Import.self, Export.self, History.self])

    /// `vouch products export`: the catalogue as a file that `import` takes.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the database's catalogue as YAML, to be edited and imported.")

        @Option(help: "An earlier import, by its number in `vouch products history`; the newest, unless given.")
        var number: Int64?

        @OptionGroup var config: ConfigOptions

        func run() async throws {
            let number = number
            let stored = try await Products.withRepository(config) { repository in
                if let number { return try await repository.catalogue(numbered: number) }
                return try await repository.newest()
            }
            guard let stored else {
                throw CommandFailure(
                    number.map { "there is no import \($0): `vouch products history` lists them" }
                        ?? "no catalogue was imported yet: docs/products.md shows the form of one")
            }
            let document: CatalogueDocument
            do throws(SettingsFaults) {
                document = try CatalogueDocument(stored: stored.products)
            } catch {
                throw CommandFailure("catalogue \(stored.number) can't be read by this version of vouch: \(error)")
            }
            Console.output(
                "# Catalogue \(stored.number), imported \(UTCTime.text(stored.importedAt)) by "
                    + Printable.escape(stored.importedBy))
            Console.output(String(document.yaml.dropLast()))
        }
    }

    /// `vouch products history`: every import, who and when.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the imports, oldest first: number, when, by whom, how many products.")

        @OptionGroup var config: ConfigOptions

        func run() async throws {
            let records = try await Products.withRepository(config) { try await $0.history() }
            for line in Self.table(of: records) { Console.output(line) }
        }

        /// Columns under headings.
        static func table(of records: [CatalogueRecord]) -> [String] {
            TextTable.lines(
                ["NUMBER", "IMPORTED", "PRODUCTS", "LOGIN", "BY"],
                records.map { record in
                    [
                        String(record.number), UTCTime.text(record.importedAt), String(record.productsCount),
                        Printable.escape(record.login), Printable.escape(record.importedBy),
                    ]
                })
        }
    }

    /// Runs work on the catalogues in the service's role.
    static func withRepository<Value>(
        _ config: ConfigOptions, _ body: (CatalogueRepository) async throws -> Value
    ) async throws -> Value {
        let settings = try DatabaseSettings.load(environment: ConfigOptions.environment, configPath: config.path)
        let logger = Logger.bootstrapVouch(level: settings.shortCommandLogLevel)
        return try await settings.withServiceClient(logger: logger) { client in
            try await body(CatalogueRepository(client: client))
        }
    }
}

/// A table for a terminal: columns as wide as their widest cell, two spaces between them.
enum TextTable {
    /// The headings' line, then one for each row; the last column is not padded.
    static func lines(_ headings: [String], _ rows: [[String]]) -> [String] {
        let all = [headings] + rows
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }
    }
}
