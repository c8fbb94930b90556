import Foundation
import PurchaseCore
import PurchaseService
import Testing

@testable import PurchaseStore

@Suite("JSON of the ledger's own rows")
struct LedgerJSONTests {
    private static func foundation(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func compare(_ value: some Encodable, _ comment: Comment) throws {
        let (ours, expected) = (try LedgerJSON.text(value), try foundation(value))
        #expect(ours == expected, comment)
    }

    @Test(
        "any value is written as Foundation writes it, byte for byte",
        arguments: [1, 2, UInt64.random(in: 3...999_999)])
    func anyValue(seed: UInt64) throws {
        print("ledger JSON: SEED=\(seed)")
        var generator = SplitMix(seed: seed)
        for _ in 0..<1_500 { try Self.compare(RandomValue(depth: 4, using: &generator), "SEED=\(seed)") }
        try Self.compare([Int8.min, 0, .max], "integers")
        try Self.compare([UInt64.max, .min], "integers beyond Int64")
        try Self.compare([[String: [Int]]](), "nothing")
    }

    @Test("a fraction is refused, not rounded")
    func fractions() {
        #expect(throws: LedgerError.self) { try LedgerJSON.text(["price": 4.99]) }
        #expect(throws: LedgerError.self) { try LedgerJSON.text([Float(1)]) }
        #expect(throws: LedgerError.self) { try LedgerJSON.text(0.5) }
    }

    @Test(
        "every entry, fact and check of random decisions is written as Foundation writes it",
        arguments: [1, UInt64.random(in: 3...999_999)])
    func decisions(seed: UInt64) throws {
        print("ledger JSON of decisions: SEED=\(seed)")
        var generator = SplitMix(seed: seed)
        var count = 0
        for number in 1...60 {
            for recorded in DecisionWalk.decisions(of: number, using: &generator) {
                try Self.compare(recorded.entries, "entries, SEED=\(seed)")
                for evidence in recorded.chain.evidence.values {
                    try Self.compare(evidence.facts, "facts, SEED=\(seed)")
                }
                for check in recorded.chain.checks.values { try Self.compare(check, "a check, SEED=\(seed)") }
                count += recorded.entries.count
            }
        }
        #expect(count > 300)
    }
}

/// A JSON value of any shape that an `Encodable` type can have.
private indirect enum RandomValue: Encodable {
    case none
    case flag(Bool)
    case number(Int64)
    case text(String)
    case list([RandomValue])
    case object([(name: String, value: RandomValue)])
    case wrapped(RandomValue)
    case empty

    private static let pieces = [
        "", "a", "\"", "\\", "/", "\u{0}", "\u{1}", "\u{8}", "\t", "\n", "\u{C}", "\r", "\u{1F}", " ", "\u{7F}", "ä",
        "日本",
        "👩‍👩‍👧", "\u{2028}", "com.example.app.pro", "2000000000000001",
    ]
    private static let names = [
        "id", "idx", "id_", "id2", "ID", "purchase", "purchase_date", "purchaseDate", "a", "B", "_", "9", "extension",
    ]

    private struct Name: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(depth: Int, using generator: inout SplitMix) {
        let kind = Int.random(in: 0..<(depth > 0 ? 9 : 5), using: &generator)
        switch kind {
        case 0: self = .none
        case 1: self = .flag(Bool.random(using: &generator))
        case 2: self = .number([Int64.min, -1, 0, 7, .max].randomElement(using: &generator) ?? 0)
        case 3, 4:
            let count = Int.random(in: 0..<5, using: &generator)
            self = .text((0..<count).compactMap { _ in Self.pieces.randomElement(using: &generator) }.joined())
        case 5:
            let count = Int.random(in: 0..<4, using: &generator)
            self = .list((0..<count).map { _ in RandomValue(depth: depth - 1, using: &generator) })
        case 6: self = .wrapped(RandomValue(depth: depth - 1, using: &generator))
        case 7: self = .empty
        default:
            let names = Self.names.shuffled(using: &generator).prefix(Int.random(in: 0..<8, using: &generator))
            self = .object(names.map { ($0, RandomValue(depth: depth - 1, using: &generator)) })
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .none:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .flag(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .number(let value): try value.encode(to: encoder)
        case .text(let value): try value.encode(to: encoder)
        case .list(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(value) }
        case .object(let members):
            var container = encoder.container(keyedBy: Name.self)
            for member in members { try container.encode(member.value, forKey: Name(stringValue: member.name)) }
        case .wrapped(let value): try Optional(value).encode(to: encoder)
        case .empty: _ = encoder.container(keyedBy: Name.self)
        }
    }
}
