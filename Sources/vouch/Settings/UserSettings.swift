import AppStoreClient
import UserTokens

/// The identity provider whose tokens make a caller a `user`.
struct UserSettings: Equatable, Sendable {
    /// Bytes that each of the two names may have.
    static let nameBytesMax = 1_024

    /// Where the provider's keys are.
    enum KeySource: Equatable, Sendable {
        /// A JSON Web Key Set on this machine.
        case file(path: String)
        /// Behind `https://`, or `http://` of a loopback host.
        case url(String)
    }

    /// `VOUCH_USER_ISSUER`.
    var issuer: String
    /// `VOUCH_USER_AUDIENCE`.
    var audience: String
    /// `VOUCH_USER_JWKS`.
    var keys: KeySource

    private static let names: [SettingName] = [.userIssuer, .userAudience, .userJWKS]

    /// Reads all three; `nil` when none is set, and after a fault.
    init?(reading reader: inout SettingsReader) {
        let texts = Self.names.map { reader.text($0) }
        guard texts.contains(where: { $0 != nil }) else { return nil }
        for (name, text) in zip(Self.names, texts) where text == nil {
            reader.fault(
                name, "not set, while others of the role user are",
                "set \(Self.names.map(\.rawValue).joined(separator: ", ")), or none of them")
        }
        let issuer = Self.name(.userIssuer, texts[0], &reader)
        let audience = Self.name(.userAudience, texts[1], &reader)
        let keys = texts[2].flatMap { Self.source($0, &reader) }
        guard let issuer, let audience, let keys else { return nil }
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
    }

    private static func name(_ name: SettingName, _ text: String?, _ reader: inout SettingsReader) -> String? {
        guard let text else { return nil }
        guard text.utf8.count <= nameBytesMax, text.unicodeScalars.allSatisfy(Printable.isPrintable) else {
            reader.fault(
                name, "not a line of at most \(nameBytesMax) bytes", "write it exactly as the tokens have it")
            return nil
        }
        return text
    }

    private static func source(_ text: String, _ reader: inout SettingsReader) -> KeySource? {
        if text.contains("://") {
            do throws(AppStoreBaseURLError) {
                return .url(try AppStoreBaseURL.checkDocument(text))
            } catch {
                // Not quoted: an address may hold a password, or a key in its query.
                let fix =
                    switch error {
                    case .notAURL: "use https://host[:port][/path][?query], without user and fragment"
                    case .plainHTTP: error.description
                    }
                reader.fault(.userJWKS, "not usable as a URL", fix)
                return nil
            }
        }
        // Read once, so that a slip shows at the start and not with the first user; read again whenever it is due.
        do throws(KeySetFault) {
            _ = try KeySet(json: try UserKeyReader.read(file: text))
        } catch {
            reader.fault(
                .userJWKS, "\(Printable.quote(text)) \(error.explanation)",
                "name a file with a JSON Web Key Set, or its https:// URL")
            return nil
        }
        return .file(path: text)
    }
}
