/// How a fault changes what is signed.
struct AnswerAlteration: Sendable {
    enum Content: Sendable {
        case current
        case former(oldSignedDate: Bool)
        case otherTransaction(String?)
    }

    var content = Content.current
    var forgery: SimulatedForgery?
}

extension TransactionBook {
    /// The payload to be signed now, with its `signedDate`.
    mutating func issue(
        _ key: TransactionKey, content: AnswerAlteration.Content = .current, now: Int64
    ) -> SimulatorJSONObject {
        guard let transaction = transactions[key] else { return SimulatorJSONObject() }
        var payload = transaction.fields
        var fixedDate: Int64?
        switch content {
        case .current:
            break
        case .former(let oldSignedDate):
            if let former = transaction.earlier.last {
                payload = former.fields
                fixedDate = oldSignedDate ? former.signedDate : nil
            }
        case .otherTransaction(let id):
            if let other = id.flatMap({ try? find($0, in: key.environment) }) { return issue(other, now: now) }
            let invented = id ?? ids.transactionID(in: key.environment)
            payload["transactionId"] = .string(invented)
            payload["originalTransactionId"] = .string(invented)
        }
        switch transaction.signedDate {
        case .automatic: payload["signedDate"] = .integer(fixedDate ?? takeSignedDate(key, now: now))
        case .fixed(let date): payload["signedDate"] = date
        case .absent: break
        }
        return payload
    }
}
