import FoundationEssentials

/// The usable keys of a JSON Web Key Set (RFC 7517 §5), bounded in bytes and in number.
package struct KeySet: Sendable {
    /// Bytes that a set may have; the largest in use, with certificates in each key, have about 20 KB.
    package static let bytesMax = 128 * 1_024
    /// Keys that a set may have, usable or not.
    package static let keysMax = 64

    /// What came of looking for the key of a token.
    enum Selection {
        case key(VerificationKey)
        /// No key has the token's `kid`: a newer set may.
        case unknownID
        /// The `kid` is known, for other algorithms; or it is missing while there are several keys; or two keys share it.
        case none
    }

    private let keys: [VerificationKey]
    /// How many keys can be used; at least one.
    package var count: Int { keys.count }
    /// How many were left out, by why (the codes of `docs/authentication.md`).
    package let skipped: [String: Int]

    /// Reads a set; keys that can't be used are left out and counted, as RFC 7517 wants it.
    ///
    /// - Throws: ``KeySetFault/tooLarge``, ``KeySetFault/malformed``, ``KeySetFault/tooManyKeys``,
    ///   ``KeySetFault/noUsableKey``.
    package init(json: [UInt8]) throws(KeySetFault) {
        guard json.count <= Self.bytesMax else { throw .tooLarge }
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(json)) else { throw .malformed }
        guard document.keys.count <= Self.keysMax else { throw .tooManyKeys }
        var usable: [VerificationKey] = []
        var skipped: [String: Int] = [:]
        for element in document.keys {
            do throws(VerificationKey.Fault) {
                guard let key = element.key else { throw .malformed }
                usable.append(try VerificationKey(key))
            } catch {
                skipped[error.rawValue, default: 0] += 1
            }
        }
        guard !usable.isEmpty else { throw .noUsableKey }
        keys = usable
        self.skipped = skipped
    }

    /// The one key that a token's header points to.
    ///
    /// Never tries one key after the other: what a key is for is said by the set, not by the token.
    func select(id: String?, _ algorithm: SignatureAlgorithm) -> Selection {
        guard let id else {
            guard keys.count == 1, let only = keys.first, only.algorithms.contains(algorithm) else { return .none }
            return .key(only)
        }
        let named = keys.filter { $0.id == id }
        guard !named.isEmpty else { return .unknownID }
        let fitting = named.filter { $0.algorithms.contains(algorithm) }
        guard fitting.count == 1, let key = fitting.first else { return .none }
        return .key(key)
    }

    private struct Document: Decodable {
        var keys: [Element]
    }

    /// One element; one that can't be read must not take the others along.
    private struct Element: Decodable {
        var key: JSONWebKey?

        init(from decoder: any Decoder) throws { key = try? JSONWebKey(from: decoder) }
    }
}

/// Why there is no key set; the raw value is a stable code, for logs, metrics and `vouch doctor`.
package enum KeySetFault: String, Error, Hashable, Sendable, CaseIterable {
    /// No complete answer in time, or the file can't be read.
    case unreachable
    /// The host answered with another status than 200; redirects are not followed.
    case status
    /// More than ``KeySet/bytesMax``.
    case tooLarge = "too_large"
    /// Not a JSON Web Key Set.
    case malformed
    /// More than ``KeySet/keysMax``.
    case tooManyKeys = "too_many_keys"
    /// No key in it can be used.
    case noUsableKey = "no_usable_key"

    /// A sentence part for people.
    package var explanation: String {
        switch self {
        case .unreachable: "can't be read"
        case .status: "is not there: the host answers with an error or a redirect"
        case .tooLarge: "has more than \(KeySet.bytesMax) bytes"
        case .malformed: "is no JSON Web Key Set"
        case .tooManyKeys: "has more than \(KeySet.keysMax) keys"
        case .noUsableKey: "has no key that can be used"
        }
    }
}
