import Logging
import PurchaseCore
import Synchronization
import Testing

@testable import vouch

@Suite("Log lines")
struct SettingsLoggingTests {
    /// Lines that were written.
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    let lines = Lines()

    private func logger(level: Logger.Level = .info, provider: Logger.MetadataProvider? = nil) -> Logger {
        Logger(label: "vouch") { [lines] label in
            LogfmtHandler(
                label: label, level: level, metadataProvider: provider,
                clock: { Instant(millisecondsSince1970: 1_763_848_800_123) }, write: { lines.append($0) })
        }
    }

    @Test("a line has time, level, logger, message and metadata sorted by key")
    func form() {
        logger().notice(
            "recheck done", metadata: ["count": "3", "a.b": "x y", "list": ["1", "2"], "nested": ["k": "v"]])
        #expect(
            lines.all == [
                "time=2025-11-22T22:00:00.123Z level=notice logger=vouch msg=\"recheck done\" "
                    + "a.b=\"x y\" count=3 list=\"[\\\"1\\\", \\\"2\\\"]\" nested.k=v\n"
            ])
    }

    @Test(
        "nobody can forge a line or a field",
        arguments: [
            "a\nlevel=error msg=forged", "a\r\nb", "a\u{2028}b\u{2029}c", "a\u{85}b", "\u{1B}[2J", "\u{202E}txt",
            "a\" msg=\"b",
            "x=1 y=2", "\\\" z=\"", "\u{0}", "",
        ])
    func forgery(text: String) {
        logger().info("\(text)", metadata: ["value": "\(text)", "k\(text)": "1"])
        #expect(lines.all.count == 1)
        let line = lines.all[0]
        #expect(line.hasSuffix("\n"))
        #expect(line.dropLast().unicodeScalars.allSatisfy { Printable.isPrintable($0) })
        let fields = Self.parse(String(line.dropLast()))
        #expect(fields.map(\.key).prefix(4) == ["time", "level", "logger", "msg"])
        #expect(fields.count == 6)
        #expect(fields.first { $0.key == "value" } != nil)
        #expect(fields.first { $0.key == "level" }?.value == "info")
    }

    @Test("metadata can't take the place of a field of the line")
    func reservedKeys() {
        logger().info("m", metadata: ["level": "critical", "msg": "other", "error": "kept"])
        #expect(lines.all[0].hasSuffix("msg=m error=kept metadata.level=critical metadata.msg=other\n"))
    }

    @Test("huge values and many values are cut")
    func bounds() {
        logger().info("m", metadata: ["v": "\(String(repeating: "x", count: 1_000_000))"])
        #expect(lines.all[0].utf8.count < LogfmtHandler.valueScalarsMax + 200)
        var many = Logger.Metadata()
        for number in 0..<1_000 { many["k\(number)"] = "v" }
        logger().info("m", metadata: many)
        #expect(Self.parse(String(lines.all[1].dropLast())).count == LogfmtHandler.valuesMax + 4)
    }

    @Test("levels, the logger's own metadata and the provider's count, the call's wins")
    func sources() {
        var logger = logger(level: .warning, provider: Logger.MetadataProvider { ["a": "provider", "b": "provider"] })
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("hidden")
        logger.warning("shown", metadata: ["b": "call"])
        #expect(lines.all.count == 1)
        #expect(lines.all[0].hasSuffix("msg=shown a=provider b=call c=logger\n"))
    }

    @Test("instants are RFC 3339 in UTC with milliseconds")
    func instants() {
        #expect(UTCTime.text(Instant(millisecondsSince1970: 0)) == "1970-01-01T00:00:00.000Z")
        #expect(UTCTime.text(Instant(millisecondsSince1970: -1)) == "1969-12-31T23:59:59.999Z")
        #expect(UTCTime.text(Instant(millisecondsSince1970: 951_782_400_007)) == "2000-02-29T00:00:00.007Z")
        #expect(UTCTime.text(Instant(millisecondsSince1970: 253_402_300_799_999)) == "9999-12-31T23:59:59.999Z")
        #expect(UTCTime.text(Instant(millisecondsSince1970: .max)) == String(Int64.max))
    }

    /// Reads a line as a log collector does.
    private static func parse(_ line: String) -> [(key: String, value: String)] {
        var fields: [(key: String, value: String)] = []
        var rest = Substring(line)
        while !rest.isEmpty {
            let key = rest.prefix { $0 != "=" }
            rest = rest.dropFirst(key.count + 1)
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    value.append(character)
                    if character == "\\", let escaped = rest.popFirst() { value.append(escaped) }
                }
            } else {
                value = String(rest.prefix { $0 != " " })
                rest = rest.dropFirst(value.count)
            }
            fields.append((String(key), value))
            rest = rest.dropFirst()
        }
        return fields
    }
}
