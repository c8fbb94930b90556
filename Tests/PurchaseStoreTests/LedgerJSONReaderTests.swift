import Foundation
import PurchaseCore
import Testing

@testable import PurchaseStore

@Suite("Reading the ledger's own rows")
struct LedgerJSONReaderTests {
    /// Compares ours with Foundation's; returns whether the text could be read.
    ///
    /// Foundation doesn't look at what nobody reads, takes `5.0` for a whole number and a comma behind the last element, and
    /// guesses at UTF-16 where it finds U+0000: ours may refuse all that.
    @discardableResult
    private static func compare<Value: Decodable & Equatable>(
        _ text: String, as type: Value.Type, _ seed: UInt64 = 0
    ) -> Bool {
        let data = Data(text.utf8)
        let ours = Outcome { try LedgerJSONReader.read(text, as: type) }
        let theirs = Outcome { try JSONDecoder().decode(type, from: data) }
        let bare = text.replacing(#/"(?:\\.|[^"\\])*"/#, with: "\"\"")
        let fraction = #/\d[.eE]/#
        let comment = Comment(rawValue: "SEED=\(seed) \(type) of \(text)")
        if text.contains("\0") || (try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)) == nil {
            // Neither reader looks at a number that nobody asks for.
            let isRefused = ours == .failed(.corrupted) || bare.contains(fraction) && ours.isFault
            #expect(isRefused || ours == theirs, comment)
        } else if bare.contains(#/,\s*[\]}]/#) {
            #expect(ours == theirs || ours == .failed(.corrupted), comment)
        } else if !bare.contains(fraction) || !ours.isFault {
            #expect(ours == theirs, comment)
        }
        if case .value = ours { return true }
        return false
    }

    @Test(
        "any text, good or spoilt, gives the value or the kind of error that Foundation gives",
        arguments: [1, 2, 259_434, UInt64.random(in: 3...999_999)])
    func anyText(seed: UInt64) {
        print("reading JSON: SEED=\(seed)")
        var random = RandomJSON(seed: seed)
        var (good, bad) = (0, 0)
        for _ in 0..<1_500 {
            let text = random.text(depth: 4)
            if Self.compare(text, as: Tree.self, seed) { good += 1 }
            if !Self.compare(random.spoilt(text), as: Tree.self, seed) { bad += 1 }
            Self.compare(text, as: Probe.self, seed)
            // Which of two faults a dictionary meets first is Foundation's dice.
            let ours = try? LedgerJSONReader.read(text, as: [String: Int8].self)
            #expect(ours == (try? JSONDecoder().decode([String: Int8].self, from: Data(text.utf8))), "\(text)")
            Self.compare(text, as: [Int?].self, seed)
        }
        #expect(good > 1_000)
        #expect(bad > 700)
    }

    @Test(
        "a value is found wherever a type may look for it, and its absence is told as Foundation tells it",
        arguments: [1, UInt64.random(in: 3...999_999)])
    func containers(seed: UInt64) throws {
        print("containers of JSON: SEED=\(seed)")
        let text = """
            {"nested": {"a": 1, "list": [2, null, {"a": 3}, [4, "5"], 6], "flag": true}, "super": {"a": 7, "a": 8},
             "other": {"list": []}, "n\\u0075mber": -9, "empty": null, "wide": 18446744073709551615}
            """
        #expect(Self.compare(text, as: Probe.self))
        var random = RandomJSON(seed: seed)
        for _ in 0..<3_000 { Self.compare(random.spoilt(text), as: Probe.self, seed) }
    }

