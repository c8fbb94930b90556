import Crypto
import PurchaseCore
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
        text = Base64.url(secret)
    }

    /// The token of the sign-in form, which goes with the browser's cookie.
    init(signIn token: ConsoleToken) {
        self.init(secret: Array(SHA256.hash(data: Array("vouch-console-sign-in".utf8) + token.bytes)))
    }

    /// Whether a form shows it; compares without leaving early, so that time tells nothing.
    func isShown(by text: String?) -> Bool {
        guard let shown = text.flatMap({ Base64.decode(url: $0) }), shown.count == bytes.count else { return false }
        return zip(shown, bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
