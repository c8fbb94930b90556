import Foundation
import PurchaseCore
import PurchaseService
import Testing

@testable import PurchaseAPI

@Suite("JSON at the edge")
struct EdgeJSONTests {
    @Test("values are read as they are")
    func values() throws {
        let text = #" { "a" : [ null, true, false, -0.5e+3, "x" ], "b" : { } , "é" : "\u00e9\ud83d\ude00\n\/" } "#
        guard case .object(let object) = try JSONReader.value(of: Array(text.utf8)) else {
            Issue.record("not an object")
            return
        }
        #expect(object["a"] == .array([.null, .bool(true), .bool(false), .number("-0.5e+3"), .string("x")]))
        #expect(object["b"] == .object(JSONObject()))
        #expect(object["é"] == .string("é😀\n/"))
        #expect(object.repeatedNames.isEmpty)
    }

    @Test(
        "what is not exactly JSON is refused",
        arguments: [
            "", " ", "{", "}", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,"a":1}"#, #"{"a":1 "b":2}"#, "[1,]",
            "[1 2]",
            "{'a':1}", "{a:1}", "nul", "nulll", "tru", "01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN", "Infinity",
            "1 1",
            "\"", "\"a", #""\x""#, #""\u12g4""#, #""\u123""#, "\"\n\"", "\"\t\"", "\u{FEFF}{}", "/* */ {}", "{} {}",
        ])
    func refused(text: String) {
        #expect(throws: JSONSyntaxError.self) { _ = try JSONReader.value(of: Array(text.utf8)) }
    }

    @Test("bytes that are not UTF-8, and half of a surrogate pair, are refused as text")
    func encoding() {
        let broken: [[UInt8]] = [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], Array(#""\ud800""#.utf8),
            Array(#""\udc00""#.utf8), Array(#""\ud800\u0041""#.utf8),
        ]
        for bytes in broken {
            let error = #expect(throws: JSONSyntaxError.self) { _ = try JSONReader.value(of: bytes) }
            #expect(error?.kind == .encoding)
        }
    }

    @Test("nesting is bounded, and the bound itself is allowed")
    func depth() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSONReader.value(of: nested(JSONReader.depthMax))
        let error = #expect(throws: JSONSyntaxError.self) {
            _ = try JSONReader.value(of: nested(JSONReader.depthMax + 1))
        }
        #expect(error?.kind == .depth)
        #expect(throws: JSONSyntaxError.self) { _ = try JSONReader.value(of: nested(1_000_000)) }
    }

    @Test("of a repeated name the first value stays, and the name is known as repeated")
    func repeated() throws {
        guard case .object(let object) = try JSONReader.value(of: Array(#"{"a":1,"\u0061":2,"b":3}"#.utf8)) else {
            Issue.record("not an object")
            return
        }
        #expect(object["a"] == .number("1"))
        #expect(object.repeatedNames == ["a"])
    }

    @Test("no bytes crash the reader, and what it accepts Foundation accepts")
    func fuzz() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = EdgeGenerator(state: seed)
        let pieces = [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "d83d", "de00", "0", "12", "-", ".", "e", "true", "null",
            " ", "\n", "\u{0}", "a", "é",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...12, using: &generator))
                .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard (try? JSONReader.value(of: Array(text.utf8))) != nil else { continue }
            let known = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
            #expect(known != nil, "seed \(seed): \(text.debugDescription)")
        }
    }

    @Test("what is written reads back as the same, whatever characters it holds")
    func writer() throws {
        let text = "\u{0}\u{1F}\u{7F}\"\\/\u{2028}é😀\n"
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("text", text)
            writer.member("none", String?.none)
            writer.member("number", Int64.min)
            writer.member("yes", true)
            writer.member("money", Money(milliunits: .max, currency: "VND"))
            writer.member("list", [1, 2]) { writer, item in writer.object { $0.member("item", item) } }
            writer.member("empty", [Int]()) { _, _ in }
        }
        let written = String(decoding: writer.bytes, as: UTF8.self)
        #expect(written.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        guard case .object(let object) = try JSONReader.value(of: writer.bytes) else {
            Issue.record("not an object")
            return
        }
        #expect(object["text"] == .string(text))
        #expect(object["none"] == .null)
        #expect(object["number"] == .number("-9223372036854775808"))
        #expect(object["yes"] == .bool(true))
        #expect(
            written.hasSuffix(
                #""money":{"milliunits":9223372036854775807,"currency":"VND"},"list":[{"item":1},{"item":2}],"empty":[]}"#
            ))
    }
}

