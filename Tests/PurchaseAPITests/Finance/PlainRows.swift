import Foundation
import PurchaseCore
import PurchaseService

/// The export's formats once more, as plainly as they can be said and without a thought of time: what the fast writer's
/// bytes are held to.
enum PlainRows {
    static func csv(_ record: PaidRecord) -> [UInt8] {
        let cells = values(of: record).map { value in
            switch value {
            case .none: ""
            case .plain(let text): text
            case .apples(let text): csvCell(text)
            }
        }
        return Array((cells.joined(separator: ",") + "\r\n").utf8)
    }

    static func ndjson(_ record: PaidRecord) -> [UInt8] {
        let members = zip(PaidRecordsFormat.columns, values(of: record)).map { name, value in
            let isNumber = ["quantity", "amountMilliunits", "offerType", "refundPercentage"].contains(name)
            return switch value {
            case .none: "\"\(name)\":null"
            case .plain(let text): isNumber ? "\"\(name)\":\(text)" : "\"\(name)\":\"\(text)\""
            case .apples(let text): "\"\(name)\":\"\(jsonText(text))\""
            }
        }
        return Array(("{" + members.joined(separator: ",") + "}\n").utf8)
    }

    private enum Value {
        case none
        /// Of our own making.
        case plain(String)
        case apples(String)

        static func apple(_ text: String?) -> Value { text.map { .apples($0) } ?? .none }
        static func number(_ number: Int64?) -> Value { number.map { .plain("\($0)") } ?? .none }
    }

    private static func values(of record: PaidRecord) -> [Value] {
        [
            .apples(record.rowID), .apples(record.kind.rawValue), .plain(instant(record.occurredAt)),
            .plain(instant(record.recordedAt)), .apples(record.environment.rawValue), .apple(record.bundleID),
            .apple(record.productID), .apple(record.type), .apples(record.transactionID),
            .apples(record.originalTransactionID), .apple(record.webOrderLineItemID), .number(record.quantity),
            .number(record.amountMilliunits), .apple(record.currency), amount(record), .apple(record.storefront),
            .number(record.offerType), .number(record.refundPercentage),
        ]
    }

    private static func csvCell(_ text: String) -> String {
        let start = text.unicodeScalars.drop { $0 == " " || $0 == "\u{A0}" }.first
        let isFormula = start.map { "=+-@\t\r\n'＝＋－＠".unicodeScalars.contains($0) } ?? false
        guard isFormula || text.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else {
            return text
        }
        return "\"" + (isFormula ? "'" : "") + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    private static func jsonText(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case "\u{0}"..<" ", "\u{7F}": "\\u" + String(format: "%04x", scalar.value)
            default: String(scalar)
            }
        }.joined()
    }

    private static func instant(_ instant: Instant) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        // Whole seconds, so that no fraction is lost in floating point.
        let (seconds, rest) = instant.millisecondsSince1970.quotientAndRemainder(dividingBy: 1_000)
        let date = Date(timeIntervalSince1970: Double(rest < 0 ? seconds - 1 : seconds))
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0,
            parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0, Int(rest < 0 ? rest + 1_000 : rest))
    }

    /// By decimal arithmetic, halves away from zero.
    private static func amount(_ record: PaidRecord) -> Value {
        guard let milliunits = record.amountMilliunits, let currency = record.currency,
            let exponent = ISO4217.exponent(of: currency)
        else { return .none }
        var exact = Decimal(milliunits.magnitude) / 1_000
        var rounded = Decimal()
        NSDecimalRound(&rounded, &exact, exponent, .plain)
        let parts = "\(rounded)".split(separator: ".")
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        let sign = milliunits < 0 && rounded != 0 ? "-" : ""
        let digits = exponent == 0 ? "" : "." + fraction + String(repeating: "0", count: exponent - fraction.count)
        return .plain(sign + parts[0] + digits)
    }
}
