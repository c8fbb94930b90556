import PurchaseCore

/// The rows that one decision writes, as the sections of the statement take them.
struct DecisionRows: Sendable {
    /// The decision itself: the chain, the version that it was decided upon, and the event.
    struct HeadRow: Sendable {
        /// `nil` for a chain that begins with this decision.
        var chain: Int64?
        var version: Int64?
        var environment: String?
        var original: String?
        var provisional: String?
        var account: Int64?
        /// Ids that the decision brings into the chain, joined by commas.
        var newTransactions: String?
        /// Accounts that claim with this decision, joined by commas.
        var newClaimants: String?
        var absorbed: Int64?
        var absorbedVersion: Int64?
        var recordedAt: Instant
        var input: String
        var rule: String
        var policy: String
        var actor: String?
        var request: String?
        var sha256: [UInt8]?
        var source: String?
        /// JSON.
        var entries: String
    }

    struct EvidenceRow: Sendable {
        var sha256: [UInt8]
        var source: String
        var revoked: Bool
        var transaction: String
        var environment: String
        var signedDate: Instant
        var seenAt: Instant
        var notificationType: String?
        /// JSON.
        var facts: String
    }

    struct RenewalRow: Sendable {
        var sha256: [UInt8]
        var source: String
        var signedDate: Instant
        var seenAt: Instant
        /// JSON.
        var facts: String
    }

    /// Certificates, kept once for every JWS of one leaf.
    struct HeaderRow: Sendable {
        var sha256: [UInt8]
        var text: String
    }

    /// A signed text behind its header.
    struct BodyRow: Sendable {
        var sha256: [UInt8]
        var source: String
        var header: [UInt8]
        var rest: String
        var token: String?
        var download: String?
    }

    struct NotificationRow: Sendable {
        var uuid: String
        var environment: String?
        var type: String
        var subtype: String?
        var signedDate: Instant
        var receivedAt: Instant
        var origin: String
        var outcome: String
        var transaction: String?
        var respondBy: Instant?
        var retryAt: Instant?
        var sha256: [UInt8]
        var original: String?
    }

    struct NotificationBodyRow: Sendable {
        var uuid: String
        var header: [UInt8]
        var rest: String
    }

    struct TransactionRow: Sendable {
        var id: String
        var state: String
        var reason: String
        var refusal: String?
        var purchase: String?
        var sha256: [UInt8]?
        var source: String?
        var authoritative: Bool?
        var revoked: Bool?
        var ownership: String?
        var revocationDate: Instant?
        var environment: String?
        var original: String?
        var product: String?
        var type: String?
        var purchaseDate: Instant?
        var createdAt: Instant
        var updatedAt: Instant
    }

    struct PurchaseRow: Sendable, Hashable {
        var id: String
        var environment: String
        var ownership: String
    }

    struct ClaimRow: Sendable {
        var account: Int64
        var status: String
        var refusal: String?
        var comparison: String?
        var caseID: String?
        var transaction: String
        var claimedAt: Instant
    }

    struct CaseRow: Sendable {
        var id: String
        var account: Int64
        var status: String
        var openedAt: Instant
        var outcome: String?
        var reasonNumber: Int64?
        var resolvedAt: Instant?
        var takenFrom: Int64?
    }

    struct OverrideRow: Sendable {
        var id: String
        var account: Int64
        var key: String
        var environment: String
        var effect: String
        var since: Instant
        var until: Instant?
        var reasonNumber: Int64
        var endedAt: Instant?
        var endReasonNumber: Int64?
    }

    struct GrantRow: Sendable {
        var id: String
        var kind: String
        var status: String
        var account: Int64
        var purchase: String
        var transaction: String
        var product: String
        var amount: Int64
        var environment: String
        var createdAt: Instant
    }

    struct EntitlementRow: Sendable {
        var transaction: String
        var key: String
        var account: Int64
        var product: String
        var environment: String
        var original: String
        var state: String
        var rule: String
        var since: Instant
        var until: Instant?
        var extended: String?
        var paidUntil: Instant?
    }

    struct EndedRow: Sendable {
        var transaction: String
        var key: String
    }

    struct MovementRow: Sendable {
        var id: String
        var purchase: String
        var kind: String
        var generation: Int64
        var step: Int64
        var transaction: String
        var occurredAt: Instant
        var amount: Int64?
        var currency: String?
        var sha256: [UInt8]
        var source: String
        var revoked: Bool
    }

    struct CheckRow: Sendable {
        var transaction: String
        var dueAt: Instant?
        var askedAt: Instant?
        /// JSON.
        var progress: String
        var sweep: Bool
        var holder: String?
        var leaseUntil: Instant?
    }

    /// One row of the change feed: what the app's backend hears of.
    struct ChangeRow: Sendable {
        var kind: String
        var account: Int64?
        /// `nil` where support decided about an account.
        var transaction: String?
        var occurredAt: Instant
        /// JSON.
        var data: String
    }

    /// `nil` only for what is kept without a decision.
    var head: HeadRow?
    var evidence: [EvidenceRow] = []
    var renewals: [RenewalRow] = []
    var headers: [HeaderRow] = []
    var evidenceBodies: [BodyRow] = []
    var renewalBodies: [BodyRow] = []
    var notifications: [NotificationRow] = []
    var notificationBodies: [NotificationBodyRow] = []
    var transactions: [TransactionRow] = []
    var purchases: [PurchaseRow] = []
    var claims: [ClaimRow] = []
    var cases: [CaseRow] = []
    var overrides: [OverrideRow] = []
    var grants: [GrantRow] = []
    var entitlements: [EntitlementRow] = []
    var ended: [EndedRow] = []
    var movements: [MovementRow] = []
    var checks: [CheckRow] = []
    var changes: [ChangeRow] = []
}
