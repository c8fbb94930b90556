extension TransactionBook {
    /// Takes a purchase back; the keys whose payload changed, the named one first.
    mutating func refund(
        _ key: TransactionKey, _ refund: SimulatedRefund, now: Int64
    ) throws(SimulatorError) -> [TransactionKey] {
        let isChange = try transaction(key).isRevoked
        if let percentage = refund.percentage, !(0...100_000).contains(percentage) {
            throw .invalid("revocationPercentage must be from 0 to 100000")
        }
        let date = refund.date ?? now
        let percentage: Int64? =
            switch refund.kind {
            case .full: refund.percentage ?? 100_000
            case .prorated: refund.percentage ?? 50_000
            case .familyRevoke: refund.percentage
            }
        if let percentage, refund.kind != .familyRevoke {
            noteRefund(key, percentage: percentage, at: date, isChange: isChange)
        }
        let copies = refund.reachesCopies ? copies(of: key) : [key]
        for key in copies {
            revoke(key, kind: refund.kind, percentage: percentage, reason: refund.reason, date: date, now: now)
        }
        if transactions[key]?.type == .autoRenewable {
            // A member who lost access follows no longer; a refunded subscription isn't renewed.
            if refund.kind == .familyRevoke { unlinkFamilyCopy(key) }
            try stopRunning(key)
        }
        guard refund.reachesCopies, refund.kind != .familyRevoke else { return copies }
        let members = familyCopies(of: key)
        for key in members {
            // Family members lose access with the purchaser's refund, and inherit its reason.
            revoke(key, kind: .familyRevoke, percentage: nil, reason: refund.reason, date: date, now: now)
        }
        return copies + members
    }

    /// Undoes a refund: the revocation fields vanish again.
    mutating func reverseRefund(_ key: TransactionKey, now: Int64) throws(SimulatorError) -> [TransactionKey] {
        guard try transaction(key).isRevoked else { throw .conflict("\(key.id) isn't refunded") }
        noteReversal(key, now: now)
        let affected = (copies(of: key) + familyCopies(of: key)).filter { transactions[$0]?.isRevoked == true }
        for key in affected {
            change(key, now: now) { fields in
                for name in fields.names where name.hasPrefix("revocation") { fields[name] = nil }
            }
        }
        return affected
    }

    /// Ends Family Sharing: for all members of a purchase, or for the member whose transaction is named; the keys of
    /// the members' transactions that changed.
    mutating func stopSharing(_ key: TransactionKey, now: Int64) throws(SimulatorError) -> [TransactionKey] {
        let named = try transaction(key)
        let members =
            if named.type == .autoRenewable {
                runningPeriods(
                    ofMembers: named.isFamilyShared ? [chain(of: key)] : members(ofChain: chain(of: key)), now)
            } else { named.isFamilyShared ? copies(of: key) : familyCopies(of: key) }
        let losers = members.filter { transactions[$0]?.isRevoked == false }
        guard !losers.isEmpty else { throw .conflict("\(key.id) isn't shared with anybody") }
        for member in losers {
            // Whoever leaves the family gives no reason: 0.
            revoke(member, kind: .familyRevoke, percentage: nil, reason: 0, date: now, now: now)
            unlinkFamilyCopy(member)
        }
        return losers
    }

    /// A subscription that goes on by itself ends with its current period's refund, also if that is undone later.
    private mutating func stopRunning(_ key: TransactionKey) throws(SimulatorError) {
        guard plans[chain(of: key)]?.terms != nil, try newest(inChainOf: key).isRevoked else { return }
        try updateRenewal(of: key, ["autoRenewStatus": 0])
    }

    private mutating func revoke(
        _ key: TransactionKey, kind: SimulatedRefund.Kind, percentage: Int64?, reason: Int64, date: Int64, now: Int64
    ) {
        change(key, now: now) { fields in
            fields["revocationDate"] = .integer(date)
            fields["revocationReason"] = .integer(reason)
            fields["revocationType"] = .string(kind.rawValue)
            fields["revocationPercentage"] = percentage.map(SimulatorJSON.integer)
        }
    }
}
