import Foundation
import Testing

@testable import vouch

@Suite("docs/commands.md and docs/troubleshooting.md")
struct DoctorDocumentTests {
    private static let results = Set(DoctorResult.allCases.map(\.rawValue))

    /// The words between backticks.
    private func code(in text: some StringProtocol) -> [String] {
        text.split(separator: "\n").flatMap { line in
            line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
    }

    private func doctorSection() throws -> Substring {
        let manual = try SettingsFixture.repositoryFile("docs/commands.md")
        let start = try #require(manual.range(of: "\n## vouch doctor\n")).upperBound
        let end = manual.range(of: "\n## ", range: start..<manual.endIndex)?.lowerBound ?? manual.endIndex
        return manual[start..<end]
    }

    @Test("docs/commands.md lists every check and every result of doctor, and no other")
    func checks() throws {
        let rows = try doctorSection().split(separator: "\n").filter { $0.hasPrefix("| `") }
            .compactMap { $0.split(separator: "|").first.map { code(in: $0) } }.flatMap { $0 }
        #expect(rows.filter { Self.results.contains($0) }.sorted() == Self.results.sorted())
        #expect(rows.filter { !Self.results.contains($0) } == DoctorCheck.allCases.map(\.rawValue))
    }

    @Test("every command that docs/troubleshooting.md names can be given")
    func commands() async throws {
        let text = try SettingsFixture.repositoryFile("docs/troubleshooting.md")
        let commands = Set(code(in: text).filter { $0.hasPrefix("vouch ") })
        #expect(commands.count > 4)
        for command in commands {
            let arguments = command.split(separator: " ").dropFirst().map(String.init)
            await #expect(throws: Never.self, "\(command)") { _ = try await Vouch.command(for: arguments) }
        }
    }

    @Test("every check, setting and link that docs/troubleshooting.md names exists")
    func names() throws {
        let text = try SettingsFixture.repositoryFile("docs/troubleshooting.md")
        let settings = Set(SettingName.allCases.map(\.rawValue))
        let words = code(in: text)
        for word in words where word.hasPrefix("VOUCH_") { #expect(settings.contains(word), "\(word)") }
        // What follows "check" or "checks" on a line is a check; so is everything that is spelt like one of a family.
        let families = ["app_store_p", "app_store_sa", "database", "notifications_", "clock_"]
        let checks = Set(DoctorCheck.allCases.map(\.rawValue))
        let named = words.filter { word in families.contains { word.hasPrefix($0) } }
        #expect(named.count > 10)
        for word in named { #expect(checks.contains(word), "\(word)") }
        let headings = Set(
            text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { anchor(of: $0.dropFirst(3)) })
        for link in text.matches(of: /\]\(#([^)]*)\)/) {
            #expect(headings.contains(String(link.1)), "\(link.1)")
        }
    }

    @Test("every word for an attempt that Apple documents is in docs/troubleshooting.md")
    func attempts() throws {
        let words = Set(code(in: try SettingsFixture.repositoryFile("docs/troubleshooting.md")))
        for word in DoctorAttemptResult.documented.keys { #expect(words.contains(word), "\(word)") }
    }

    /// The anchor that a heading gets: lower case, punctuation dropped, spaces as hyphens.
    private func anchor(of heading: some StringProtocol) -> String {
        String(
            heading.lowercased().compactMap { character -> Character? in
                if character == " " { return "-" }
                return character.isLetter || character.isNumber || character == "-" || character == "_"
                    ? character : nil
            })
    }
}
