package import PurchaseCore

/// Why a sweep or a backfill did not come to its end.
package enum HistoryFault: Equatable, Sendable {
    /// 401 of Production, which is normal before the app's first release (`VOUCH_APP_UNRELEASED`).
    case unreleased
    /// 401: Apple does not accept our key.
    case unauthorized
    /// 429; ask again then.
    case throttled(retryAt: Instant?)
    /// Apple refuses the question itself.
    case refusedRequest(status: Int, errorCode: Int64?)
    /// Apple could not be asked, or could not answer.
    case unavailable(AppStoreOutage)
    /// Apple answered something that it does not document.
    case malformed
    /// Tokens expire before the last page even of the shortest slice.
    case tokensExpireTooSoon
    /// Apple doesn't go back that far.
    case startTooFarInPast
    /// The ledger could not take a notification, or not say how far it is.
    case ledger(LedgerError.Code)

    /// A stable snake_case name, for the API, metrics and logs.
    package var code: String {
        switch self {
        case .unreleased: "unreleased"
        case .unauthorized: "unauthorized"
        case .throttled: "throttled"
        case .refusedRequest: "refused_request"
        case .unavailable(let outage): outage.code
        case .malformed: "malformed"
        case .tokensExpireTooSoon: "tokens_expire_too_soon"
        case .startTooFarInPast: "start_too_far_in_past"
        case .ledger(let code): "ledger_\(code.rawValue)"
        }
    }

    /// Whether the same question is worth asking again in a while, without anybody's help.
    package var isPassing: Bool {
        switch self {
        case .throttled, .unavailable, .malformed: true
        case .ledger(let code):
            switch code {
            case .unavailable, .overloaded, .outcomeUnknown, .tooMany, .beingErased: true
            case .refused, .unreadable: false
            }
        case .unreleased, .unauthorized, .refusedRequest, .tokensExpireTooSoon, .startTooFarInPast: false
        }
    }
}

/// What was found in Apple's history, by what became of it.
package struct HistoryCounts: Hashable, Sendable {
    /// All of them.
    package var seen = 0
    /// Not known before, and stored now.
    package var new = 0
    /// Known already, by their notificationUUID.
    package var known = 0
    /// Stored, and still to be verified or applied.
    package var waiting = 0
    /// Not to be trusted: an alarm was raised for each.
    package var refused = 0
    /// Genuine, but of another app or a store that isn't served.
    package var foreign = 0

    /// None.
    package init() {}

    /// Both together.
    package static func += (left: inout Self, right: Self) {
        left.seen += right.seen
        left.new += right.new
        left.known += right.known
        left.waiting += right.waiting
        left.refused += right.refused
        left.foreign += right.foreign
    }

    mutating func count(_ result: NotificationIntake.Result) {
        seen += 1
        switch result {
        case .applied, .kept, .asked: new += 1
        case .duplicate: known += 1
        case .waiting: waiting += 1
        case .refused: refused += 1
        case .otherApp, .notAllowed: foreign += 1
        }
    }
}
