package import PurchaseCore

/// Which transaction a signed text is about, read without checking the signature.
///
/// For finding a stored text again, and for nothing else: whoever wrote the text chose the id.
package enum NamedTransaction {
    /// The transactionId, else the originalTransactionId; `nil` for a text that names neither, or can't be read.
    package static func id(in jws: String) -> TransactionID? {
        first(of: ["transactionId", "originalTransactionId"], in: jws)
    }

    /// The originalTransactionId; `nil` for a text that names none, or can't be read.
    package static func original(in jws: String) -> OriginalTransactionID? {
        first(of: ["originalTransactionId"], in: jws).map { OriginalTransactionID($0.rawValue) }
    }

    private static func first(of names: [String], in jws: String) -> TransactionID? {
        guard let payload = (try? CompactJWS(jws))?.payload,
            let claims = try? JSONParser.object(payload, limits: .payload)
        else { return nil }
        for name in names {
            if case .string(let text)? = claims[name], let id = TransactionID(validating: text) { return id }
        }
        return nil
    }
}
