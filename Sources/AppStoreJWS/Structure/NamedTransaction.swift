package import PurchaseCore

/// Which transaction a signed text is about, read without checking the signature.
///
/// For finding a stored text again, and for nothing else: whoever wrote the text chose the id.
package struct NamedTransaction: Hashable, Sendable {
    /// The transactionId, else the originalTransactionId; `nil` for a text that names neither.
    package let id: TransactionID?
    /// The originalTransactionId; `nil` for a text that names none.
    package let original: OriginalTransactionID?

    /// Reads a compact JWS; of one that can't be read, both are `nil`.
    package init(in jws: String) {
        let payload = (try? CompactJWS(jws))?.payload
        let claims = payload.flatMap { try? JSONParser.object($0, limits: .payload) }
        let original = claims.flatMap { Self.id($0, "originalTransactionId") }
        self.id = claims.flatMap { Self.id($0, "transactionId") } ?? original
        self.original = original.map { OriginalTransactionID($0.rawValue) }
    }

    private static func id(_ claims: JSONObject, _ name: String) -> TransactionID? {
        guard case .string(let text)? = claims[name] else { return nil }
        return TransactionID(validating: text)
    }
}
