import Crypto
import PurchaseCore

/// The text of a new key, the one time that it is known: `vouch_` and 32 random bytes in base64url (43 characters).
///
/// Prints, reflects and dumps as a placeholder; only ``reveal()`` gives the text.
package struct KeyText: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What every key begins with, so that scanners for leaked secrets can know one.
    package static let prefix = "vouch_"
    /// Random bytes in a key.
    package static let randomBytes = 32

    private let text: String

    /// Makes a key from a source of randomness, which must be cryptographically secure outside of tests.
    package init(using generator: inout some RandomNumberGenerator) {
        let bytes = (0..<Self.randomBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        text = Self.prefix + Base64.url(bytes)
    }

    /// The text to show once.
    package func reveal() -> String { text }

    /// What is stored in its place.
    package var sha256: [UInt8] { Self.sha256(of: text) }

    /// SHA-256 over the UTF-8 of a key's whole text, 32 bytes: how a key is found again.
    ///
    /// A plain digest is enough, since nobody can guess 256 random bits.
    package static func sha256(of text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// A placeholder.
    package var description: String { "KeyText(redacted)" }
    /// A placeholder.
    package var debugDescription: String { description }
    /// Nothing inside.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
