/// What is wrong with a notification on its way: a forger's work, another app's message, or an old state.
package struct NotificationAlteration: Sendable {
    /// The defect of the envelope's JWS.
    package var envelopeForgery: SimulatedForgery?
    /// The defect of `signedTransactionInfo`.
    package var transactionForgery: SimulatedForgery?
    /// The defect of `signedRenewalInfo`.
    package var renewalForgery: SimulatedForgery?
    /// Whether the transaction is as it was before its last change; without an earlier state it is the present one.
    package var isStale = false
    /// Whether the stale transaction has the `signedDate` of that time, too.
    package var keepsStaleDate = false
    /// Fields laid over the envelope; `null` removes one.
    package var envelopeFields = SimulatorJSONObject()
    /// Fields laid over `data` (or the member in its place); `null` removes one.
    package var memberFields = SimulatorJSONObject()
    /// Fields laid over the transaction's payload; `null` removes one.
    package var transactionFields = SimulatorJSONObject()
    /// Fields laid over the renewal info; `null` removes one.
    package var renewalFields = SimulatorJSONObject()

    /// Nothing is wrong.
    package init() {}

    /// Another app's notification, correctly signed: envelope and transaction name its bundle id.
    package static func bundleID(_ bundleID: String) -> NotificationAlteration {
        var alteration = NotificationAlteration()
        alteration.memberFields["bundleId"] = .string(bundleID)
        alteration.transactionFields["bundleId"] = .string(bundleID)
        return alteration
    }

    /// A notification that says, throughout, to be from another environment.
    package static func environment(_ environment: String) -> NotificationAlteration {
        var alteration = NotificationAlteration()
        alteration.memberFields["environment"] = .string(environment)
        alteration.transactionFields["environment"] = .string(environment)
        alteration.renewalFields["environment"] = .string(environment)
        return alteration
    }

    /// An envelope that names another app's number; `nil`: none.
    package static func appAppleID(_ appAppleID: Int64?) -> NotificationAlteration {
        var alteration = NotificationAlteration()
        alteration.memberFields["appAppleId"] = appAppleID.map(SimulatorJSON.integer) ?? .null
        return alteration
    }

    /// An envelope with one defect around genuine content.
    package static func forgedEnvelope(_ forgery: SimulatedForgery) -> NotificationAlteration {
        var alteration = NotificationAlteration()
        alteration.envelopeForgery = forgery
        return alteration
    }

    /// A genuine envelope around a transaction with one defect.
    package static func forgedTransaction(_ forgery: SimulatedForgery) -> NotificationAlteration {
        var alteration = NotificationAlteration()
        alteration.transactionForgery = forgery
        return alteration
    }

    /// A transaction as it was before its last change, signed now or dated as it was then.
    package static func stale(keepingDate: Bool = false) -> NotificationAlteration {
        var alteration = NotificationAlteration()
        alteration.isStale = true
        alteration.keepsStaleDate = keepingDate
        return alteration
    }

    /// A transaction under a leaf that has expired by now but was valid at the `signedDate` that it states: an old JWS,
    /// or the work of somebody who found an old key.
    ///
    /// `nowMilliseconds` is the time by which the leaf has expired a day ago.
    package static func expiredLeaf(nowMilliseconds: Int64) -> NotificationAlteration {
        var alteration = NotificationAlteration.forgedTransaction(.expiredLeaf)
        alteration.transactionFields["signedDate"] = .integer(nowMilliseconds - 2 * Milliseconds.day)
        return alteration
    }

    func forgery(ofInner name: String?) -> SimulatedForgery? {
        switch name {
        case nil: envelopeForgery
        case NotificationContent.transactionName: transactionForgery
        case NotificationContent.renewalName: renewalForgery
        default: nil
        }
    }
}

extension NotificationContent {
    /// The content with changed fields; forgeries are made when it is signed.
    func altered(by alteration: NotificationAlteration) -> NotificationContent {
        var content = self
        content.envelope.apply(alteration.envelopeFields)
        content.member.apply(alteration.memberFields)
        for index in inner.indices {
            switch inner[index].name {
            case Self.transactionName:
                if alteration.isStale, let former = formerTransaction {
                    let date =
                        alteration.keepsStaleDate ? .integer(former.signedDate) : inner[index].payload["signedDate"]
                    content.inner[index].payload = former.fields
                    content.inner[index].payload["signedDate"] = date
                }
                content.inner[index].payload.apply(alteration.transactionFields)
            case Self.renewalName:
                content.inner[index].payload.apply(alteration.renewalFields)
            default:
                break
            }
        }
        return content
    }
}
