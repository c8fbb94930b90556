/// Requests that share places: a flood of one kind must not keep the others out.
///
/// What waits for Apple holds its place for seconds, a read of entitlements for a millisecond; with one bound for all, a
/// slow App Store would soon hold every place.
package enum EdgeLane: String, CaseIterable, Sendable {
    /// Apple's notifications.
    case notifications
    /// What waits for Apple: posts, restores, rechecks.
    case purchases
    /// What an app asks at each start: entitlements, and the state of one transaction.
    case entitlements
    /// What the app's backend follows: changes, and deliveries with their acknowledgement.
    case deliveries
    /// What support and finance ask.
    case people

    /// Requests that may be under way at once unless configured otherwise.
    package var placesDefault: Int {
        switch self {
        case .notifications: 256
        case .purchases: 1_024
        case .entitlements: 512
        case .deliveries: 256
        case .people: 128
        }
    }
}

extension APIOperation {
    /// The lane whose places the operation takes; `nil` for the health checks and the contract, which always answer.
    package var lane: EdgeLane? {
        switch self {
        case .postNotification: .notifications
        case .postTransaction, .restorePurchases, .recheckTransaction, .getOrder: .purchases
        case .getEntitlements, .queryEntitlements, .getTransaction: .entitlements
        case .listChanges, .listGrants, .acknowledgeGrant: .deliveries
        case .searchTransactions, .listTransactionEvidence, .explainTransaction, .listTransactionEvents, .listCases,
            .getCase, .resolveCase, .listOverrides, .createOverride, .endOverride, .eraseAccount, .listStaffActions,
            .getCoverage, .getAppleHealth, .exportPaidRecords, .getRevenue:
            .people
        case .getLiveness, .getReadiness, .getOpenAPI: nil
        }
    }
}
