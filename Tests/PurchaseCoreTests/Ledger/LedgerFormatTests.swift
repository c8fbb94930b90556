import Foundation
import PurchaseCore
import Testing

@Suite("The ledger's format is for ever")
struct LedgerFormatTests {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    @Test("every kind of entry is written as it always was", arguments: GoldenEntries.entries.map(\.name))
    func writes(name: String) throws {
        let golden = try #require(GoldenEntries.entries.first { $0.name == name })
        #expect(try Self.encode(golden.entry) == golden.json)
    }

    @Test("every kind of entry that was ever written can be read", arguments: GoldenEntries.entries.map(\.name))
    func reads(name: String) throws {
        let golden = try #require(GoldenEntries.entries.first { $0.name == name })
        #expect(try JSONDecoder().decode(LedgerEntry.self, from: Data(golden.json.utf8)) == golden.entry)
    }

    @Test("the golden entries hold every kind")
    func complete() throws {
        let kinds = try GoldenEntries.entries.map { golden in
            let object = try JSONSerialization.jsonObject(with: Data(golden.json.utf8)) as? [String: Any]
            return try #require(object?["kind"] as? String)
        }
        #expect(
            Set(kinds) == [
                "identified", "absorbed", "transaction", "evidence", "renewal", "claim", "case", "grant", "entitlement",
                "entitlement_ended", "movement", "check_requested", "override", "account_erased", "claim_released",
            ])
    }

    @Test("a member that a later version adds does not make an entry unreadable")
    func addedMember() throws {
        let json = #"{"kind":"absorbed","value":42,"later":{"x":1}}"#
        #expect(try JSONDecoder().decode(LedgerEntry.self, from: Data(json.utf8)) == .absorbed(by: ChainID(42)))
    }

    @Test("an unknown kind is an error, not a guess")
    func unknownKind() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(LedgerEntry.self, from: Data(#"{"kind":"confetti","value":1}"#.utf8))
        }
    }

    @Test("evidence keeps Apple's names and numbers")
    func facts() throws {
        #expect(try Self.encode(GoldenEntries.facts) == GoldenEntries.factsJSON)
        #expect(
            try JSONDecoder().decode(TransactionFacts.self, from: Data(GoldenEntries.factsJSON.utf8))
                == GoldenEntries.facts)
    }

    @Test("every state with every reason survives the ledger")
    func states() throws {
        let id = GoldenEntries.evidence
        let states: [PurchaseState] =
            [.received] + PendingReason.allCases.map { .pending($0) }
            + PaidReason.allCases.map { .paid($0, deciding: id) }
            + RefundedReason.allCases.map { .refunded($0, deciding: id) }
        for state in states {
            #expect(try JSONDecoder().decode(PurchaseState.self, from: Data(try Self.encode(state).utf8)) == state)
        }
        #expect(states.count == 1 + 9 + 2 + 4)
    }

    @Test(
        "whatever decide records can be written and read back",
        arguments: SplitMix64.seeds(fixed: 1...10, for: "codable walk"))
    func recorded(seed: UInt64) throws {
        var generator = EvidenceGenerator(seed: seed)
        var history = History(.original(.production, OriginalTransactionID("1001")))
        history.claim(alice)
        history.claim(bob)
        for _ in 0..<8 {
            history.take(.evidenceVerified(generator.sample().evidence, absorbing: nil), checkingLaws: false)
            history.acknowledgeAll()
        }
        let entries = history.events.flatMap(\.entries)
        #expect(entries.count > 5)
        let data = Data(try Self.encode(entries).utf8)
        #expect(try JSONDecoder().decode([LedgerEntry].self, from: data) == entries, "SEED=\(seed)")
    }

    @Test("work in progress survives its row")
    func check() throws {
        var check = Check()
        check.nextCheckAt = .minute(1)
        check.notFoundAnswers = [.production: 3, .sandbox: 2]
        check.contradictedAt = .minute(2)
        #expect(try JSONDecoder().decode(Check.self, from: Data(try Self.encode(check).utf8)) == check)
    }

    @Test("a row from before there were sweeps is none, and one that is says so in the name that the database reads")
    func sweep() throws {
        var check = Check()
        check.nextCheckAt = .minute(1)
        let text = try Self.encode(check)
        let older = text.replacing(#""isSweep":false,"#, with: "")
        #expect(older != text && !older.contains("isSweep"))
        #expect(try JSONDecoder().decode(Check.self, from: Data(older.utf8)) == check)
        check.isSweep = true
        #expect(try Self.encode(check).contains(#""isSweep":true"#))
        #expect(try JSONDecoder().decode(Check.self, from: Data(try Self.encode(check).utf8)) == check)
    }
}

@Suite("Replay")
struct ReplayTests {
    func recorded() -> History {
        var history = History()
        history.claim(alice)
        history.see(Sample("coins", signed: 2))
        history.acknowledgeAll()
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        return history
    }

    func fault(_ events: [LedgerEvent], _ evidence: [EvidenceID: Evidence]) -> ReplayFault? {
        do {
            _ = try Chain.replay(events, evidence: evidence)
            return nil
        } catch {
            return error
        }
    }

    @Test("events in order give the chain")
    func inOrder() throws {
        let history = recorded()
        #expect(try Chain.replay(history.events, evidence: history.chain.evidence) == history.chain.replayable)
    }

    @Test("a missing, doubled or shuffled event is found")
    func outOfOrder() {
        let history = recorded()
        let evidence = history.chain.evidence
        var missing = history.events
        missing.remove(at: 1)
        #expect(fault(missing, evidence) == .versionOutOfOrder(expected: 2, found: 3))
        #expect(fault(history.events + [history.events[3]], evidence) == .versionOutOfOrder(expected: 5, found: 4))
        #expect(fault(Array(history.events.dropFirst()), evidence) == .versionOutOfOrder(expected: 1, found: 2))
        #expect(fault(Array(history.events.dropFirst(2)), evidence) == .unidentified)
        #expect(fault([], evidence) == .unidentified)
    }

    @Test("evidence without its row is found")
    func missingEvidence() {
        let history = recorded()
        let id = Sample("coins", signed: 2).evidence.id
        var evidence = history.chain.evidence
        evidence[id] = nil
        #expect(fault(history.events, evidence) == .evidenceMissing(id))
    }

    @Test("a changed event gives another chain")
    func tampered() throws {
        let history = recorded()
        var events = history.events
        events[2] = LedgerEvent(
            chainID: ChainID(1), chainVersion: 3, entries: [.checkRequested(TransactionID("1001"), reasonNumber: 1)])
        #expect(try Chain.replay(events, evidence: history.chain.evidence) != history.chain.replayable)
    }
}
