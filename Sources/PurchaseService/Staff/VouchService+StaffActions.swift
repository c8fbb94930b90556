package import PurchaseCore

extension VouchService {
    /// See ``StaffUseCases/staffActions(by:of:before:limit:)``.
    package func staffActions(
        by who: String?, of account: AccountID?, before position: Int64?, limit: Int
    ) async throws(ServiceError) -> (actions: [RecordedStaffAction], next: Int64?) {
        let actions = try await withLedger { () async throws(LedgerError) -> [RecordedStaffAction] in
            var number: AccountNumber?
            if let account {
                number = try await ledger.findAccount(account)
                if number == nil { return [] }
            }
            return try await ledger.staffActions(by: who, of: number, before: position, limit: limit + 1)
        }
        let page = Array(actions.prefix(limit))
        return (page, actions.count > limit ? page.last?.position : nil)
    }
}
