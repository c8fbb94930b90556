import AppStoreJWS
import Logging
import PurchaseCore

/// Takes in App Store Server Notifications (V2): verify, recognise repeats, decide, commit.
///
/// The same for those that Apple sends, those that a history sweep finds, and those that waited in the ledger. A
/// notification counts by its own content alone, so order, repeats and gaps in delivery change nothing but time.
package struct NotificationIntake: Sendable {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider

    /// Works on its own; nothing has to run for it.
    package init(dependencies: ServiceDependencies, configuration: ServiceConfiguration) {
        self.dependencies = dependencies
        self.configuration = configuration
        self.decider = Decider(dependencies: dependencies, configuration: configuration)
    }

    /// What became of a notification; all but ``refused(_:)`` mean that Apple need not send it again.
    package enum Result: Hashable, Sendable {
        /// Its transaction went through a decision; durable.
        case applied
        /// Known by its notificationUUID.
        case duplicate
        /// About no transaction: stored, also when its type is not known.
        case kept
        /// Signed under a certificate that has expired since: stored, and Apple is asked about its transaction.
        case asked
        /// Genuine as far as can be told now: stored, and tried again until that is certain.
        case waiting
        /// Genuine, and another app's: changes nothing; a trace is kept.
        case otherApp
        /// Genuine, and of a store that this deployment does not serve: stored, changes nothing.
        case notAllowed
        /// Forged or malformed: nothing is stored but a trace. The text is for people and shows nothing of the payload.
        case refused(String)

        /// A stable snake_case name, for metrics and logs.
        package var code: String {
            switch self {
            case .applied: "applied"
            case .duplicate: "duplicate"
            case .kept: "kept"
            case .asked: "asked"
            case .waiting: "waiting"
            case .otherApp: "other_app"
            case .notAllowed: "not_allowed"
            case .refused: "refused"
            }
        }
    }

    /// Takes in one `signedPayload`; returns when what follows from it is durable.
    ///
    /// Idempotent. Two database transactions at most: a claim by the account that the purchase's appAccountToken names,
    /// where that is known and nobody else's; then the notification with everything that it changes.
    /// - Throws: when the ledger can't take it; Apple has to send it again.
    package func receive(
        _ signedPayload: String, origin: NotificationRecord.Origin, requestID: String? = nil
    ) async throws(LedgerError) -> Result {
        let arrival = Arrival(
            jws: signedPayload, origin: origin, receivedAt: dependencies.clock.now(), requestID: requestID)
        return try await receive(arrival)
    }

    /// Tries one again that waits in the ledger.
    func receiveAgain(_ waiting: WaitingNotification) async throws(LedgerError) -> Result {
        let arrival = Arrival(
            jws: waiting.jws, origin: waiting.origin, receivedAt: waiting.receivedAt, waiting: waiting)
        return try await receive(arrival)
    }

    /// A notification on its way in.
    struct Arrival {
        var jws: String
        var origin: NotificationRecord.Origin
        var receivedAt: Instant
        var requestID: String?
        /// Its row, when it is not new but waited in the ledger.
        var waiting: WaitingNotification?

        /// When one that can't be trusted yet is tried again: after 1, 2, 4 … 60 minutes, without end, since it is genuine.
        func retryAt(_ now: Instant) -> Instant {
            now + Span.minutes(min(1 << min(waiting?.attempts ?? 0, 6), 60))
        }
    }

    private func receive(_ arrival: Arrival) async throws(LedgerError) -> Result {
        let result: Result
        switch await readEnvelope(arrival) {
        case .refused(let refusal):
            result = try await refuse(refusal, arrival)
        case .open(let envelope):
            result = try await receive(envelope, arrival)
            // What Apple signed about this app is worth a line, once; the rest is only counted.
            let isNews = result != .duplicate && result != .otherApp
            dependencies.logger.log(
                level: isNews ? .info : .debug, "notification received",
                metadata: [
                    LogKey.notification.rawValue: "\(envelope.record.uuid)",
                    LogKey.type.rawValue: "\(envelope.record.notificationType)",
                    LogKey.subtype.rawValue: "\(envelope.record.subtype ?? "-")",
                    LogKey.environment.rawValue: "\(envelope.record.environment?.rawValue ?? "-")",
                    LogKey.origin.rawValue: "\(arrival.origin.rawValue)", LogKey.outcome.rawValue: "\(result.code)",
                ])
        }
        dependencies.metrics.notificationReceived(arrival.origin, result)
        return result
    }

    /// The content is verified first, so that one look at the ledger tells all that is asked of it.
    private func receive(_ envelope: Envelope, _ arrival: Arrival) async throws(LedgerError) -> Result {
        let finding = await judge(envelope)
        let standing = try await dependencies.ledger.standing(of: subject(of: envelope, finding))
        if let known = standing.outcome, isFinal(known, for: arrival) {
            if arrival.origin == .delivery { try await dependencies.ledger.noteDelivery(of: envelope.record.uuid) }
            return .duplicate
        }
        var record = envelope.record
        if case .content(.transaction(let content)) = finding {
            record.transactionID = content.evidence.facts.transactionID
            record.originalTransactionID = content.evidence.facts.originalTransactionID
            // An expired leaf may be in wrong hands by now. What Apple's own host gave us came over TLS.
            let isExpired = min(content.leafNotAfter, envelope.leafNotAfter) < dependencies.clock.now()
            if isExpired, arrival.origin == .delivery { return try await ask(record, arrival) }
            return try await apply(content, record, standing, arrival)
        }
        nameTransaction(in: &record, by: envelope.claims)
        return try await end(record, finding, arrival)
    }

    /// What becomes of a notification that nothing is decided upon.
    private func end(
        _ notification: NotificationRecord, _ finding: Finding, _ arrival: Arrival
    ) async throws(LedgerError) -> Result {
        switch finding {
        case .otherApp:
            if let waiting = arrival.waiting { try await dependencies.ledger.refuseWaiting(waiting.uuid) }
            try await trace(
                Refusal(
                    refusal: TransactionRefusal.bundleMismatch.rawValue, step: "claims", code: "other_app",
                    detail: "a genuine notification is about another app"), arrival)
            return .otherApp
        case .notAllowed: return try await keep(notification, as: .notAllowed, .notAllowed)
        case .otherNumber:
            alarm("app_apple_id_mismatch", [LogKey.origin.rawValue: "\(arrival.origin.rawValue)"])
            return try await wait(notification, arrival)
        case .content(.refused(let refusal)):
            // Apple sends again what is answered 400. What its own history holds is not sent again: it is kept until a
            // version comes that can read it.
            guard arrival.origin == .history || arrival.waiting != nil else {
                return try await refuse(refusal, arrival)
            }
            alarm(
                "notification_unreadable",
                [LogKey.step.rawValue: "\(refusal.step)", LogKey.code.rawValue: "\(refusal.code)"])
            return try await wait(notification, arrival)
        case .doubtful, .content(.doubtful): return try await wait(notification, arrival)
        case .nameless, .content(.none), .content(.transaction): return try await keep(notification, as: .kept, .kept)
        }
    }

    private func keep(
        _ notification: NotificationRecord, as outcome: NotificationRecord.Outcome, _ result: Result
    ) async throws(LedgerError) -> Result {
        var record = notification
        record.outcome = outcome
        try await dependencies.ledger.keep(record)
        return result
    }

    /// Whether a stored notification needs nothing more.
    private func isFinal(_ outcome: NotificationRecord.Outcome, for arrival: Arrival) -> Bool {
        switch outcome {
        case .applied, .kept: true
        case .waiting: arrival.waiting == nil
        // From Apple's own host it counts, where by delivery it did not.
        case .asked: arrival.origin == .delivery
        // Settings, and what this version can verify, may be other than they were.
        case .notAllowed, .refused: false
        }
    }

    func alarm(_ code: String, _ metadata: Logger.Metadata) {
        dependencies.metrics.alarmRaised(code)
        dependencies.logger.error("alarm", metadata: metadata.merging([LogKey.alarm.rawValue: "\(code)"]) { $1 })
    }

    // MARK: Ends

    /// Apple is asked about the transaction in place of believing the notification.
    private func ask(_ notification: NotificationRecord, _ arrival: Arrival) async throws(LedgerError) -> Result {
        guard let id = notification.transactionID else { return .asked }
        var record = notification
        record.outcome = .asked
        let (_, decision) = try await decider.run(
            known: nil, cause: Decider.Cause(requestID: arrival.requestID, notification: record),
            load: { () async throws(LedgerError) in
                try await dependencies.ledger.chain(holding: id) ?? Chain(identity: .provisional(id))
            }, input: { _ in .mentioned(id) })
        // Known to be asked about already: then there is no event to come with.
        if case .record = decision { return .asked }
        try await dependencies.ledger.keep(record)
        return .asked
    }

    func wait(_ notification: NotificationRecord, _ arrival: Arrival) async throws(LedgerError) -> Result {
        var record = notification
        record.outcome = .waiting
        record.retryAt = arrival.retryAt(dependencies.clock.now())
        try await dependencies.ledger.keep(record)
        return .waiting
    }

    /// Nothing is stored but a trace; one that waited gets its end.
    private func refuse(_ refusal: Refusal, _ arrival: Arrival) async throws(LedgerError) -> Result {
        let metadata: Logger.Metadata = [
            LogKey.origin.rawValue: "\(arrival.origin.rawValue)", LogKey.step.rawValue: "\(refusal.step)",
            LogKey.code.rawValue: "\(refusal.code)",
        ]
        if arrival.origin == .delivery, arrival.waiting == nil {
            // Anybody can post here: counted, and no reason to wake anybody.
            dependencies.logger.debug("notification refused", metadata: metadata)
        } else {
            // Apple's own host gave it, or its chain was sound when it came.
            alarm("notification_refused", metadata)
        }
        try await trace(refusal, arrival)
        if let waiting = arrival.waiting { try await dependencies.ledger.refuseWaiting(waiting.uuid) }
        return .refused(refusal.detail)
    }

    private func trace(_ refusal: Refusal, _ arrival: Arrival) async throws(LedgerError) {
        try await dependencies.ledger.keep(
            RefusedSubmission(
                refusedAt: dependencies.clock.now(), source: arrival.origin.source, refusal: refusal.refusal,
                step: refusal.step, code: refusal.code, detail: refusal.detail,
                sha256: dependencies.cryptography.sha256(Array(arrival.jws.utf8)), transactionID: nil, account: nil,
                actor: nil, requestID: arrival.requestID))
    }
}

extension NotificationRecord.Origin {
    /// What evidence inside such a notification is called.
    var source: EvidenceSource {
        switch self {
        case .delivery: .notification
        case .history: .history
        }
    }
}
