/// A notification to be made on command, whatever its type.
package struct SimulatedNotificationRequest: Sendable {
    /// What it is about: decides which of the envelope's four members it has.
    package enum Content: Sendable {
        /// `data` without a transaction, as for TEST.
        case none
        /// `data` with this transaction as it is now, and for a subscription with renewal info and status.
        ///
        /// `renewalInfo` is set on the subscription first, so that the statuses say the same; `data` is laid over the
        /// member, for example with `consumptionRequestReason`. `null` removes.
        case transaction(
            String, renewalInfo: SimulatorJSONObject = SimulatorJSONObject(),
            data: SimulatorJSONObject = SimulatorJSONObject())
        /// `summary`, for RENEWAL_EXTENSION / SUMMARY; the fields are laid over sensible ones.
        case summary(SimulatorJSONObject)
        /// `externalPurchaseToken`, for EXTERNAL_PURCHASE_TOKEN; the fields are laid over sensible ones.
        case externalPurchaseToken(SimulatorJSONObject)
        /// `appData` with a signed app transaction, for RESCIND_CONSENT; the fields are laid over sensible ones.
        case appData(SimulatorJSONObject)
    }

    /// Type and subtype; any text.
    package var kind: NotificationKind
    /// `nil`: where the transaction is, or production.
    package var environment: SimulatedEnvironment?
    /// What it is about.
    package var content: Content

    /// A notification to be made; without content it is like a TEST.
    package init(
        _ notificationType: String, subtype: String? = nil, environment: SimulatedEnvironment? = nil,
        content: Content = .none
    ) {
        self.kind = NotificationKind(notificationType, subtype)
        self.environment = environment
        self.content = content
    }
}
