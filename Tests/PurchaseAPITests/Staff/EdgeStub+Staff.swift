import PurchaseCore
import TestSupport

@testable import PurchaseService

/// The part of ``StubUseCases`` that support calls.
struct StubStaff: Sendable {
    var onCases:
        @Sendable (ClaimCase.Status, AccountID?, CaseCursor?, Int) async throws(ServiceError) -> (
            cases: [RecordedCase], next: CaseCursor?
        ) = { _, _, _, _ async throws(ServiceError) in ([], nil) }
    var onCase: @Sendable (CaseID) async throws(ServiceError) -> RecordedCase = {
        _ async throws(ServiceError) in throw .notFound
    }
    var onResolve: @Sendable (CaseID, ClaimCase.Outcome, String) async throws(ServiceError) -> RecordedCase = {
        _, _, _ async throws(ServiceError) in throw .notFound
    }
    var onOverrides:
        @Sendable (AccountID, Int64?, Int) async throws(ServiceError) -> (overrides: [RecordedOverride], next: Int64?) =
            { _, _, _ async throws(ServiceError) in ([], nil) }
    var onOverride:
        @Sendable (AccountID, Override.Terms, String) async throws(ServiceError) -> (
            override: RecordedOverride, isNew: Bool
        ) = { _, _, _ async throws(ServiceError) in throw .overrideLimit }
    var onEnd: @Sendable (OverrideID, AccountID, String) async throws(ServiceError) -> RecordedOverride = {
        _, _, _ async throws(ServiceError) in throw .notFound
    }
    var onErase: @Sendable (AccountID, String) async throws(ServiceError) -> AccountErasure = {
        _, _ async throws(ServiceError) in .unknown
    }
    var onActions:
        @Sendable (String?, AccountID?, Int64?, Int) async throws(ServiceError) -> (
            actions: [RecordedStaffAction], next: Int64?
        ) = { _, _, _, _ async throws(ServiceError) in ([], nil) }

    init() {}

    /// Every call throws one error.
    init(failing error: ServiceError) {
        onCases = { _, _, _, _ async throws(ServiceError) in throw error }
        onCase = { _ async throws(ServiceError) in throw error }
        onResolve = { _, _, _ async throws(ServiceError) in throw error }
        onOverrides = { _, _, _ async throws(ServiceError) in throw error }
        onOverride = { _, _, _ async throws(ServiceError) in throw error }
        onEnd = { _, _, _ async throws(ServiceError) in throw error }
        onErase = { _, _ async throws(ServiceError) in throw error }
        onActions = { _, _, _, _ async throws(ServiceError) in throw error }
    }
}

extension StubUseCases {
    func cases(
        _ status: ClaimCase.Status, of account: AccountID?, after cursor: CaseCursor?, limit: Int
    ) async throws(ServiceError) -> (cases: [RecordedCase], next: CaseCursor?) {
        try await staff.onCases(status, account, cursor, limit)
    }

    func claimCase(_ id: CaseID) async throws(ServiceError) -> RecordedCase {
        try await staff.onCase(id)
    }

    func resolve(
        _ id: CaseID, _ outcome: ClaimCase.Outcome, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RecordedCase {
        try await staff.onResolve(id, outcome, why)
    }

    func overrides(
        of account: AccountID, before number: Int64?, limit: Int
    ) async throws(ServiceError) -> (overrides: [RecordedOverride], next: Int64?) {
        try await staff.onOverrides(account, number, limit)
    }

    func override(
        _ account: AccountID, _ terms: Override.Terms, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> (override: RecordedOverride, isNew: Bool) {
        try await staff.onOverride(account, terms, why)
    }

    func endOverride(
        _ id: OverrideID, of account: AccountID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RecordedOverride {
        try await staff.onEnd(id, account, why)
    }

    func erase(
        _ account: AccountID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> AccountErasure {
        try await staff.onErase(account, why)
    }

    func staffActions(
        by who: String?, of account: AccountID?, before position: Int64?, limit: Int
    ) async throws(ServiceError) -> (actions: [RecordedStaffAction], next: Int64?) {
        try await staff.onActions(who, account, position, limit)
    }
}

extension Sample {
    static let override = Override(
        id: OverrideID("override-12-1"), account: AccountNumber(987_654_321),
        terms: Override.Terms(key: "lifetime", effect: .grant, environment: .production, until: nil), since: now,
        reasonNumber: 4)

    static func recorded(_ override: Override, number: Int64 = 1) -> RecordedOverride {
        RecordedOverride(
            override: override, number: number, accountID: AccountID("player-1"), madeBy: "support-desk",
            why: "an outage", endedBy: nil, endedWhy: nil)
    }

    static func dispute(_ number: Int) -> RecordedCase {
        let party = RecordedCase.Party(
            accountID: AccountID("player-\(number)"), transactionID: id, claimedAt: now, tokenComparison: .absent)
        return RecordedCase(
            dispute: ClaimCase(
                id: CaseID("case-production-2000000900000001-\(number)"), account: AccountNumber(Int64(number)),
                status: .open, openedAt: now - .hours(1)),
            environment: .production, originalTransactionID: OriginalTransactionID(id.rawValue), claimant: party,
            holder: nil,
            transactions: [
                RecordedCase.Subject(
                    transactionID: id, productID: nil, state: .received, reason: "new", purchaseDate: nil)
            ], transactionCount: 1, resolvedBy: nil, why: nil)
    }
}

extension TestSupport.JSONValue {
    /// The value of a whole number.
    var whole: Int64? { if case .integer(let value) = self { value } else { nil } }
}
