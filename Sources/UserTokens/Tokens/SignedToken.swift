import FoundationEssentials
import PurchaseCore
import PurchaseService

/// A JWT in compact form (RFC 7519, RFC 7515 §3.1), taken apart; nothing of it is believed yet.
struct SignedToken: Sendable {
    /// Bytes that a token may have; more than any that is meant seriously.
    static let bytesMax = 8_192

    /// The algorithm that the header names, of the fixed list.
    let algorithm: SignatureAlgorithm
    /// The header's `kid`.
    let keyID: String?
    /// Both first segments and the dot between them, as they came.
    let signingInput: [UInt8]
    /// The decoded third segment.
    let signature: [UInt8]
    private let payload: [UInt8]

    /// Takes a token apart; throws `malformed` and `algorithmNotAllowed`.
    init(_ text: String) throws(UserTokenRefusal) {
        guard text.utf8.count <= Self.bytesMax else { throw .malformed }
        let segments = text.split(separator: ".", omittingEmptySubsequences: false)
        guard segments.count == 3, let header = Base64.decode(url: segments[0]),
            let payload = Base64.decode(url: segments[1]), let signature = Base64.decode(url: segments[2]),
            let fields = try? JSONDecoder().decode(Header.self, from: Data(header))
        else { throw .malformed }
        guard let algorithm = SignatureAlgorithm(rawValue: fields.algorithm) else { throw .algorithmNotAllowed }
        // RFC 7515 §4.1.11: a critical member that isn't understood makes the JWS invalid. None is understood.
        guard fields.isCritical == false, fields.isForCallers else { throw .malformed }
        self.algorithm = algorithm
        self.keyID = fields.keyID
        self.payload = payload
        self.signature = signature
        self.signingInput = Array(text.utf8.prefix(segments[0].utf8.count + 1 + segments[1].utf8.count))
    }

    /// The claims; to be read only after the signature has been checked.
    func claims() throws(UserTokenRefusal) -> Claims {
        guard let claims = try? JSONDecoder().decode(Claims.self, from: Data(payload)) else { throw .malformed }
        return claims
    }

    private struct Header: Decodable {
        var algorithm: String
        var keyID: String?
        var type: String?
        var isCritical: Bool

        /// Whether its kind is one that callers show: a logout token (`logout+jwt`), say, has the same issuer, audience
        /// and subject, and must not open anything (RFC 8725 §3.11).
        var isForCallers: Bool {
            guard var type = type?.lowercased() else { return true }
            if type.hasPrefix("application/") { type.removeFirst("application/".count) }
            return type == "jwt" || type == "at+jwt"
        }

        private enum CodingKeys: String, CodingKey {
            case algorithm = "alg"
            case keyID = "kid"
            case type = "typ"
            case critical = "crit"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            algorithm = try container.decode(String.self, forKey: .algorithm)
            keyID = try container.decodeIfPresent(String.self, forKey: .keyID)
            type = try container.decodeIfPresent(String.self, forKey: .type)
            isCritical = container.contains(.critical)
        }
    }

    /// The registered claims that count (RFC 7519 §4.1); instants in seconds since 1970, possibly with a fraction.
    struct Claims: Decodable {
        var issuer: String?
        var audience: Audience?
        var subject: String?
        var expiresAt: Double?
        var notBefore: Double?
        var issuedAt: Double?

        private enum CodingKeys: String, CodingKey {
            case issuer = "iss"
            case audience = "aud"
            case subject = "sub"
            case expiresAt = "exp"
            case notBefore = "nbf"
            case issuedAt = "iat"
        }
    }

    /// One audience, or a list of them.
    struct Audience: Decodable {
        var names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let name = try? container.decode(String.self) {
                names = [name]
            } else {
                names = try container.decode([String].self)
            }
        }
    }
}
