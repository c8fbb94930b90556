import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import vouch

@Suite("vouch products: options, refusals, and what it shows")
struct ProductsCommandTests {
    @Test(
        "what can't be understood ends with 64",
        arguments: [
            ["products", "import"], ["products", "import", "f", "--examples", "-1"],
            ["products", "import", "f", "--examples", "1001"], ["products", "import", "f", "--by", ""],
            ["products", "import", "f", "--by", " erin"], ["products", "import", "f", "--by", "a\nb"],
            ["products", "import", "f", "g"], ["products", "export", "--number", "x"], ["products", "unheard-of"],
        ])
    func usage(arguments: [String]) async throws {
        let outcome = try #require(await Vouch.run(arguments))
        #expect(outcome.code == 64 && outcome.complaint?.isEmpty == false)
    }

    @Test("options are parsed, and asking is the rule")
    func parsing() async throws {
        let plain = try #require(try await Vouch.command(for: ["products", "import", "f"]) as? Products.Import)
        #expect(plain.file == "f" && !plain.yes && !plain.dryRun && !plain.accounts && plain.examples == 5)
        let full = try #require(
            try await Vouch.command(for: [
                "products", "import", "-", "--yes", "--dry-run", "--accounts", "--examples", "9", "--by", "Erin",
            ]) as? Products.Import)
        #expect(full.yes && full.dryRun && full.accounts && full.examples == 9 && full.importedBy == "Erin")
        #expect(
            try #require(try await Vouch.command(for: ["products", "export", "--number", "3"]) as? Products.Export)
                .number == 3)
    }

    @Test("a file that is not there ends with 2, a faulty one with 1, and nothing is asked of the database")
    func files() throws {
        let fixture = try SettingsFixture()
        let missing = #expect(throws: CommandFailure.self) { try Products.Import.read(fixture.path("none.yaml")) }
        #expect(missing?.exit == .couldNot)
        let path = try fixture.write("products: {a: {kind: x}, b: {kind: y}}", to: "shop.yaml")
        let faulty = #expect(throws: CommandFailure.self) { try Products.Import.read(path) }
        #expect(faulty?.exit == .failure && faulty?.sentence.contains("2 faults") == true)
        #expect(CommandExit.couldNot.rawValue == 2 && CommandExit.failure.rawValue == 1)
    }

    @Test("it needs the database alone, and uses two settings where they are set")
    func settings() throws {
        let fixture = try SettingsFixture()
        let alone = ["VOUCH_DATABASE_URL": "postgresql://vouch@127.0.0.1/vouch"]
        let settings = try ProductsSettings.load(environment: alone, configPath: nil)
        #expect(settings.unknownProducts == nil && settings.sandboxAccounts == nil && !settings.fileHasProducts)
        let path = try fixture.write("VOUCH_CATALOGUE: strict\nproducts: {}\n", to: "c.yaml")
        let full = try ProductsSettings.load(
            environment: alone.merging(["VOUCH_SANDBOX_ACCOUNTS": ""]) { $1 }, configPath: path)
        #expect(full.unknownProducts == .strict && full.sandboxAccounts == .listed([]) && full.fileHasProducts)
        let faults = #expect(throws: SettingsFaults.self) {
            try ProductsSettings.load(environment: ["VOUCH_CATALOGUE": "odd"], configPath: nil)
        }
        #expect(faults?.faults.map(\.name) == ["VOUCH_CATALOGUE", "VOUCH_DATABASE_URL"])
    }

    @Test("the changes of the catalogue are a line for each product, cut at 200")
    func changes() throws {
        let old = try CatalogueDocument(
            yaml: """
                products:
                  gone: {kind: consumable}
                  same: {kind: non_consumable, entitlements: [b, a]}
                  coins: {kind: consumable, units: 100}
                  pass: {kind: non_renewing, entitlements: [premium]}
                """, name: "f")
        let new = try CatalogueDocument(
            yaml: """
                products:
                  same: {kind: non_consumable, entitlements: [a, b]}
                  coins: {kind: consumable, units: 120}
                  pass: {kind: non_renewing, entitlements: [premium, extra], duration: P30D}
                  fresh: {kind: auto_renewable}
                """, name: "f")
        #expect(
            CatalogueReport.changes(from: old, to: new) == [
                "Products: 1 added, 1 removed, 2 changed, 1 as before",
                "  ~ coins: units 100 → 120",
                "  + fresh: kind auto_renewable, entitlements [fresh], familySharing true, settlementHold PT0S, "
                    + "onProratedRefund revoke",
                "  - gone",
                "  ~ pass: entitlements [premium] → [extra, premium], duration none → P30D",
            ])
        let many = CatalogueDocument(
            products: Dictionary(
                uniqueKeysWithValues: (0..<250).map {
                    (ProductID("p\($0)"), .init(kind: .consumable, entitlements: []))
                }))
        let lines = CatalogueReport.changes(from: CatalogueDocument(products: [:]), to: many)
        #expect(lines.count == 202 && lines.last == "  … and 50 more")
    }

    @Test("progress is one line on a terminal, written over, and else a line now and then")
    func progress() {
        let effect = PolicyEffect(examplesMax: 0)
        let terminal = CatalogueProgress(isTerminal: true)
        #expect(terminal.text(effect)?.hasPrefix("\r") == true && terminal.text(effect)?.contains("\n") == false)
        #expect(terminal.text(nil) == "\r\u{1B}[K")
        let log = CatalogueProgress(isTerminal: false)
        #expect(log.text(effect) == nil && log.text(nil) == nil)
    }

    @Test("the history names who and when; an import can be had back as the file that it was")
    func history() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withServiceClient { client in
                let repository = CatalogueRepository(client: client)
                let document = try CatalogueDocument(
                    yaml: "products: {a: {kind: consumable, units: 7}, b: {kind: non_consumable}}", name: "f")
                #expect(try await repository.newest() == nil)
                #expect(try await repository.add(document.json, importedBy: "Erin", after: 0) == 1)
                #expect(try await repository.add("{}", importedBy: "Finn\u{1B}", after: 1) == 2)
                let table = Products.History.table(of: try await repository.history())
                #expect(table.count == 3 && table[1].hasSuffix("Erin") && table[1].contains("  2  "))
                #expect(table.allSatisfy { $0.unicodeScalars.allSatisfy(Printable.isPrintable) })
                let first = try #require(try await repository.catalogue(numbered: 1))
                #expect(try CatalogueDocument(stored: first.products).products == document.products)
                #expect(try await repository.newest(after: 1)?.number == 2)
                #expect(try await repository.newest(after: 2) == nil)
                #expect(try await repository.catalogue(numbered: 3) == nil)
            }
        }
    }

    @Test("no import can be changed or taken back, not by the service and not by the owner")
    func appendOnly() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withServiceClient { client in
                _ = try await CatalogueRepository(client: client).add("{}", importedBy: "Erin", after: 0)
                for statement in ["UPDATE catalogues SET imported_by = 'x'", "DELETE FROM catalogues"] as [SQL] {
                    let error = await #expect(throws: PostgresError.self) { try await client.query(statement) }
                    #expect(error?.sqlState == "42501")
                }
            }
            try await database.withOwnerClient { client in
                for statement in [
                    "UPDATE catalogues SET imported_by = 'x'", "DELETE FROM catalogues", "TRUNCATE catalogues",
                ] as [SQL] {
                    let error = await #expect(throws: PostgresError.self) { try await client.query(statement) }
                    #expect(error?.sqlState == "23001")
                }
            }
        }
    }
}
