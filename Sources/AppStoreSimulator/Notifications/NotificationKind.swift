/// A notification's type with its subtype; any text may stand for either, since Apple adds new ones.
package struct NotificationKind: Hashable, Sendable {
    /// `notificationType`.
    package var notificationType: String
    /// `subtype`; `nil`: the member is absent.
    package var subtype: String?

    /// A type and its subtype.
    package init(_ notificationType: String, _ subtype: String? = nil) {
        self.notificationType = notificationType
        self.subtype = subtype
    }

    static let oneTimeCharge = NotificationKind("ONE_TIME_CHARGE")
    static let initialBuy = NotificationKind("SUBSCRIBED", "INITIAL_BUY")
    static let resubscribe = NotificationKind("SUBSCRIBED", "RESUBSCRIBE")
    static let renewed = NotificationKind("DID_RENEW")
    static let billingRecovery = NotificationKind("DID_RENEW", "BILLING_RECOVERY")
    static let refund = NotificationKind("REFUND")
    static let refundReversed = NotificationKind("REFUND_REVERSED")
    static let refundDeclined = NotificationKind("REFUND_DECLINED")
    static let consumptionRequest = NotificationKind("CONSUMPTION_REQUEST")
    static let revoke = NotificationKind("REVOKE")
    static let upgrade = NotificationKind("DID_CHANGE_RENEWAL_PREF", "UPGRADE")
    static let downgrade = NotificationKind("DID_CHANGE_RENEWAL_PREF", "DOWNGRADE")
    static let downgradeUndone = NotificationKind("DID_CHANGE_RENEWAL_PREF")
    static let offerRedeemed = NotificationKind("OFFER_REDEEMED")
    static let offerRedeemedUpgrade = NotificationKind("OFFER_REDEEMED", "UPGRADE")
    static let offerRedeemedDowngrade = NotificationKind("OFFER_REDEEMED", "DOWNGRADE")
    static let autoRenewEnabled = NotificationKind("DID_CHANGE_RENEWAL_STATUS", "AUTO_RENEW_ENABLED")
    static let autoRenewDisabled = NotificationKind("DID_CHANGE_RENEWAL_STATUS", "AUTO_RENEW_DISABLED")
    static let failedToRenew = NotificationKind("DID_FAIL_TO_RENEW")
    static let gracePeriod = NotificationKind("DID_FAIL_TO_RENEW", "GRACE_PERIOD")
    static let gracePeriodExpired = NotificationKind("GRACE_PERIOD_EXPIRED")
    static let priceIncreasePending = NotificationKind("PRICE_INCREASE", "PENDING")
    static let priceIncreaseAccepted = NotificationKind("PRICE_INCREASE", "ACCEPTED")
    static let renewalExtended = NotificationKind("RENEWAL_EXTENDED")
    static let test = NotificationKind("TEST")

    /// The types of Apple's documentation: the history's filter accepts these, and those that were sent.
    static let knownTypes: Set<String> = [
        "CONSUMPTION_REQUEST", "DID_CHANGE_RENEWAL_PREF", "DID_CHANGE_RENEWAL_STATUS", "DID_FAIL_TO_RENEW", "DID_RENEW",
        "EXPIRED", "EXTERNAL_PURCHASE_TOKEN", "GRACE_PERIOD_EXPIRED", "METADATA_UPDATE", "MIGRATION", "OFFER_REDEEMED",
        "ONE_TIME_CHARGE", "PRICE_CHANGE", "PRICE_INCREASE", "REFUND", "REFUND_DECLINED", "REFUND_REVERSED",
        "RENEWAL_EXTENDED", "RENEWAL_EXTENSION", "RESCIND_CONSENT", "REVOKE", "SUBSCRIBED", "TEST",
    ]
}

/// Why a subscription ends: the subtype of EXPIRED, and the renewal info's `expirationIntent`.
package enum SimulatedExpiry: String, CaseIterable, Sendable {
    /// The customer turned the renewal off.
    case voluntary = "VOLUNTARY"
    /// Billing failed to the end.
    case billingRetry = "BILLING_RETRY"
    /// The customer didn't agree to a higher price.
    case priceIncrease = "PRICE_INCREASE"
    /// The product wasn't for sale any more.
    case productNotForSale = "PRODUCT_NOT_FOR_SALE"
    /// Another reason, without a subtype.
    case other = "OTHER"

    var kind: NotificationKind { NotificationKind("EXPIRED", self == .other ? nil : rawValue) }

    /// 1 cancelled, 2 billing error, 3 price rise refused, 4 product unavailable, 5 other.
    var expirationIntent: Int64 {
        switch self {
        case .voluntary: 1
        case .billingRetry: 2
        case .priceIncrease: 3
        case .productNotForSale: 4
        case .other: 5
        }
    }
}
