import Foundation
import PurchaseCore

/// What stands in a pattern for what differs from chain to chain: recognisable in any row, also inside JSON.
enum Placeholder {
    /// When a story begins.
    static let beginning = Instant(millisecondsSince1970: 1_600_000_000_000)
    /// Times of a story lie in this range of milliseconds since 1970.
    private static let times = 1_590_000_000_000...1_700_000_000_000 as ClosedRange<Int64>
    /// The last part of a product's id.
    static let variant = "vv77"
    /// Milliunits.
    static let price: Int64 = 7_654_321
    static let currency = "XTS"
    static let storefront = "ZZZ"
    static let token = "70707070-7070-4070-8070-707070707070"
    static let header = "HEADER"
    static let signature = "SIGNATURE"

    /// The ids of one story, which are those of no other one.
    struct Marks: Sendable {
        /// The story's number in three digits.
        private let number: String

        init(story: Int) { number = digits(story, 3) }

        var account: AccountNumber { AccountNumber(Int64("7770\(number)") ?? 0) }
        var original: OriginalTransactionID { OriginalTransactionID(transaction(0).rawValue) }
        func transaction(_ period: Int) -> TransactionID { TransactionID("90000000\(number)000\(digits(period, 2))") }
        func webOrderLineItem(_ period: Int) -> WebOrderLineItemID {
            WebOrderLineItemID("80000000\(number)000\(digits(period, 2))")
        }
        /// The `index`-th signed text of the story; 64 hexadecimal digits.
        func digest(_ index: Int) -> String {
            "5e" + String(repeating: "0", count: 54) + "\(number)000\(digits(index, 2))"
        }
        func uuid(_ index: Int) -> String { "00000000-0000-4000-8000-0\(number)000000\(digits(index, 2))" }
    }

    /// A number with leading zeros.
    static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// The bytes of hexadecimal digits.
    static func bytes(ofHex hex: String) -> [UInt8] {
        let nibbles = hex.compactMap(\.hexDigitValue).map(UInt8.init)
        return stride(from: 0, to: nibbles.count - 1, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
    }

    /// A text with placeholders as an SQL expression over a row of ``FillScript``'s batch; `nil` when it has none.
    static func expression(for text: String) -> String? {
        var format = ""
        var arguments: [String] = []
        var rest = text[...]
        while let match = rest.firstMatch(of: pattern) {
            format += literal(rest[..<match.range.lowerBound])
            if let argument = argument(for: String(match.output)) {
                let place = arguments.firstIndex(of: argument) ?? arguments.count
                if place == arguments.count { arguments.append(argument) }
                format += "%\(place + 1)$s"
            } else {
                format += literal(rest[match.range])
            }
            rest = rest[match.range.upperBound...]
        }
        guard !arguments.isEmpty else { return nil }
        format += literal(rest)
        return "format('\(format)', \(arguments.joined(separator: ", ")))"
    }

    private static func literal(_ text: Substring) -> String {
        String(text.replacing("'", with: "''").replacing("%", with: "%%"))
    }

    /// Everything that may be one; what only looks like a time is left as it is.
    // SAFETY: immutable, and a regular expression keeps no state between matches.
    nonisolated(unsafe) private static let pattern =
        #/
        90000000\d{3}000\d{2}|80000000\d{3}000\d{2}|5e0{54}\d{3}000\d{2}|00000000-0000-4000-8000-0\d{3}0{6}\d{2}
        |\b7770\d{3}\b|70707070-7070-4070-8070-707070707070|vv77|\b7654321\b|XTS|ZZZ
        |HEADER\.[A-Za-z0-9_\-]+\.SIGNATURE|[A-Za-z0-9_\-]{40,}\.SIGNATURE|\b1\d{12}\b
        /#

    private static func argument(for text: String) -> String? {
        let place = Int(text.suffix(2)) ?? 0
        switch true {
        case text.hasPrefix("90000000"): return "b.first + \(place)"
        case text.hasPrefix("80000000"): return "b.first + 3000000000000000 + \(place)"
        case text.hasPrefix("5e000"): return "encode(\(digest(place)), 'hex')"
        case text.hasPrefix("00000000-"): return "md5(int8send(b.first * 100 + \(place)))::uuid"
        case text.hasPrefix("7770"): return "b.account"
        case text.hasPrefix("70707070-"): return "b.token"
        case text == variant: return "b.variant"
        case text == String(price): return "b.price"
        case text == currency: return "b.currency"
        case text == storefront: return "b.storefront"
        case text.hasPrefix("\(header)."):
            return "h.header || '.' || " + signed(String(text.dropFirst(header.count + 1)))
        case text.hasSuffix(".\(signature)"): return signed(text)
        default:
            guard let time = Int64(text), times.contains(time) else { return nil }
            return "b.t0 + \(time - beginning.millisecondsSince1970)"
        }
    }

    /// The digest of a signed text, as bytes: unique, and not really one, since nobody signed the text either.
    static func digest(_ index: Int) -> String { "sha256(int8send(b.first * 100 + \(index)))" }

    /// Payload and signature of a JWS whose payload has placeholders of its own.
    private static func signed(_ text: String) -> String {
        var encoded = text.split(separator: ".").first.map(String.init) ?? ""
        encoded = encoded.replacing("-", with: "+").replacing("_", with: "/")
        encoded += String(repeating: "=", count: (4 - encoded.utf8.count % 4) % 4)
        let payload = Data(base64Encoded: encoded).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let inner = expression(for: payload) ?? "'\(literal(payload[...]))'"
        return base64URL("convert_to(\(inner), 'UTF8')") + " || '.' || "
            + base64URL("sha512(int8send(b.first * 100 + b.scene))")
    }

    private static func base64URL(_ bytes: String) -> String {
        "translate(encode(\(bytes), 'base64'), E'+/=\\n', '-_')"
    }
}
