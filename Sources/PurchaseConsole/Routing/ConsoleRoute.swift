package import HTTPTypes
package import PurchaseService

/// One address of the console and what is done there; a page is a case here, and the compiler names the rest.
package enum ConsoleRoute: String, CaseIterable, Sendable {
    /// The first page after signing in.
    case home
    /// Asks for a key.
    case signInForm
    /// Takes the key.
    case signIn
    /// Ends the session.
    case signOut
    /// The stylesheet and the icon.
    case asset
    /// Goes to what one text names.
    case find
    /// Finds transactions by filters.
    case transactions
    /// One transaction.
    case transaction
    /// Its signed proof.
    case evidence
    /// One signed text, to keep.
    case evidenceText
    /// Has Apple asked again.
    case recheck
    /// One order of Apple's.
    case order
    /// One account.
    case account
    /// Gives an account something, or keeps it from it.
    case createOverride
    /// Ends that.
    case endOverride
    /// Erases an account's personal data.
    case eraseAccount
    /// Disputes.
    case cases
    /// One dispute.
    case claimCase
    /// Closes it.
    case resolveCase
    /// What people did.
    case audit
    /// What customers paid and got back.
    case finance
    /// The rows of it, to keep.
    case paidRecords
    /// Up to when Apple's notifications are complete.
    case coverage
    /// How the service gets on with Apple.
    case apple

    /// The method.
    package var method: HTTPRequest.Method {
        switch self {
        case .signIn, .signOut, .recheck, .createOverride, .endOverride, .eraseAccount, .resolveCase: .post
        case .home, .signInForm, .asset, .find, .transactions, .transaction, .evidence, .evidenceText, .order, .account,
            .cases, .claimCase, .audit, .finance, .paidRecords, .coverage, .apple:
            .get
        }
    }

    /// The path template.
    package var path: String {
        switch self {
        case .home: "/console"
        case .signInForm, .signIn: "/console/sign-in"
        case .signOut: "/console/sign-out"
        case .asset: "/console/assets/{name}"
        case .find: "/console/find"
        case .transactions: "/console/transactions"
        case .transaction: "/console/transactions/{transactionId}"
        case .evidence: "/console/transactions/{transactionId}/evidence"
        case .evidenceText: "/console/transactions/{transactionId}/evidence/{source}/{sha256}"
        case .recheck: "/console/transactions/{transactionId}/recheck"
        case .order: "/console/orders/{orderId}"
        case .account: "/console/accounts/{accountId}"
        case .createOverride: "/console/accounts/{accountId}/overrides"
        case .endOverride: "/console/accounts/{accountId}/overrides/end"
        case .eraseAccount: "/console/accounts/{accountId}/erase"
        case .cases: "/console/cases"
        case .claimCase: "/console/cases/{id}"
        case .resolveCase: "/console/cases/{id}/resolve"
        case .audit: "/console/audit"
        case .finance: "/console/finance"
        case .paidRecords: "/console/finance/paid-records"
        case .coverage: "/console/coverage"
        case .apple: "/console/apple"
        }
    }

    /// Who may come here; empty for what needs no session.
    package var roles: Set<Role> {
        switch self {
        case .signInForm, .signIn, .asset: []
        case .home, .signOut, .coverage, .apple: ConsoleSession.roles
        case .finance, .paidRecords: [.finance]
        case .find, .transactions, .transaction, .evidence, .evidenceText, .recheck, .order, .account, .createOverride,
            .endOverride, .eraseAccount, .cases, .claimCase, .resolveCase, .audit:
            [.support]
        }
    }

    /// Whether it needs no session.
    package var isPublic: Bool { roles.isEmpty }

    /// Whether a path, as sent, is the console's.
    static func owns(path: String) -> Bool { path == "/console" || path.hasPrefix("/console/") }

    /// The methods that a path, as sent, knows, sorted; empty for a path that is no route.
    static func methods(ofPath path: String) -> [HTTPRequest.Method] {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        return allCases.filter { route in
            let template = route.path.split(separator: "/", omittingEmptySubsequences: false)
            return template.count == segments.count
                && zip(template, segments).allSatisfy { expected, actual in
                    expected.hasPrefix("{") ? !actual.isEmpty : expected == actual
                }
        }
        .map(\.method).sorted { $0.rawValue < $1.rawValue }
    }
}
