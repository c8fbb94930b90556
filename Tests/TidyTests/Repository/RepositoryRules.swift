import Foundation
import Yams

/// The rules about everything that is not Swift: migrations, decisions, documents, settings.
enum RepositoryRules {
    // MARK: - Migrations

    /// Complaints about the names, headers and checksums of the migrations.
    ///
    /// - Parameters:
    ///   - files: Name and text of every `.sql` file of `migrations/`, `schema.sql` excepted.
    ///   - checksums: The text of `CHECKSUMS`, in the form that `sha256sum` prints.
    /// - Returns: One sentence per fault.
    static func complaints(aboutMigrations files: [(name: String, text: String)], checksums: String) -> [String] {
        var complaints: [String] = []
        var listed: [String: String] = [:]
        for line in checksums.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count == 2 else {
                complaints.append("CHECKSUMS: not `<sha256>  <file>`: \(line)")
                continue
            }
            listed[String(parts[1].drop { $0 == "*" })] = String(parts[0])
        }
        for (index, file) in files.sorted(by: { $0.name < $1.name }).enumerated() {
            if !file.name.matches(#"^[0-9]{6}_[a-z0-9]+(_[a-z0-9]+)*\.sql$"#) {
                complaints.append("\(file.name): not NNNNNN_verb_noun.sql")
            } else if Int(file.name.prefix(6)) != index + 1 {
                complaints.append("\(file.name): the numbers ascend by one from 000001")
            }
            let header = file.text.split(separator: "\n", omittingEmptySubsequences: false).prefix {
                $0.hasPrefix("--")
            }
            .joined(separator: "\n").lowercased()
            for key in ["why: .", "breaking: (yes|no)", "lock: .", "duration: ."]
            where header.captures("^-- *\(key)").isEmpty {
                complaints.append("\(file.name): the header comment has no line `-- \(key.prefix { $0 != ":" }):`")
            }
            let digest = SHA256.hex(of: Array(file.text.utf8))
            if listed.removeValue(forKey: file.name) != digest {
                complaints.append("\(file.name): CHECKSUMS does not have its SHA-256, \(digest)")
            }
        }
        return complaints + listed.keys.sorted().map { "CHECKSUMS: \($0) is not there" }
    }

    // MARK: - Decisions

    /// Complaints about the decision records: numbers without gaps or twins, and the parts that each one has.
    static func complaints(aboutDecisions files: [(name: String, text: String)]) -> [String] {
        var complaints: [String] = []
        for (index, file) in files.sorted(by: { $0.name < $1.name }).enumerated() {
            if !file.name.matches(#"^[0-9]{4}-[a-z0-9]+(-[a-z0-9]+)*\.md$"#) {
                complaints.append("\(file.name): not NNNN-title.md")
            } else if Int(file.name.prefix(4)) != index + 1 {
                complaints.append("\(file.name): the numbers ascend by one from 0001")
            }
            for part in ["Status", "Context", "Options", "Decision", "Consequences"]
            where file.text.captures("^#+ \(part)\\b").isEmpty {
                complaints.append("\(file.name): no section \(part)")
            }
        }
        return complaints
    }

    // MARK: - Problem codes

    /// The `ProblemCode` enumeration of the API contract.
    static func problemCodes(openAPI text: String) throws -> [String] {
        let document = try Yams.load(yaml: text) as? [String: Any]
        let components = document?["components"] as? [String: Any]
        let schemas = components?["schemas"] as? [String: Any]
        let schema = schemas?["ProblemCode"] as? [String: Any]
        return schema?["enum"] as? [String] ?? []
    }

    /// Complaints where the catalogue of errors and the contract differ: headings `## code`, in the same order.
    static func complaints(aboutErrors document: String, codes: [String]) -> [String] {
        let headings = document.captures("^## `?([a-z][a-z-]*)`?$")
        let missing = codes.filter { !headings.contains($0) }.map { "docs/errors.md: no section \($0)" }
        let surplus = headings.filter { !codes.contains($0) }.map {
            "docs/errors.md: \($0) is not a code of openapi.yaml"
        }
        if missing.isEmpty, surplus.isEmpty, headings != codes {
            return ["docs/errors.md: the sections are not in the order of openapi.yaml, or there are twins"]
        }
        return missing + surplus
    }

    // MARK: - Settings

    /// The settings that a text names, whole words only.
    static func settings(in text: String) -> Set<String> { Set(text.captures(#"\bVOUCH_[A-Z][A-Z_]*[A-Z]\b"#)) }

    /// The settings that code names: string literals of exactly such a name, those of building and testing excepted.
    static func settings(inCode text: String) -> Set<String> {
        Set(text.captures(#""(VOUCH_[A-Z][A-Z_]*[A-Z])""#)).filter { !$0.hasPrefix("VOUCH_T" + "EST_") }
            .subtracting(["VOUCH_TARGETS"])
    }

    /// Settings of the README's table: the names in the first cell of its rows.
    static func settings(ofTable text: String) -> Set<String> {
        Set(text.captures(#"^\| *(`VOUCH_[^|]*)\|"#).flatMap { settings(in: $0) })
    }

    /// The settings that docs/configuration.md explains: those with a heading.
    static func settings(ofHeadings text: String) -> Set<String> {
        Set(text.captures("^#+ (`VOUCH_.*)$").flatMap { settings(in: $0) })
    }

    /// Complaints where the README's table, the places that must have the same settings, and the code differ.
    static func complaints(
        aboutSettings documented: Set<String>, elsewhere: [(path: String, names: Set<String>)],
        code: [(path: String, names: Set<String>)]
    ) -> [String] {
        var complaints: [String] = []
        for (path, names) in elsewhere {
            complaints += documented.subtracting(names).sorted().map { "\(path) lacks \($0)" }
        }
        for (path, names) in elsewhere + code {
            complaints += names.subtracting(documented).sorted().map { "\(path): README.md lacks \($0)" }
        }
        return complaints
    }

    // MARK: - Words

    /// Paths that exist on one machine only.
    ///
    /// Written so that they do not find themselves.
    static let places = Pattern("(?<!/var)/tm[p]/|/hom[e]/[a-z]|/User[s]/[A-Za-z]|/roo[t]/|file:[/]//")

    static let noPlaces = Rule(
        "a file names no path of one machine",
        broken: [
            ("docs/a.md", "see /tm" + "p/a"), ("scripts/a", "cd /hom" + "e/anna"), ("a", "/User" + "s/Anna/a"),
            ("a", "/roo" + "t/a"),
        ],
        kept: [("docs/a.md", "see https://example.com/tmpl/home"), ("scripts/a", "mktemp -d /var/tm" + "p/a.XXXXXX")]
    ) { file in
        places.hits(in: file.lines).map { file.complaint($0, "a path of one machine") }
    }

    static let whitespace = Rule(
        "a text file has no trailing blanks, no tabs outside Makefiles, and ends with a line break",
        broken: [("a.md", "a \n"), ("a.yaml", "\ta\n"), ("a.swift", "let a = 1")],
        kept: [("a.md", "a\n"), ("Makefile", "\ta\n"), ("a.jws", "a"), ("empty", "")]
    ) { file in
        let verbatim = [".jws", ".pem", ".cer", ".p8", ".sql", "CHECKSUMS"]
        guard !verbatim.contains(where: file.path.hasSuffix), !file.text.isEmpty else { return [] }
        var complaints = file.lines.enumerated().filter { $0.element.hasSuffix(" ") || $0.element.hasSuffix("\t") }
            .map { file.complaint($0.offset, "trailing blanks") }
        if !file.path.hasSuffix("Makefile") {
            complaints += file.lines.enumerated().filter { $0.element.contains("\t") }
                .map { file.complaint($0.offset, "a tab") }
        }
        if !file.text.hasSuffix("\n") { complaints.append("\(file.path): no line break at the end") }
        return complaints
    }
}
