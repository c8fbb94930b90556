package import PurchaseCore

extension VouchService {
    /// See ``StaffUseCases/cases(_:of:after:limit:)``.
    package func cases(
        _ status: ClaimCase.Status, of account: AccountID?, after cursor: CaseCursor?, limit: Int
    ) async throws(ServiceError) -> (cases: [RecordedCase], next: CaseCursor?) {
        let cases = try await withLedger { () async throws(LedgerError) -> [RecordedCase] in
            guard let account else {
                return try await ledger.cases(status, of: nil, after: cursor, limit: limit + 1)
            }
            guard let number = try await ledger.findAccount(account) else { return [] }
            return try await ledger.cases(status, of: number, after: cursor, limit: limit + 1)
        }
        let page = Array(cases.prefix(limit))
        let last = cases.count > limit ? page.last?.dispute : nil
        return (page, last.map { CaseCursor(openedAt: $0.openedAt, id: $0.id) })
    }

    /// See ``StaffUseCases/claimCase(_:)``.
    package func claimCase(_ id: CaseID) async throws(ServiceError) -> RecordedCase {
        let found = try await withLedger { () async throws(LedgerError) in try await ledger.recordedCase(id) }
        guard let found else { throw .notFound }
        return found
    }

    /// See ``StaffUseCases/resolve(_:_:why:by:requestID:)``.
    package func resolve(
        _ id: CaseID, _ outcome: ClaimCase.Outcome, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RecordedCase {
        let found = try await withLedger { () async throws(LedgerError) in try await ledger.chain(disputedIn: id) }
        guard let found, let dispute = found.cases[id] else { throw .notFound }
        // A repeat leaves no second copy of the words behind.
        if dispute.resolution?.outcome != outcome {
            let receiver = outcome == .transferred ? dispute.account : dispute.resolution?.takenFrom
            try await withLedger { () async throws(LedgerError) in
                // What it got would be lost with it. The commit looks again.
                if let receiver, let erasure = try await ledger.erasure(of: receiver), erasure.finishedAt == nil {
                    throw LedgerError(.beingErased, "a dispute would be decided for an account that is being erased")
                }
                let reason = GivenReason(number: try await ledger.nextReasonNumber(), words: why)
                _ = try await decider.run(
                    known: found, cause: Decider.Cause(actor: caller.name, requestID: requestID, reason: reason),
                    load: { () async throws(LedgerError) in try await ledger.chain(disputedIn: id) ?? found },
                    input: { _ in .staffActed(.resolveCase(id, outcome), reasonNumber: reason.number) })
            }
        }
        return try await claimCase(id)
    }
}
