import Foundation
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

/// Keeps `docs/explanations.md` true: its tables are made from the code.
@Suite("docs/explanations.md")
struct ExplanationDocumentTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/explanations.md")

    @Test("the generated tables are what the code says (UPDATE_DOCS=1 rewrites them)")
    func generated() throws {
        var document = try String(contentsOf: Self.path, encoding: .utf8)
        for (name, text) in Self.parts {
            let begin = "<!-- generated: \(name) -->\n"
            let from = try #require(document.range(of: begin), "no place for \(name)")
            let to = try #require(
                document.range(of: "<!-- end -->\n", range: from.upperBound..<document.endIndex))
            document.replaceSubrange(from.upperBound..<to.lowerBound, with: "\n" + text + "\n")
        }
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" {
            try document.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.path, encoding: .utf8)
        let line = zip(written.split(separator: "\n"), document.split(separator: "\n")).first { $0 != $1 }
        #expect(
            written == document,
            "run this suite with UPDATE_DOCS=1; first difference: \(line.map { "\($0)" } ?? "length")")
    }

    @Test("codes have the contract's form, and no two sentences share one")
    func codes() throws {
        let rows = Self.groups.flatMap(\.rows)
        #expect(Set(rows.map(\.code)).count == rows.count)
        for row in rows {
            let parts = row.code.split(separator: ".")
            #expect(parts.count == 2 && row.code.allSatisfy { $0.isLowercase || "._".contains($0) }, "\(row.code)")
        }
    }

    // MARK: Making the text

    private struct Group {
        let name: String
        let rows: [(code: String, template: String)]

        init<Kind: PhraseKind>(_ kind: Kind.Type) {
            name = Kind.group
            rows = Kind.allCases.map { ("\(Kind.group).\($0.rawValue)", $0.template) }
        }
    }

    private static let groups = [
        Group(CustomerSentence.self), Group(StandingSentence.self), Group(TransactionRefusal.self),
        Group(EntitlementReason.self), Group(Claim.Status.self), Group(FactSentence.self), Group(Rule.self),
        Group(WaitingSentence.self), Group(ChangeSentence.self),
    ]

    private static var parts: [(String, String)] {
        groups.map { group in
            let rows = group.rows.map { "| `\($0.code)` | \($0.template) |" }
            return (group.name, (["| code | text |", "|---|---|"] + rows).joined(separator: "\n") + "\n")
        }
    }
}
