package import HTTPTypes
package import PurchaseService

/// One operation of `openapi.yaml`; the raw value is its `operationId`.
package enum APIOperation: String, CaseIterable, Sendable {
    /// Post a purchase for an account.
    case postTransaction
    /// Read one transaction.
    case getTransaction
    /// Find transactions by what a customer has.
    case searchTransactions
    /// Read the signed proof of a transaction.
    case listTransactionEvidence
    /// Read why a transaction is in its state.
    case explainTransaction
    /// Read the transactions of an order.
    case getOrder
    /// Read the ledger of a transaction's chain.
    case listTransactionEvents
    /// Ask Apple about a transaction now.
    case recheckTransaction
    /// Read what an account may use.
    case getEntitlements
    /// Read what each of many accounts may use.
    case queryEntitlements
    /// Follow what changes, or wait for it.
    case listChanges
    /// List an account's deliveries.
    case listGrants
    /// Bring back what an account's customers bought.
    case restorePurchases
    /// Say that a delivery is credited.
    case acknowledgeGrant
    /// List disputes between accounts.
    case listCases
    /// Read one dispute.
    case getCase
    /// Close a dispute.
    case resolveCase
    /// List what support decided about an account.
    case listOverrides
    /// Let an account use something, or keep it from using it.
    case createOverride
    /// End such a decision.
    case endOverride
    /// Erase an account's personal data.
    case eraseAccount
    /// List what people did.
    case listStaffActions
    /// Read up to when Apple's notifications are complete.
    case getCoverage
    /// Read how the service gets on with Apple.
    case getAppleHealth
    /// Download the movements of money of a period.
    case exportPaidRecords
    /// Read what was sold and given back.
    case getRevenue
    /// Take in one of Apple's notifications.
    case postNotification
    /// Is the process alive?
    case getLiveness
    /// Can the process serve?
    case getReadiness
    /// The contract.
    case getOpenAPI

    /// The method.
    package var method: HTTPRequest.Method {
        switch self {
        case .postTransaction, .recheckTransaction, .queryEntitlements, .restorePurchases, .acknowledgeGrant,
            .postNotification, .resolveCase, .createOverride, .eraseAccount:
            .post
        case .endOverride: .delete
        case .searchTransactions, .listTransactionEvidence, .explainTransaction, .getOrder, .getTransaction,
            .listTransactionEvents, .listCases, .getCase, .listOverrides, .listStaffActions, .getEntitlements,
            .listChanges, .listGrants,
            .getCoverage, .getAppleHealth, .exportPaidRecords, .getRevenue, .getLiveness, .getReadiness, .getOpenAPI:
            .get
        }
    }

    /// The path template, as the contract writes it.
    package var path: String {
        switch self {
        case .postTransaction, .searchTransactions: "/v1/transactions"
        case .getTransaction: "/v1/transactions/{transactionId}"
        case .listTransactionEvents: "/v1/transactions/{transactionId}/events"
        case .listTransactionEvidence: "/v1/transactions/{transactionId}/evidence"
        case .explainTransaction: "/v1/transactions/{transactionId}/explanation"
        case .getOrder: "/v1/orders/{orderId}"
        case .recheckTransaction: "/v1/transactions/{transactionId}/recheck"
        case .getEntitlements: "/v1/accounts/{accountId}/entitlements"
        case .queryEntitlements: "/v1/entitlements/query"
        case .listChanges: "/v1/changes"
        case .listGrants: "/v1/accounts/{accountId}/grants"
        case .restorePurchases: "/v1/accounts/{accountId}/restore"
        case .acknowledgeGrant: "/v1/grants/{id}/acknowledge"
        case .listCases: "/v1/cases"
        case .getCase: "/v1/cases/{id}"
        case .resolveCase: "/v1/cases/{id}/resolve"
        case .listOverrides, .createOverride, .endOverride: "/v1/accounts/{accountId}/overrides"
        case .eraseAccount: "/v1/accounts/{accountId}/erase"
        case .listStaffActions: "/v1/audit"
        case .getCoverage: "/v1/coverage"
        case .getAppleHealth: "/v1/apple/health"
        case .exportPaidRecords: "/v1/exports/paid-records"
        case .getRevenue: "/v1/reports/revenue"
        case .postNotification: "/v1/notifications/apple"
        case .getLiveness: "/health/live"
        case .getReadiness: "/health/ready"
        case .getOpenAPI: "/openapi.yaml"
        }
    }

    /// Who may call it: the contract's `x-roles`; empty for public ones.
    package var roles: Set<Role> {
        switch self {
        case .postTransaction: [.app, .device, .user]
        case .getTransaction: [.app, .device, .user, .support]
        case .searchTransactions, .listTransactionEvidence, .explainTransaction, .getOrder, .listTransactionEvents,
            .recheckTransaction:
            [.support]
        case .getEntitlements: [.app, .user, .support]
        case .restorePurchases: [.app, .user]
        case .queryEntitlements, .listChanges, .listGrants, .acknowledgeGrant: [.app]
        case .listCases, .getCase, .resolveCase, .listOverrides, .createOverride, .endOverride, .eraseAccount,
            .listStaffActions:
            [.support]
        case .getCoverage, .getAppleHealth: [.support, .finance]
        case .exportPaidRecords, .getRevenue: [.finance]
        case .postNotification, .getLiveness, .getReadiness, .getOpenAPI: []
        }
    }

    /// Whether anybody may call it, without a key.
    package var isPublic: Bool { roles.isEmpty }

    /// The operation that a route belongs to: its path template and the method.
    static func find(route: String?, method: HTTPRequest.Method) -> APIOperation? {
        route.flatMap { byPath[$0] }?.first { $0.method == method }
    }

    private static let byPath = Dictionary(grouping: allCases, by: \.path)

    /// The methods that a path, as sent, knows, sorted; empty for a path that is no route.
    static func methods(ofPath path: String) -> [HTTPRequest.Method] {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        return allCases.filter { operation in
            let template = operation.path.split(separator: "/", omittingEmptySubsequences: false)
            return template.count == segments.count
                && zip(template, segments).allSatisfy { expected, actual in
                    expected.hasPrefix("{") ? !actual.isEmpty : expected == actual
                }
        }
        .map(\.method).sorted { $0.rawValue < $1.rawValue }
    }
}