    @Test("whole numbers of every width are read to the ends of their ranges, fractions never")
    func numbers() throws {
        for number in [
            "0", "-0", "7", "-1", "127", "128", "-128", "-129", "255", "256", "-32769", "65536", "2147483648",
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
            "18446744073709551615", "18446744073709551616", "170141183460469231731687303715884105727", "00", "01", "-",
            "+1", "1_000", "0x10", "1e", "1.", ".1", "--1", "NaN",
        ] {
            Self.compare(number, as: Int.self)
            Self.compare(number, as: Int8.self)
            Self.compare(number, as: Int16.self)
            Self.compare(number, as: Int32.self)
            Self.compare(number, as: Int64.self)
            Self.compare(number, as: UInt.self)
            Self.compare(number, as: UInt8.self)
            Self.compare("[\(number)]", as: [UInt16].self)
            Self.compare("[\(number)]", as: [UInt32].self)
            Self.compare("[\(number)]", as: [UInt64].self)
        }
        for number in ["5.0", "0.5", "1e2", "-1E+2", "1e-400"] {
            #expect(throws: DecodingError.self) { try LedgerJSONReader.read(number, as: Int64.self) }
            #expect(throws: DecodingError.self) { try LedgerJSONReader.read(number, as: Double.self) }
        }
    }

    @Test("a text that nests too deep is refused, as are empty ones and whatever follows the value")
    func bounds() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try LedgerJSONReader.read(nested(LedgerJSONScanner.depthMax), as: Tree.self)
        for text in [
            nested(LedgerJSONScanner.depthMax + 1), nested(1_000_000), "", " ", "1 2", "{}}", "[1],", "\u{FEFF}1",
        ] {
            #expect(throws: DecodingError.self) { try LedgerJSONReader.read(text, as: Tree.self) }
        }
    }

    @Test(
        "every type of the ledger comes back as Foundation reads it, good or spoilt",
        arguments: [1, UInt64.random(in: 3...999_999)])
    func ledgerTypes(seed: UInt64) throws {
        print("reading the ledger's types: SEED=\(seed)")
        var random = RandomJSON(seed: seed)
        var count = 0
        func check<Value: Codable & Equatable>(_ value: Value) throws {
            let text = try LedgerJSON.text(value)
            #expect(try LedgerJSONReader.read(random.spaced(text), as: Value.self) == value, "SEED=\(seed)")
            #expect(Self.compare(text, as: Value.self, seed))
            for _ in 0..<6 { Self.compare(random.spoilt(text), as: Value.self, seed) }
            count += 1
        }
        var generator = SplitMix(seed: seed)
        for number in 1...20 {
            for recorded in DecisionWalk.decisions(of: number, using: &generator) {
                try check(recorded.entries)
                let chain = recorded.chain
                for value in chain.transactions.values { try check(value) }
                for value in chain.evidence.values { try check(value) }
                for value in chain.claims.values { try check(value) }
                for value in chain.cases.values { try check(value) }
                for value in chain.grants.values { try check(value) }
                for value in chain.entitlements.values { try check(value) }
                for value in chain.checks.values { try check(value) }
                try check(chain.movements)
                try check(chain.identity)
            }
        }
        #expect(count > 300)
        try Self.rareValues.forEach(check)
    }

    /// Entries that the walk's decisions never make.
    private static var rareValues: [LedgerEntry] {
        let at = LedgerFixture.start
        let id = EvidenceID(sha256: String(repeating: "a", count: 64), source: .notification)
        var facts = RenewalFacts(
            originalTransactionID: OriginalTransactionID("2"), environment: .sandbox, signedDate: at)
        facts.autoRenewProductID = ProductID("gold")
        facts.gracePeriodExpiresDate = at + .days(3)
        let terms = Override.Terms(key: "pro \"äöü\"\n", effect: .withhold, environment: .production, until: at)
        return [
            .renewal(RenewalInfo(id: id, facts: facts, seenAt: at)),
            .staffOverride(
                Override(
                    id: OverrideID("override-1-1"), account: AccountNumber(1), terms: terms, since: at, reasonNumber: 4,
                    ending: Override.Ending(endedAt: at, reasonNumber: .max))),
            .accountErased(Erasure(account: AccountNumber(3), requestedAt: at, reasonNumber: 5)),
            .claimReleased(AccountNumber(.max)), .absorbed(by: ChainID(7)),
            .identified(.account(AccountNumber(9))), .checkRequested(TransactionID("1"), reasonNumber: 8),
        ]
    }
}

