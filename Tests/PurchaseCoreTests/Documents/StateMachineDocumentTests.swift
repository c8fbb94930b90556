import Foundation
import PurchaseCore
import Testing

/// Keeps `docs/state_machine.md` true: its tables are made from the code, and its diagram has exactly the table's edges.
@Suite("docs/state_machine.md")
struct StateMachineDocumentTests {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/state_machine.md")

    @Test("the generated parts are what the code says (UPDATE_DOCS=1 rewrites them)")
    func generated() throws {
        var document = try String(contentsOf: Self.path, encoding: .utf8)
        for (name, text) in Self.parts {
            let begin = "<!-- generated: \(name) -->\n"
            let end = "<!-- end -->\n"
            let from = try #require(document.range(of: begin), "no place for \(name)")
            let to = try #require(document.range(of: end, range: from.upperBound..<document.endIndex))
            document.replaceSubrange(from.upperBound..<to.lowerBound, with: "\n" + text + "\n")
        }
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" {
            try document.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.path, encoding: .utf8)
        let line = zip(written.split(separator: "\n"), document.split(separator: "\n")).first { $0 != $1 }
        #expect(
            written == document,
            "run the core tests with UPDATE_DOCS=1; first difference: \(line.map { "\($0)" } ?? "length")")
    }

    @Test("the diagram has an edge for every transition of the table, and no other")
    func diagram() throws {
        let document = try String(contentsOf: Self.path, encoding: .utf8)
        var drawn: Set<String> = []
        for line in document.split(separator: "\n") where line.contains("-->") && !line.contains("[*]") {
            let words = line.split(whereSeparator: { " :".contains($0) })
            guard words.count >= 3, words[1] == "-->", words[0] != words[2] else { continue }
            drawn.insert("\(words[0]) \(words[2])")
        }
        var decided: Set<String> = []
        for row in Self.rows where row.from != row.to { decided.insert("\(row.from.rawValue) \(row.to.rawValue)") }
        #expect(drawn == decided)
    }

    @Test("every kind of input and every rule that evidence can fire is in the table")
    func complete() {
        #expect(CanonicalInput.kinds == Set(Input.Kind.allCases))
        let missing = Set(Rule.allCases.map(\.rawValue)).subtracting(Self.rows.map(\.rule))
        // These need a second chain, a token rule, a narrowed store, an unknown id, a subscription, whose renewal info
        // changes no state, or no transaction at all; other tests fire them.
        #expect(
            missing == [
                "claim_refused", "environment_not_allowed", "claim_held", "transaction_mentioned", "renewal_info_seen",
                "override_made", "override_ended", "account_erased", "claim_released",
            ])
    }

    // MARK: Making the text

    private struct Row {
        let chain: String
        let input: String
        let from: PurchaseState.Name
        let to: PurchaseState.Name
        let result: String
        let rule: String
    }

    private static let rows: [Row] = CanonicalChain.all.flatMap { chain in
        CanonicalInput.all.map { canonical in
            let history = chain.history
            let policy = canonical.policy ?? history.policy
            let decision = decide(history.chain, canonical.input(history), policy: policy, now: history.now)
            let after = decision.chain(from: history.chain)
            let id = TransactionID("1001")
            let from = history.chain.transactions[id]
            let to = after.transactions[id]
            return Row(
                chain: chain.name, input: canonical.name, from: from?.state.name ?? .received,
                to: to?.state.name ?? .received,
                result: describe(to), rule: rule(of: decision))
        }
    }

    private static func describe(_ transaction: Transaction?) -> String {
        guard let transaction else { return "–" }
        let refusal = transaction.refusal.map { ", refused: `\($0.rawValue)`" } ?? ""
        return "`\(transaction.state.name.rawValue)` `\(transaction.state.reasonCode)`\(refusal)"
    }

    private static func rule(of decision: Decision) -> String {
        switch decision {
        case .record(let recorded): recorded.rule.rawValue
        case .reschedule: "– (only the plan to ask Apple)"
        case .nothing: "– (nothing)"
        }
    }

    private static var parts: [(String, String)] {
        [
            ("transitions", transitions), ("reasons", reasons), ("refusals", refusals), ("blocks", blocks),
            ("claims", claims), ("outcomes", outcomes), ("standings", standings), ("rules", rules),
        ]
    }

    private static var transitions: String {
        CanonicalChain.all.map { chain in
            var order: [String] = []
            var inputs: [String: [String]] = [:]
            for row in rows where row.chain == chain.name {
                let key = "\(row.result) | \(row.rule.hasPrefix("–") ? row.rule : "`\(row.rule)`")"
                if inputs[key] == nil { order.append(key) }
                inputs[key, default: []].append(row.input)
            }
            let start = describe(chain.history.chain.transactions[TransactionID("1001")])
            let table = order.map { "| \($0) | \((inputs[$0] ?? []).joined(separator: "; ")) |" }.joined(
                separator: "\n")
            return """
                ### From \(chain.name)

                \(start): \(chain.story).

                | then | rule | on |
                |---|---|---|
                \(table)

                """
        }.joined(separator: "\n")
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
            + "\n"
    }

    private static var reasons: String {
        table(["state", "reason", "means"], Vocabulary.reasons.map { ["`\($0.state)`", "`\($0.code)`", $0.sentence] })
    }

    private static var refusals: String {
        table(
            ["refusal", "means"],
            TransactionRefusal.allCases.map { ["`\($0.rawValue)`", Vocabulary.sentence(for: $0)] })
    }

    private static var blocks: String {
        table(
            ["reason", "means"], EntitlementBlock.allCases.map { ["`\($0.rawValue)`", Vocabulary.sentence(for: $0)] })
    }

    private static var claims: String {
        table(["status", "means"], Claim.Status.allCases.map { ["`\($0.rawValue)`", Vocabulary.sentence(for: $0)] })
    }

    private static var outcomes: String {
        table(
            ["outcome", "means"],
            ClaimCase.Outcome.allCases.map { ["`\($0.rawValue)`", Vocabulary.sentence(for: $0)] })
    }

    private static var standings: String {
        table(
            ["standing", "means"],
            LedgerEntry.Standing.allCases.map { ["`\($0.rawValue)`", Vocabulary.sentence(for: $0)] })
    }

    private static var rules: String {
        table(["rule", "means"], Rule.allCases.map { ["`\($0.rawValue)`", Vocabulary.sentence(for: $0)] })
    }
}
