import Crypto
import FoundationEssentials
import JWTKit

/// The In-App Purchase key of App Store Connect (a `.p8` file): the P-256 private key that signs our bearer tokens.
///
/// Prints, reflects and dumps as a placeholder; the key's text is never kept.
package struct InAppPurchaseKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let signingKey: ES256PrivateKey

    /// Reads the PEM text of the file (PKCS#8, or SEC 1 as OpenSSL writes it).
    /// - Throws: ``InAppPurchaseKeyError``, whose description says what is wrong and never quotes the text.
    package init(pem: String) throws(InAppPurchaseKeyError) {
        // Editors on Windows add carriage returns; the PEM reader of swift-crypto wants bare newlines.
        let text = String(pem.map { $0 == "\r\n" ? "\n" : $0 })
        guard text.contains(where: { !$0.isWhitespace }) else { throw .empty }
        try Self.checkMarkers(text)
        do {
            let key = try P256.Signing.PrivateKey(pemRepresentation: text)
            signingKey = try ES256PrivateKey(backing: key)
        } catch {
            throw Self.diagnose(text)
        }
    }

    /// A placeholder.
    package var description: String { "InAppPurchaseKey(redacted)" }
    /// A placeholder.
    package var debugDescription: String { description }
    /// Nothing inside.
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Looks at the armour alone, where the usual accidents show: `docker -e` and CI variables lose newlines.
    private static func checkMarkers(_ text: String) throws(InAppPurchaseKeyError) {
        guard let begin = text.firstRange(of: "-----BEGIN ") else { throw .noPEMHeader }
        guard let labelEnd = text[begin.upperBound...].firstRange(of: "-----") else { throw .noPEMHeader }
        switch text[begin.upperBound..<labelEnd.lowerBound] {
        case "PRIVATE KEY", "EC PRIVATE KEY", "EC PARAMETERS": break
        case "ENCRYPTED PRIVATE KEY": throw .encrypted
        case "RSA PRIVATE KEY": throw .notP256("RSA")
        default: throw .notAPrivateKey
        }
        guard let end = text[labelEnd.upperBound...].firstRange(of: "-----END ") else { throw .cut }
        let armoured = text[labelEnd.upperBound..<end.lowerBound]
        guard armoured.contains(where: \.isNewline), !armoured.contains("\\n") else { throw .newlinesLost }
    }

    /// The text has the right armour and isn't a P-256 key: says which key it is, where that can be told.
    private static func diagnose(_ text: String) -> InAppPurchaseKeyError {
        if (try? P384.Signing.PrivateKey(pemRepresentation: text)) != nil { return .notP256("P-384") }
        if (try? P521.Signing.PrivateKey(pemRepresentation: text)) != nil { return .notP256("P-521") }
        let body = text.split(whereSeparator: \.isNewline).filter { !$0.contains("-----") }.joined()
        guard let der = Data(base64Encoded: body) else { return .damaged }
        // The object identifiers of rsaEncryption and Ed25519: enough to name the two kinds that people mix up.
        if der.firstRange(of: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]) != nil { return .notP256("RSA") }
        if der.firstRange(of: [0x06, 0x03, 0x2B, 0x65, 0x70]) != nil { return .notP256("Ed25519") }
        return .damaged
    }
}

/// Why a file isn't an In-App Purchase key; each description is a sentence that says what to do.
package enum InAppPurchaseKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nothing but white space.
    case empty
    /// No `-----BEGIN …-----` line: the armour was stripped, or this is another file.
    case noPEMHeader
    /// A begin line without an end line.
    case cut
    /// The armour and its content stand on one line, or newlines became the two characters `\n`.
    case newlinesLost
    /// A passphrase-protected key.
    case encrypted
    /// A certificate, a public key, or something else.
    case notAPrivateKey
    /// A private key of another kind, named if it could be told.
    case notP256(String)
    /// The armour is right, the content is not.
    case damaged

    /// What is wrong and what to do; quotes nothing of the file.
    package var description: String {
        switch self {
        case .empty:
            "the key file is empty; use the .p8 file that App Store Connect let you download once"
        case .noPEMHeader:
            "no -----BEGIN PRIVATE KEY----- line; use the .p8 file unchanged, with its first and last line"
        case .cut:
            "the -----END PRIVATE KEY----- line is missing; the file was cut, copy it again as a whole"
        case .newlinesLost:
            "the newlines of the key were lost; keep it in a file, not in an environment variable on one line"
        case .encrypted:
            "the key is encrypted with a passphrase; use the .p8 file as App Store Connect gave it"
        case .notAPrivateKey:
            "this is not a private key but a certificate, a public key or something else; use the .p8 file"
        case .notP256(let kind):
            "this is a \(kind) key; App Store Connect's In-App Purchase keys are P-256"
        case .damaged:
            "the key's content is damaged; copy the .p8 file again, byte for byte"
        }
    }
}
