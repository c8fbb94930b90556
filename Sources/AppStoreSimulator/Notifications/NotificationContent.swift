/// What a notification says, apart from its signatures.
///
/// Signing is the expensive part and is done once, when somebody wants the text; the payloads are kept and joined
/// with the signatures again and again, since the text is ten times as large.
struct NotificationContent: Sendable {
    /// A payload that is signed by itself and travels inside.
    struct Inner: Sendable {
        /// `signedTransactionInfo`, `signedRenewalInfo` or `signedAppTransactionInfo`.
        let name: String
        var payload: SimulatorJSONObject
    }

    static let transactionName = "signedTransactionInfo"
    static let renewalName = "signedRenewalInfo"

    /// Type, subtype, UUID, version and date, with a place for the member.
    var envelope: SimulatorJSONObject
    /// `data`, `summary`, `externalPurchaseToken` or `appData`.
    let memberName: String
    /// The member, without what is signed by itself.
    var member: SimulatorJSONObject
    var inner: [Inner]
    /// What the transaction's payload was before its last change.
    var formerTransaction: SimulatedTransaction.Version?

    /// The text of the whole, with each payload signed by `jws`, the inner ones first.
    func text<Failure: Error>(
        _ jws: (_ index: Int, _ name: String?, _ payload: SimulatorJSONObject) throws(Failure) -> String
    ) throws(Failure) -> String {
        var (envelope, member) = (envelope, member)
        for (index, inner) in inner.enumerated() {
            member[inner.name] = .string(try jws(index, inner.name, inner.payload))
        }
        envelope[memberName] = .object(member)
        return try jws(inner.count, nil, envelope)
    }

    /// Signs everything with a chain; the signatures, the inner ones first.
    func signatures(with chain: SimulatedSigningChain) throws(SimulatorError) -> [String] {
        var signatures: [String] = []
        _ = try text { (_, _, payload) throws(SimulatorError) in
            let jws = try TransactionSigner.sign(payload, with: chain)
            signatures.append(String(jws[jws.index(after: jws.lastIndex(of: ".") ?? jws.startIndex)...]))
            return jws
        }
        return signatures
    }

    /// The text under signatures that were made before.
    func text(with chain: SimulatedSigningChain, signatures: [String]) -> String {
        text { index, _, payload in
            chain.headerSegment + "." + Base64.url(payload.bytes) + "." + signatures[index]
        }
    }
}
