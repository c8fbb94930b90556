package import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// See ``StaffActionsPort/staffActions(by:of:before:limit:)``.
    package func staffActions(
        by who: String?, of account: AccountNumber?, before position: Int64?, limit: Int
    ) async throws(LedgerError) -> [RecordedStaffAction] {
        var acts: [StaffAct] = []
        let statement = Self.staffActionsStatement(by: who, of: account, before: position, limit: limit)
        for row in try await run(statement) { acts.append(try staffAct(row)) }
        let words = try await words(of: acts.map(\.reason))
        let names = try await names(of: acts.compactMap(\.account))
        return acts.map { act in
            var action = act.action
            action.why = words[act.reason]
            action.accountID = act.account.flatMap { names[$0] }
            return action
        }
    }

    /// One page, by an index of people's actions alone, whatever the size of the ledger.
    package static func staffActionsStatement(
        by who: String?, of account: AccountNumber?, before position: Int64?, limit: Int
    ) -> SQL {
        // The indexes' own condition, word for word.
        var condition: SQL = """
            v.input = 'staff_action' AND v.rule <> 'claim_released' AND v.position < \(position ?? .max)
            """
        if let who { condition = "\(fragment: condition) AND v.actor = \(who)" }
        if let account {
            // Also what was done about a transaction before its chain was known.
            condition = """
                \(fragment: condition) AND v.chain_id IN (
                    WITH own AS (
                        SELECT l.chain_id FROM claims l WHERE l.account_number = \(account.rawValue)
                        UNION SELECT c.chain_id FROM chains c WHERE c.account_number = \(account.rawValue))
                    SELECT chain_id FROM own
                    UNION SELECT c.chain_id FROM chains c JOIN own ON c.absorbed_by = own.chain_id)
                """
        }
        return """
            SELECT v.position, v.recorded_at, v.actor, v.rule, v.entries FROM events v
            WHERE \(fragment: condition) ORDER BY v.position DESC LIMIT \(Int64(limit))
            """
    }

    /// An action, with the numbers of its reason and its account.
    private struct StaffAct {
        var action: RecordedStaffAction
        var reason: Int64
        var account: AccountNumber?
    }

    private func staffAct(_ row: PostgresRow) throws(LedgerError) -> StaffAct {
        let at: PostgresTimestamp = try decode(row, "recorded_at")
        let entries: [LedgerEntry] = try LedgerJSON.value(try decode(row, "entries", as: String.self))
        guard let what = entries.staffActs.first else {
            throw LedgerError(.unreadable, "an event of staff tells of no action")
        }
        var act = StaffAct(
            action: RecordedStaffAction(
                position: try decode(row, "position"), at: at.instant, who: try decode(row, "actor"), what: .recheck),
            reason: 0)
        switch what {
        case .check(let id, let reason):
            act.action.transactionID = id
            act.reason = reason
        case .resolution(let dispute, let resolution):
            act.action.what = .caseResolved(resolution.outcome)
            act.action.caseID = dispute.id
            (act.reason, act.account) = (resolution.reasonNumber, dispute.account)
        case .erasure(let erasure):
            act.action.what = .accountErased
            (act.reason, act.account) = (erasure.reasonNumber, erasure.account)
        case .override(let override):
            let effect = override.terms.effect
            act.action.what = override.ending == nil ? .overrideCreated(effect) : .overrideEnded(effect)
            (act.action.overrideID, act.action.entitlementKey) = (override.id, override.terms.key)
            (act.reason, act.account) = (override.ending?.reasonNumber ?? override.reasonNumber, override.account)
        }
        return act
    }

    private func words(of reasons: [Int64]) async throws(LedgerError) -> [Int64: String] {
        guard !reasons.isEmpty else { return [:] }
        var words: [Int64: String] = [:]
        for row in try await run("SELECT reason_number, words FROM reasons WHERE reason_number = ANY(\(reasons))") {
            words[try decode(row, "reason_number")] = try decode(row, "words", as: String?.self)
        }
        return words
    }

    private func names(of accounts: [AccountNumber]) async throws(LedgerError) -> [AccountNumber: AccountID] {
        guard !accounts.isEmpty else { return [:] }
        let numbers = accounts.map(\.rawValue)
        var names: [AccountNumber: AccountID] = [:]
        for row in try await run(
            "SELECT account_number, account_id FROM accounts WHERE account_number = ANY(\(numbers)) AND account_id IS NOT NULL"
        ) { names[AccountNumber(try decode(row, "account_number"))] = AccountID(try decode(row, "account_id")) }
        return names
    }
}

/// What one entry tells of a person's action.
private enum StaffEntry {
    case check(TransactionID, reason: Int64)
    case resolution(ClaimCase, ClaimCase.Resolution)
    case override(Override)
    case erasure(Erasure)
}

extension [LedgerEntry] {
    /// What people did according to an event's entries; what the action is about comes first.
    fileprivate var staffActs: [StaffEntry] {
        let all = compactMap { entry -> StaffEntry? in
            switch entry {
            case .checkRequested(let id, let reason): .check(id, reason: reason)
            case .claimCase(let dispute): dispute.resolution.map { .resolution(dispute, $0) }
            case .staffOverride(let override): .override(override)
            case .accountErased(let erasure): .erasure(erasure)
            case .identified, .absorbed, .transaction, .evidence, .renewal, .claim, .grant, .entitlement,
                .entitlementEnded, .movement, .claimReleased:
                nil
            }
        }
        // Whoever loses a purchase by a transfer has a case of its own closed beside it; erasing an account ends its overrides.
        let subject = all.first { act in
            switch act {
            case .resolution(_, let resolution): resolution.outcome == .transferred
            case .erasure: true
            case .check, .override: false
            }
        }
        return (subject.map { [$0] } ?? []) + all
    }
}
