extension AppStoreSimulator.State {
    /// Makes the notification of a change that has just happened to a transaction.
    ///
    /// `data` is laid over the envelope's member.
    @discardableResult
    mutating func announce(
        _ kind: NotificationKind, about key: TransactionKey, data: SimulatorJSONObject = SimulatorJSONObject(),
        now: Int64
    ) -> Int? {
        guard let transaction = book.transactions[key] else { return nil }
        var inner = [
            NotificationContent.Inner(
                name: NotificationContent.transactionName, payload: book.issue(key, now: now))
        ]
        var member = app.identity(in: key.environment)
        if let bundleID = transaction.fields["bundleId"]?.stringValue { member["bundleId"] = .string(bundleID) }
        member["bundleVersion"] = "1"
        if transaction.type == .autoRenewable, let renewal = book.issueRenewal(ofChainOf: key, now: now) {
            inner.append(.init(name: NotificationContent.renewalName, payload: renewal.info))
            member["status"] = .integer(renewal.status)
        }
        member.apply(data)
        let subject = NotificationRecord.Subject(
            transactionID: key.id, originalTransactionID: transaction.originalID,
            appTransactionID: transaction.appTransactionID)
        return send(
            kind, in: key.environment, memberName: "data", member: member, inner: inner, subject: subject,
            former: transaction.earlier.last, now: now)
    }

    /// Makes the notifications of a purchase that was taken back, or given back: the customer's, and one for each
    /// family member who lost, or regained, the purchase.
    ///
    /// `affected` are the transactions that changed, the named one first; restored copies have no notification.
    mutating func announce(
        _ kind: NotificationKind, members memberKind: NotificationKind, affected: [TransactionKey], now: Int64
    ) {
        var purchases: Set<Int> = []
        for key in affected {
            guard let transaction = book.transactions[key], purchases.insert(transaction.purchase).inserted else {
                continue
            }
            announce(transaction.isFamilyShared ? memberKind : kind, about: key, now: now)
        }
    }

    /// Makes a notification without a transaction: `data`, `summary`, `externalPurchaseToken` or `appData`.
    @discardableResult
    mutating func announce(
        _ kind: NotificationKind, in environment: SimulatedEnvironment, memberName: String,
        member: SimulatorJSONObject, inner: [NotificationContent.Inner] = [], now: Int64
    ) -> Int {
        send(
            kind, in: environment, memberName: memberName, member: member, inner: inner, subject: nil, former: nil,
            now: now)
    }

    private mutating func send(
        _ kind: NotificationKind, in environment: SimulatedEnvironment, memberName: String,
        member: SimulatorJSONObject, inner: [NotificationContent.Inner], subject: NotificationRecord.Subject?,
        former: SimulatedTransaction.Version?, now: Int64
    ) -> Int {
        let uuid = book.ids.uuid()
        // What is inside can be dated ahead of the clock by some milliseconds, and the envelope was signed after it. A
        // date that a test chose says nothing about now.
        let innerDates = inner.compactMap { $0.payload["signedDate"]?.integerValue }
        let signedDate = innerDates.filter { $0 < now + Milliseconds.minute }.reduce(now, max)
        var envelope: SimulatorJSONObject = ["notificationType": .string(kind.notificationType)]
        envelope["subtype"] = kind.subtype.map(SimulatorJSON.string)
        envelope["notificationUUID"] = .string(uuid)
        envelope[memberName] = .null
        envelope["version"] = "2.0"
        envelope["signedDate"] = .integer(signedDate)
        let record = NotificationRecord(
            environment: environment, kind: kind, notificationUUID: uuid, subject: subject, createdAt: signedDate,
            content: NotificationContent(
                envelope: envelope, memberName: memberName, member: member, inner: inner, formerTransaction: former),
            chain: chain, progress: .scheduled(at: now))
        // Two fields of the state at once: the queue asks for chances while it is being changed.
        var ids = book.ids
        let faults = notificationFaults.take(for: record) { ids.happens(probability: $0) }
        book.ids = ids
        return outboxes[environment, default: app.outbox(of: environment)].add(record, meeting: faults)
    }
}

/// What every notification says about the app, and how its notifications are kept.
struct NotifyingApp: Sendable {
    let bundleID: String
    let appAppleID: Int64
    let notificationsMax: Int
    let retryHourMilliseconds: Int64

    init(_ configuration: AppStoreSimulator.Configuration) {
        bundleID = configuration.bundleID
        appAppleID = configuration.appAppleID
        notificationsMax = max(1, configuration.notificationsMax)
        retryHourMilliseconds = max(1, configuration.retryHourMilliseconds)
    }

    /// The members that name the app; the sandbox leaves its number out.
    func identity(in environment: SimulatedEnvironment) -> SimulatorJSONObject {
        var identity = SimulatorJSONObject()
        switch environment {
        case .production: identity["appAppleId"] = .integer(appAppleID)
        case .sandbox: break
        }
        identity["bundleId"] = .string(bundleID)
        identity["environment"] = .string(environment.rawValue)
        return identity
    }

    func outbox(of environment: SimulatedEnvironment) -> NotificationOutbox {
        NotificationOutbox(
            environment: environment, notificationsMax: notificationsMax,
            retryHourMilliseconds: retryHourMilliseconds)
    }
}
