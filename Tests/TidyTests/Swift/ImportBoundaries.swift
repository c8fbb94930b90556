import Foundation

/// Which module a target may import: the table of CONTRIBUTING.md, read from there.
struct ImportBoundaries: Sendable {
    /// Modules that every target may import: they are the language, not a dependency.
    static let language: Set = ["Swift", "Synchronization", "_Concurrency"]

    /// By target, the modules of its row.
    let allowed: [String: Set<String>]

    /// Reads the rows `| `Target` | purpose | `A`, `B` |` of the table under the heading "What may import what".
    init(contributing text: String) {
        var allowed: [String: Set<String>] = [:]
        let section = text.components(separatedBy: "## What may import what").dropFirst().first ?? ""
        for line in (section.components(separatedBy: "\n## ").first ?? "").split(separator: "\n") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard cells.count >= 5, let target = cells[1].captures("`([^`]+)`").first else { continue }
            allowed[target] = Set(cells[3].captures("`([^`]+)`"))
        }
        self.allowed = allowed
    }

    /// The modules that a Swift file imports, with the line of each, counted from 0.
    static func imports(of file: SourceFile) -> [(module: String, line: Int)] {
        file.code.indices.compactMap { index in
            statement.captures(in: file.code[index]).first.map { ($0, index) }
        }
    }

    private static let statement = Pattern(
        #"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|internal|private|fileprivate|public)\s+)?import\s+"#
            + #"(?:(?:struct|class|enum|protocol|typealias|func|var|let)\s+)?([A-Za-z_]\w*)"#)

    /// The imports of a file that its target's row does not list.
    func complaints(about file: SourceFile) -> [String] {
        guard let target = file.target else { return [] }
        let imports = Self.imports(of: file)
        if file.isTest {
            guard target == "TidyTests" else { return [] }
            let own: Set = ["Foundation", "Testing", "Yams"]
            return imports.filter { !own.contains($0.module) }.map {
                file.complaint($0.line, "TidyTests may not import \($0.module): it must build without the product")
            }
        }
        guard let row = allowed[target] else { return ["\(file.path): \(target) has no row in CONTRIBUTING.md"] }
        return imports.filter { !row.contains($0.module) && !Self.language.contains($0.module) }.map {
            file.complaint($0.line, "\(target) may not import \($0.module)")
        }
    }
}