/// Any JSON without fractions.
private indirect enum Tree: Decodable, Equatable {
    case null
    case flag(Bool)
    case number(Int64)
    case large(UInt64)
    case text(String)
    case list([Tree])
    case object([String: Tree])

    init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? single.decode(Int64.self) {
            self = .number(value)
        } else if let value = try? single.decode(UInt64.self) {
            self = .large(value)
        } else if let value = try? single.decode(String.self) {
            self = .text(value)
        } else if (try? decoder.unkeyedContainer()) != nil {
            self = .list(try single.decode([Tree].self))
        } else {
            self = .object(try single.decode([String: Tree].self))
        }
    }
}

/// Reads in all the ways that a type may.
private struct Probe: Decodable, Equatable {
    private enum Key: String, CodingKey { case nested, a, list, flag, other, number, empty, wide, absent }

    var read: [String] = []

    init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Key.self)
        read.append(contentsOf: outer.allKeys.map(\.rawValue).sorted())
        let nested = try outer.nestedContainer(keyedBy: Key.self, forKey: .nested)
        var list = try nested.nestedUnkeyedContainer(forKey: .list)
        note(list.count, try list.decode(UInt8.self), try list.decodeNil(), try list.decodeNil(), list.currentIndex)
        note(try list.nestedContainer(keyedBy: Key.self).decode(Int.self, forKey: .a))
        var inner = try list.nestedUnkeyedContainer()
        note(try inner.decodeIfPresent(Int.self), try inner.decode(String.self), inner.isAtEnd)
        note(
            Outcome {
                _ = try inner.decode(String.self)
                return true
            },
            Outcome {
                _ = try inner.decodeNil()
                return true
            })
        note(try Int(from: list.superDecoder()), list.isAtEnd)
        note(try nested.decode(Bool.self, forKey: .flag), try nested.decode(Int64.self, forKey: .a))
        note(try outer.superDecoder().container(keyedBy: Key.self).decode(Int.self, forKey: .a))
        let other = try outer.superDecoder(forKey: .other).container(keyedBy: Key.self)
        note(try other.nestedUnkeyedContainer(forKey: .list).isAtEnd)
        note(try outer.superDecoder(forKey: .absent).singleValueContainer().decodeNil())
        note(try outer.decodeNil(forKey: .empty), try outer.decodeIfPresent(Tree.self, forKey: .empty))
        note(try outer.decodeIfPresent(String.self, forKey: .absent), outer.contains(.empty), outer.contains(.absent))
        note(try outer.decodeIfPresent(Int16.self, forKey: .number), try outer.decode(UInt64.self, forKey: .wide))
        note(
            Outcome {
                _ = try outer.decode(Int64.self, forKey: .wide)
                return true
            })
        note(
            Outcome {
                _ = try outer.decode(String.self, forKey: .number)
                return true
            })
        note(
            Outcome {
                _ = try outer.decode(Tree.self, forKey: .absent)
                return true
            })
        note(
            Outcome {
                _ = try outer.decodeNil(forKey: .absent)
                return true
            })
        note(
            Outcome {
                _ = try outer.decode(String.self, forKey: .empty)
                return true
            })
        note(
            Outcome {
                _ = try outer.nestedContainer(keyedBy: Key.self, forKey: .empty)
                return true
            })
        note(
            Outcome {
                _ = try outer.nestedUnkeyedContainer(forKey: .nested)
                return true
            })
    }

    private mutating func note(_ values: Any?...) { read.append(contentsOf: values.map { "\($0 ?? "nothing")" }) }
}

/// What reading comes to.
private enum Outcome<Value: Equatable>: Equatable {
    case value(Value)
    case failed(Fault)

    init(_ read: () throws -> Value) {
        do {
            self = .value(try read())
        } catch let error as DecodingError {
            self = .failed(Fault(error))
        } catch {
            // Within a type's own decoding, Foundation tells of numbers out of range in its own words.
            self = .failed(.corrupted)
        }
    }

    var isFault: Bool { if case .failed = self { true } else { false } }
}

/// The kinds of `DecodingError`.
private enum Fault {
    case corrupted, noKey, anotherType, noValue, unknown

    init(_ error: DecodingError) {
        switch error {
        case .dataCorrupted: self = .corrupted
        case .keyNotFound: self = .noKey
        case .typeMismatch: self = .anotherType
        case .valueNotFound: self = .noValue
        @unknown default: self = .unknown
        }
    }
}