@Suite("Instants at the edge")
struct EdgeInstantTests {
    static func text(_ milliseconds: Int64) -> String {
        var bytes: [UInt8] = []
        RFC3339.append(Instant(millisecondsSince1970: milliseconds), to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "known instants",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (1, "1970-01-01T00:00:00.001Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_697_679_936_049, "2023-10-19T01:45:36.049Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"), (-62_135_769_600_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (.min, "0001-01-01T00:00:00.000Z"), (.max, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func known(milliseconds: Int64, expected: String) {
        #expect(Self.text(milliseconds) == expected)
    }

    @Test("days around the ends of months from 1600 to 2500 agree with Foundation's Gregorian calendar")
    func agreesWithFoundation() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = EdgeGenerator(state: seed)
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        let start: Int64 = -135_140
        for day in start..<(start + 328_700) {
            let second = day * 86_400 + Int64.random(in: 0..<86_400, using: &generator)
            let millisecond = Int64.random(in: 0..<1_000, using: &generator)
            let text = Self.text(second * 1_000 + millisecond)
            // Foundation is slow: of most months the first day alone, of February also its end.
            guard text.dropFirst(8).hasPrefix("01") || text.dropFirst(5).hasPrefix("02-2") else { continue }
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second],
                from: Date(timeIntervalSince1970: TimeInterval(second)))
            let expected = String(
                format: "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0,
                parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0, Int(millisecond))
            #expect(text == expected, "seed \(seed)")
        }
    }
}

@Suite("Cursors and percent-encoding at the edge")
struct EdgeTextTests {
    @Test("a cursor reads back as it was, and no other list takes it")
    func cursors() {
        for id in ["production.purchased.1.grant.1", "a", String(repeating: "z", count: 120)] {
            for milliseconds in [0, -5, 1_795_000_000_123] as [Int64] {
                let cursor = GrantCursor(
                    createdAt: Instant(millisecondsSince1970: milliseconds), id: GrantID(id))
                let text = PageCursor.text(cursor)
                #expect(PageCursor.grants(text) == cursor)
                #expect(PageCursor.version(text) == nil)
                #expect(text.utf8.allSatisfy { Character(Unicode.Scalar($0)).isLetter || $0 < 0x3A || $0 == 0x5F })
            }
        }
        for version in [0, 1, Int64.max] {
            let text = PageCursor.text(afterVersion: version)
            #expect(PageCursor.version(text) == version)
            #expect(PageCursor.grants(text) == nil)
        }
    }

    @Test(
        "a cursor that we did not make is none",
        arguments: ["", "!", "Z", "ZZ", "Zzzzzzzz=", "g1.a", "e1", "ZS0x", "ZTk5OTk5OTk5OTk5OTk5OTk5OTk5", "Z///"])
    func forgedCursors(text: String) {
        #expect(PageCursor.grants(text) == nil)
        #expect(PageCursor.version(text) == nil)
    }

    @Test("percent-encoding is read strictly, and once")
    func percent() {
        #expect(PercentEncoding.decode("a%7Cb%7cc+d") == "a|b|c+d")
        #expect(PercentEncoding.decode("%2541") == "%41")
        #expect(PercentEncoding.decode("%C3%A9") == "é")
        for broken in ["%", "%4", "%4G", "%zz", "%FF", "%C3", "%ED%A0%80"] {
            #expect(PercentEncoding.decode(broken[...]) == nil, "\(broken)")
        }
    }
}

/// SplitMix64: a small generator whose whole state is the printed seed.
struct EdgeGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
