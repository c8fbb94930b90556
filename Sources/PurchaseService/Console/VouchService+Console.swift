import Logging
package import PurchaseCore

extension VouchService: ConsoleUseCases {
    /// See ``ConsoleUseCases/signIn(key:from:replacing:)``.
    package func signIn(
        key: String, from network: String?, replacing token: ConsoleToken?
    ) async throws(ServiceError) -> SignInResult {
        let (result, who) = try await attempt(key: key, from: network, replacing: token)
        dependencies.metrics.signInEnded(result)
        var metadata: Logger.Metadata = [LogKey.outcome.rawValue: "\(result.code)"]
        metadata[LogKey.actor.rawValue] = who.map { "\($0)" }
        dependencies.logger.info("console sign-in", metadata: metadata)
        return result
    }

    /// What came of it, and the name of the key that signed in.
    private func attempt(
        key: String, from network: String?, replacing token: ConsoleToken?
    ) async throws(ServiceError) -> (result: SignInResult, who: String?) {
        let now = dependencies.clock.now()
        let name = dependencies.cryptography.pseudonym("console-sign-in:\(network ?? "unknown")")
        // Noted before the key is looked at, and taken back on success: many at once pass no bound.
        let admission = try await withLedger { () async throws(LedgerError) in
            try await ledger.noteSignIn(from: name, now: now)
        }
        let attempt: Int64
        switch admission {
        case .heldUp(let until):
            return (.heldUp(retryAfterSeconds: max(1, Int(((until - now).milliseconds + 999) / 1_000))), nil)
        case .admitted(let number): attempt = number
        }
        // Not from the cache of keys: a revoked one begins no session.
        let digest = dependencies.cryptography.sha256(Array(key.utf8))
        let found = try await withLedger { () async throws(LedgerError) in try await ledger.key(sha256: digest) }
        guard let found else { return (.unknownKey, nil) }
        guard !found.roles.isDisjoint(with: ConsoleSession.roles) else { return (.wrongRole(found.roles), nil) }
        let fresh = ConsoleToken.fresh()
        let session = NewConsoleSession(
            tokenSHA256: dependencies.cryptography.sha256(fresh.bytes), keyID: found.id,
            csrfSecret: ConsoleToken.fresh().bytes)
        let replaced = token.map { dependencies.cryptography.sha256($0.bytes) }
        let isOpen = try await withLedger { () async throws(LedgerError) in
            try await ledger.openSession(session, attempt: attempt, replacing: replaced, now: now)
        }
        return isOpen ? (.signedIn(fresh, found.roles), found.name) : (.unknownKey, nil)
    }

    /// See ``ConsoleUseCases/session(of:takesNotice:)``.
    package func session(
        of token: ConsoleToken, takesNotice: Bool
    ) async throws(ServiceError) -> ConsoleSession? {
        let digest = dependencies.cryptography.sha256(token.bytes)
        let now = dependencies.clock.now()
        let stored = try await withLedger { () async throws(LedgerError) in
            try await ledger.session(ofToken: digest, takesNotice: takesNotice, now: now)
        }
        guard let stored else { return nil }
        return ConsoleSession(
            token: token, caller: Caller(name: stored.key.name, roles: stored.key.roles, keyID: stored.key.id),
            csrfSecret: stored.csrfSecret, notice: stored.notice)
    }

    /// See ``ConsoleUseCases/leaveNotice(_:in:)``.
    package func leaveNotice(_ code: String, in token: ConsoleToken) async throws(ServiceError) {
        let digest = dependencies.cryptography.sha256(token.bytes)
        try await withLedger { () async throws(LedgerError) in try await ledger.keepNotice(code, forToken: digest) }
    }

    /// See ``ConsoleUseCases/signOut(_:)``.
    package func signOut(_ token: ConsoleToken) async throws(ServiceError) {
        let digest = dependencies.cryptography.sha256(token.bytes)
        try await withLedger { () async throws(LedgerError) in try await ledger.endSession(ofToken: digest) }
    }

    /// See ``ConsoleUseCases/reasons(of:)``.
    package func reasons(of events: [RecordedEvent]) async throws(ServiceError) -> [Int64: String] {
        let numbers = Set(events.flatMap(\.entries).compactMap(\.reasonNumber))
        guard !numbers.isEmpty else { return [:] }
        return try await withLedger { () async throws(LedgerError) in
            try await ledger.reasons(numbered: numbers.sorted())
        }
    }
}

extension LedgerEntry {
    /// The number of the words that a person gave for it; `nil` where no person acted.
    package var reasonNumber: Int64? {
        switch self {
        case .checkRequested(_, let number): number
        case .claimCase(let dispute): dispute.resolution?.reasonNumber
        case .accountErased(let erasure): erasure.reasonNumber
        case .staffOverride(let override): override.ending?.reasonNumber ?? override.reasonNumber
        case .identified, .absorbed, .transaction, .evidence, .renewal, .claim, .claimReleased, .grant, .entitlement,
            .entitlementEnded, .movement:
            nil
        }
    }
}
