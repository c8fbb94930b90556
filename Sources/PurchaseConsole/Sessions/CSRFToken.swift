import Crypto
import PurchaseService

/// What a form of ours carries and nobody else can know.
struct CSRFToken: Sendable {
    /// The name of the field.
    static let field = "csrf"

    /// The field's value.
    let text: String
    private let bytes: [UInt8]

    /// The token of a session's forms.
    init(secret: [UInt8]) {
        bytes = secret
        text = Base64URLText.text(secret)
    }

    /// The token of the sign-in form, which goes with the browser's cookie.
    init(signIn token: ConsoleToken) {
        self.init(secret: Array(SHA256.hash(data: Array("vouch-console-sign-in".utf8) + token.bytes)))
    }

    /// Whether a form shows it; compares without leaving early, so that time tells nothing.
    func isShown(by text: String?) -> Bool {
        guard let shown = text.flatMap(Base64URLText.bytes), shown.count == bytes.count else { return false }
        return zip(shown, bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Base64url without padding (RFC 4648, section 5), for tokens.
enum Base64URLText {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let bytesMax = 64

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for position in 0...group.count {
                text.append(alphabet[Int(bits >> UInt32(18 - 6 * position) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for other characters, and for more than a token has.
    static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= bytesMax * 4 / 3 + 2 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in text.utf8 {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
                bits &= (1 << UInt32(count)) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }
}
