import PurchaseCore

extension VouchService {
    /// What bounds a caller's bare ids: none for `app`, which names genuine ones, and none for signed transactions.
    ///
    /// A miss is an id that Apple definitively does not know. It counts for the key, the account and the network, for as
    /// long as Apple does not know it, and at most an hour; `docs/authentication.md` says it to users.
    func posters(of submission: Submission, by caller: Caller) -> [UnprovenPoster] {
        guard case .transactionID = submission.subject, !caller.roles.contains(.app) else { return [] }
        var names: [(UnprovenPoster.Kind, String)] = [(.account, submission.account.rawValue)]
        if let key = caller.keyID { names.append((.key, String(key))) }
        if let network = caller.network { names.append((.network, network)) }
        return names.map { kind, name in
            UnprovenPoster(
                kind: kind, digest: dependencies.cryptography.pseudonym("unproven-post:\(kind.rawValue):\(name)"))
        }
    }

    /// Lets an unproven id in, or throws ``ServiceError/rateLimited(retryAfterSeconds:)``; nothing else is stored yet.
    func admit(_ id: TransactionID, of posters: [UnprovenPoster]) async throws(ServiceError) {
        guard !posters.isEmpty else { return }
        let now = dependencies.clock.now()
        let until = try await withLedger { () async throws(LedgerError) in
            try await ledger.noteUnprovenPost(of: id, by: posters, now: now)
        }
        guard let until else { return }
        dependencies.metrics.postHeldUp()
        throw .rateLimited(retryAfterSeconds: Int(((until - now).milliseconds + 999) / 1_000))
    }

    /// Gives the place back at once when Apple knows the id; a later answer gives it back by itself.
    func release(_ id: TransactionID, of posters: [UnprovenPoster], chain: Chain) async {
        guard !posters.isEmpty, chain.environment != nil else { return }
        // The row is harmless now: failing to take it away must not spoil the answer.
        try? await ledger.forgetUnprovenPost(of: id, by: posters)
    }
}
