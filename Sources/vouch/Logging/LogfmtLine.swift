import Logging
import PurchaseCore

/// One log line while it is written, as bytes: nearly all that comes is plain text, which is copied as it is.
struct LogfmtLine {
    /// The most scalars of one value.
    static let valueScalarsMax = 4_096
    private static let keyScalarsMax = 64

    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(256) }

    /// The fields that every line has.
    mutating func begin(at instant: Instant, level: Logger.Level, label: String, message: String) {
        bytes.append(contentsOf: "time=".utf8)
        if RFC3339.range.contains(instant.millisecondsSince1970) {
            RFC3339.append(instant, to: &bytes)
        } else {
            bytes.append(contentsOf: UTCTime.text(instant).utf8)
        }
        bytes.append(contentsOf: " level=".utf8)
        bytes.append(contentsOf: level.rawValue.utf8)
        append("logger", label)
        append("msg", message)
    }

    /// Adds ` key=value`; the key is one of ``key(_:)``'s.
    mutating func append(_ key: String, _ value: String) {
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: key.utf8)
        bytes.append(UInt8(ascii: "="))
        if Self.isPlain(value) {
            bytes.append(contentsOf: value.utf8)
        } else {
            bytes.append(contentsOf: Printable.quote(value, scalarsMax: Self.valueScalarsMax).utf8)
        }
    }

    /// The whole line with its line break.
    var ended: String { String(decoding: bytes, as: UTF8.self) + "\n" }

    /// Whether a key is that of a field which every line has.
    static func isOwn(_ key: String) -> Bool {
        switch key {
        case "time", "level", "logger", "msg": true
        default: false
        }
    }

    /// A name that can stand before `=`: other characters become `_`, and what is too long is cut.
    static func key(_ name: String) -> String {
        let isFine =
            (1...keyScalarsMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
        guard !isFine else { return name }
        let safe = name.unicodeScalars.prefix(keyScalarsMax).map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": Character(scalar)
            default: "_"
            }
        }
        return safe.isEmpty ? "_" : String(safe)
    }

    /// Whether a value needs no quotes.
    private static func isPlain(_ text: String) -> Bool {
        (1...valueScalarsMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
                    && byte != UInt8(ascii: "\\")
            }
    }
}
