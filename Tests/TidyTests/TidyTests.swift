import Foundation
import Testing

@Suite("Each tidy check can fail")
struct TidyCheckTests {
    static let rules = SwiftRules.all + [RepositoryRules.noPlaces, RepositoryRules.whitespace]

    @Test("a rule finds each broken sample and leaves each kept one alone", arguments: rules.indices)
    func samples(index: Int) {
        let rule = Self.rules[index]
        #expect(!rule.broken.isEmpty && !rule.kept.isEmpty)
        for file in rule.broken { #expect(!rule.check(file).isEmpty, "\(rule.name): \(file.path): \(file.text)") }
        for file in rule.kept { #expect(rule.check(file).isEmpty, "\(rule.name): \(file.path): \(file.text)") }
    }

    @Test("comments and strings are not code, and lines stay where they are")
    func codeScanner() {
        let text = #"""
            let a = "x // y" + b // c
            /* d /* e */ f */ let g = #"h "i" j"#
            let k = """
                l "m" n
                """; let o = "\"p"; let q = 'r'
            """#
        let lines = CodeScanner.code(of: text)
        #expect(lines.count == 5)
        #expect(
            lines.map { $0.split(separator: " ").joined(separator: " ") } == [
                "let a = + b", "let g =", "let k =", "", "; let o = ; let q = 'r'",
            ])
        #expect(lines[1].count == text.split(separator: "\n")[1].count)
    }

    @Test("an import outside the table is found, however it is written")
    func importBoundaries() {
        let boundaries = ImportBoundaries(
            contributing: """
                ## What may import what

                | target | purpose | may import |
                |---|---|---|
                | `A` | does a | `B`, `Foundation` |
                | `C` | does c | – |

                ## Next

                | `C` | no row of the table | `B` |
                """)
        #expect(boundaries.allowed == ["A": ["B", "Foundation"], "C": []])
        func complaints(_ path: String, _ text: String) -> Int {
            boundaries.complaints(about: SourceFile(path: path, text: text)).count
        }
        #expect(complaints("Sources/A/a.swift", "import B\npackage import Foundation\nimport Synchronization") == 0)
        #expect(complaints("Sources/A/a.swift", "import D") == 1)
        #expect(complaints("Sources/A/a.swift", "    package import D\n@preconcurrency import E") == 2)
        #expect(complaints("Sources/A/a.swift", "import struct D.E\n// import F\nlet a = \"import G\"") == 1)
        #expect(complaints("Sources/C/Folder/a.swift", "import B") == 1)
        #expect(complaints("Sources/New/a.swift", "") == 1)
        #expect(complaints("Tests/CTests/a.swift", "import B") == 0)
        #expect(complaints("Tests/TidyTests/a.swift", "import Foundation\nimport B") == 1)
    }

    @Test("a migration without its header, its number or its checksum is found")
    func migrations() {
        let text = "-- why: it is needed\n-- breaking: no\n-- lock: none\n-- duration: at once\nSELECT 1;\n"
        let digest = SHA256.hex(of: Array(text.utf8))
        func complaints(_ files: [(name: String, text: String)], _ checksums: String) -> Int {
            RepositoryRules.complaints(aboutMigrations: files, checksums: checksums).count
        }
        #expect(complaints([("000001_create_ledger.sql", text)], "\(digest)  000001_create_ledger.sql\n") == 0)
        #expect(complaints([("000001_create_ledger.sql", text + " ")], "\(digest)  000001_create_ledger.sql\n") == 1)
        #expect(complaints([("000002_create_ledger.sql", text)], "\(digest)  000002_create_ledger.sql\n") == 1)
        #expect(complaints([("1_create.sql", text)], "\(digest)  1_create.sql\n") == 1)
        #expect(complaints([], "\(digest)  000001_create_ledger.sql\n") == 1)
        #expect(complaints([], "\(digest)\n") == 1)
        for key in ["why", "breaking", "lock", "duration"] {
            let without = text.replacingOccurrences(of: "-- \(key):", with: "-- x:")
            let sum = SHA256.hex(of: Array(without.utf8))
            #expect(complaints([("000001_create_ledger.sql", without)], "\(sum)  000001_create_ledger.sql\n") == 1)
        }
    }

    @Test("SHA-256 is SHA-256")
    func digest() {
        #expect(SHA256.hex(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            SHA256.hex(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 119)
        #expect(SHA256.hex(of: million) == "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb")
    }

    @Test("a decision out of order, badly named or without a part is found")
    func decisions() {
        let text = "# T\n## Status\n## Context\n## Options\n## Decision\n## Consequences\n"
        func complaints(_ files: [(name: String, text: String)]) -> Int {
            RepositoryRules.complaints(aboutDecisions: files).count
        }
        #expect(complaints([("0001-a.md", text), ("0002-b-c.md", text)]) == 0)
        #expect(complaints([("0001-a.md", text), ("0003-b.md", text)]) == 1)
        #expect(complaints([("0001-a.md", text), ("0001-b.md", text)]) == 1)
        #expect(complaints([("1-a.md", text)]) == 1)
        #expect(complaints([("0001-a.md", text.replacingOccurrences(of: "## Context\n", with: ""))]) == 1)
    }

    @Test("a problem code that is on one side only is found")
    func errors() throws {
        let codes = try RepositoryRules.problemCodes(
            openAPI: "components: {schemas: {ProblemCode: {enum: [not-found, forbidden]}}}")
        #expect(codes == ["not-found", "forbidden"])
        func complaints(_ document: String) -> Int {
            RepositoryRules.complaints(aboutErrors: document, codes: codes).count
        }
        #expect(complaints("# E\n## not-found\n\n## forbidden\n") == 0)
        #expect(complaints("## not-found\n") == 1)
        #expect(complaints("## not-found\n## forbidden\n## lost\n") == 1)
        #expect(complaints("## forbidden\n## not-found\n") == 1)
    }

    @Test("a setting that is on one side only is found")
    func settings() {
        let table = RepositoryRules.settings(ofTable: "| `VOUCH_ONE` · `VOUCH_TWO_B` | see VOUCH_SIX |\nVOUCH_TEN\n")
        #expect(table == ["VOUCH_ONE", "VOUCH_TWO_B"])
        #expect(RepositoryRules.settings(ofHeadings: "### `VOUCH_ONE`\nsee VOUCH_SIX\n") == ["VOUCH_ONE"])
        #expect(RepositoryRules.settings(in: "\"VOUCH_\" VOUCH_ONE: 1") == ["VOUCH_ONE"])
        #expect(
            RepositoryRules.settings(inCode: #"case one = "VOUCH_ONE" // VOUCH_SIX, "VOUCH_TARGETS""#) == ["VOUCH_ONE"])
        func complaints(_ example: Set<String>, _ code: Set<String>) -> Int {
            RepositoryRules.complaints(
                aboutSettings: table, elsewhere: [("a.yaml", example)], code: [("A.swift", code)]
            ).count
        }
        #expect(complaints(["VOUCH_ONE", "VOUCH_TWO_B"], ["VOUCH_ONE"]) == 0)
        #expect(complaints(["VOUCH_ONE"], []) == 1)
        #expect(complaints(["VOUCH_ONE", "VOUCH_TWO_B", "VOUCH_TEN"], []) == 1)
        #expect(complaints(["VOUCH_ONE", "VOUCH_TWO_B"], ["VOUCH_TEN"]) == 1)
    }
}

@Suite("The repository is tidy")
struct TidyRepositoryTests {
    @Test("Swift files keep to each rule", arguments: TidyCheckTests.rules.indices)
    func rules(index: Int) throws {
        let rule = TidyCheckTests.rules[index]
        let complaints = try Repository.files().flatMap(rule.check)
        #expect(complaints.isEmpty, "\(rule.name):\n\(complaints.joined(separator: "\n"))")
    }

    @Test("an exception is for a file that is there and needs it")
    func exceptions() throws {
        let files = try Repository.files()
        for path in SwiftRules.unstructuredTasks.keys {
            #expect(files.contains { $0.path == path && $0.text.contains("Task") }, "\(path)")
        }
        for path in SwiftRules.longFiles.keys {
            let length = files.first { $0.path == path }?.lines.count ?? 0
            #expect(length > SwiftRules.lengthLimit, "\(path) needs no exception")
        }
    }

    @Test("every import is one of the table in CONTRIBUTING.md")
    func imports() throws {
        let boundaries = ImportBoundaries(contributing: try Repository.file("CONTRIBUTING.md").text)
        let complaints = try Repository.files().flatMap(boundaries.complaints)
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
        let sources = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appendingPathComponent("Sources").path)
        #expect(Set(sources).isSubset(of: boundaries.allowed.keys))
        #expect(boundaries.allowed["vouch"]?.contains("AppStoreSimulator") == false)
    }

    @Test("migrations have their header, their number and their checksum")
    func migrations() throws {
        let files = try Self.files(in: "migrations/", suffix: ".sql").filter { $0.name != "schema.sql" }
        let checksums = try Repository.file("migrations/CHECKSUMS").text
        #expect(!files.isEmpty)
        let complaints = RepositoryRules.complaints(aboutMigrations: files, checksums: checksums)
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }

    @Test("what scripts/embed writes holds what it was written from")
    func embedded() throws {
        let document = try Repository.file("Sources/vouch/OpenAPIDocument.swift").text
        #expect(document.contains(try Repository.file("openapi.yaml").text), "openapi.yaml changed: run scripts/embed")
        let pages = try Repository.file("Sources/PurchaseConsole/Rendering/EmbeddedTemplates.swift").text
        let templates = try Self.files(in: "Sources/PurchaseConsole/Templates/", suffix: ".mustache")
        #expect(
            !templates.isEmpty && pages.components(separatedBy: "            name: \"").count == templates.count + 1)
        for file in templates {
            let isThere = pages.contains("name: \"\(file.name.dropLast(9))\"") && pages.contains(file.text)
            #expect(isThere, "Templates/\(file.name) changed: run scripts/embed")
        }
        let assets = try Repository.file("Sources/PurchaseConsole/Rendering/EmbeddedAssets.swift").text
        for name in ["console.css", "mark.svg"] {
            let text = try Repository.file("Sources/PurchaseConsole/Assets/" + name).text
            #expect(assets.contains(text), "Assets/\(name) changed: run scripts/embed")
        }
        let embedded = try Repository.file("Sources/PurchaseStore/Migrator/EmbeddedMigrations.swift").text
        for file in try Self.files(in: "migrations/", suffix: ".sql") where file.name != "schema.sql" {
            let digest = SHA256.hex(of: Array(file.text.utf8))
            let isThere = embedded.contains(file.name) && embedded.contains(digest) && embedded.contains(file.text)
            #expect(isThere, "migrations/\(file.name) changed: run scripts/embed")
        }
    }

    @Test("decisions are numbered without gaps and have their parts")
    func decisions() throws {
        let files = try Self.files(in: "docs/decisions/", suffix: ".md")
        #expect(!files.isEmpty)
        let complaints = RepositoryRules.complaints(aboutDecisions: files)
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }

    @Test("docs/errors.md has exactly the codes of openapi.yaml")
    func errors() throws {
        let codes = try RepositoryRules.problemCodes(openAPI: Repository.file("openapi.yaml").text)
        #expect(!codes.isEmpty)
        let complaints = try RepositoryRules.complaints(
            aboutErrors: Repository.file("docs/errors.md").text, codes: codes)
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }

    @Test("the README, docs/configuration.md, the example configuration and the code name the same settings")
    func settings() throws {
        let documented = RepositoryRules.settings(ofTable: try Repository.file("README.md").text)
        let example = RepositoryRules.settings(in: try Repository.file("deploy/vouch.example.yaml").text)
        let code = try Repository.files().filter(\.isSource).map {
            (path: $0.path, names: RepositoryRules.settings(inCode: $0.text))
        }
        #expect(!documented.isEmpty)
        let explained = RepositoryRules.settings(ofHeadings: try Repository.file("docs/configuration.md").text)
        let elsewhere = [("deploy/vouch.example.yaml", example), ("docs/configuration.md", explained)]
        let complaints = RepositoryRules.complaints(aboutSettings: documented, elsewhere: elsewhere, code: code)
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }

    /// The files directly in a directory, by their names.
    private static func files(in directory: String, suffix: String) throws -> [(name: String, text: String)] {
        try Repository.files().filter { $0.path.hasPrefix(directory) && $0.path.hasSuffix(suffix) }
            .map { (name: String($0.path.dropFirst(directory.count)), text: $0.text) }
            .filter { !$0.name.contains("/") }
    }
}
