package import PurchaseCore

extension VouchService {
    /// See ``UseCases/changes(after:wait:limit:)``.
    package func changes(
        after position: Int64, wait: Duration, limit: Int
    ) async throws(ServiceError) -> [RecordedChange] {
        try await withLedger { () async throws(LedgerError) in
            try await changeFeed.changes(after: position, wait: wait, limit: limit)
        }
    }

    /// See ``UseCases/entitlements(ofEach:)``.
    package func entitlements(
        ofEach accounts: [AccountID]
    ) async throws(ServiceError) -> [AccountID: [EntitlementView]] {
        let now = dependencies.clock.now()
        guard !accounts.isEmpty else { return [:] }
        let rights = try await withLedger { () async throws(LedgerError) in
            try await ledger.entitlements(ofEach: accounts, at: now)
        }
        return rights.mapValues { EntitlementView.merge($0, at: now) }
    }
}

extension EntitlementReason {
    /// Why a row may exist.
    package init(_ rule: Entitlement.Rule) {
        switch rule {
        case .paid: self = .paid
        case .proratedKeep: self = .proratedKeep
        }
    }

    /// Why access lasts beyond the paid period.
    package init(_ reason: Entitlement.Extension) {
        switch reason {
        case .gracePeriod: self = .gracePeriod
        case .renewalUnconfirmed: self = .renewalUnconfirmed
        }
    }

    /// Why a row that is active at an instant is so.
    package init(_ row: Entitlement, at now: Instant) {
        if let reason = row.extensionReason(at: now) { self.init(reason) } else { self.init(row.rule) }
    }
}
