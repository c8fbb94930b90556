extension AppStoreSimulator {
    /// Says where an environment's notifications go; `nil`: nowhere, and what is due waits.
    ///
    /// Throws ``SimulatorError/invalid(_:)`` for anything but an `http` or `https` URL.
    package func setNotificationURL(
        _ url: String?, in environment: SimulatedEnvironment
    ) throws(SimulatorError) {
        if let url { try Self.checkNotificationURL(url) }
        withState { state, _ in state.notificationURLs[environment] = url }
    }

    /// Refuses what is no `http` or `https` URL, or too long for one.
    static func checkNotificationURL(_ url: String) throws(SimulatorError) {
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), url.utf8.count <= 2048 else {
            throw .invalid("a notification URL must be an http or https URL")
        }
    }

    /// Where an environment's notifications go.
    package func notificationURL(in environment: SimulatedEnvironment) -> String? {
        withState { state, _ in state.notificationURLs[environment] }
    }

    /// How many notifications were ever made in an environment.
    package func notificationsCount(in environment: SimulatedEnvironment) -> Int {
        withState { state, _ in state.outboxes[environment]?.count ?? 0 }
    }

    /// The notifications of an environment in the order in which they were made, those with a number after `number`.
    ///
    /// Signs what nobody has asked for before. Throws ``SimulatorError/material(_:)``.
    package func notifications(
        in environment: SimulatedEnvironment, after number: Int = 0, limit: Int = .max
    ) throws(SimulatorError) -> [SimulatedNotification] {
        let numbers = withState { state, _ in
            Array((state.outboxes[environment]?.numbers(after: number) ?? 0..<0).prefix(limit))
        }
        return try signedNotifications(numbers, in: environment)
    }

    /// The notifications of an environment that aren't done with: scheduled, held or in flight.
    ///
    /// Throws ``SimulatorError/material(_:)``.
    package func pendingNotifications(
        in environment: SimulatedEnvironment
    ) throws(SimulatorError) -> [SimulatedNotification] {
        let numbers = withState { state, _ -> [Int] in
            guard let outbox = state.outboxes[environment] else { return [] }
            return outbox.numbers(after: 0).filter { outbox[$0]?.isPending == true }
        }
        return try signedNotifications(numbers, in: environment)
    }

    /// One notification.
    ///
    /// Throws ``SimulatorError``: `invalid` (there is none of this UUID), `material`.
    package func notification(_ notificationUUID: String) throws(SimulatorError) -> SimulatedNotification {
        let record = try find(notificationUUID)
        guard let notification = try signedNotifications([record.number], in: record.environment).first else {
            throw .invalid("there is no notification \(notificationUUID) any more")
        }
        return notification
    }

    /// A notification as a forger, or a bad day, would deliver it.
    ///
    /// Nothing is recorded. Throws ``SimulatorError``: `invalid` (there is none of this UUID), `material`.
    package func signedPayload(
        of notificationUUID: String, altered alteration: NotificationAlteration
    ) throws(SimulatorError) -> String {
        try signedPayload(of: try find(notificationUUID), altered: alteration)
    }

    /// Makes a notification of any type on command.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `invalid`, `conflict` (renewal info without a subscription),
    /// `material`.
    @discardableResult
    package func notify(_ request: SimulatedNotificationRequest) throws(SimulatorError) -> SimulatedNotification {
        guard (1...100).contains(request.kind.notificationType.utf8.count),
            (0...100).contains(request.kind.subtype?.utf8.count ?? 0)
        else { throw .invalid("notificationType must have 1 to 100 bytes, subtype at most 100") }
        let (environment, number) = try withState { (state, now) throws(SimulatorError) in
            try state.announce(request, now: now)
        }
        guard let notification = try signedNotifications([number], in: environment).first else {
            throw .full("the notification was forgotten at once: too many are made")
        }
        return notification
    }

    /// Lets notifications go wrong that are made from now on; the fault's number.
    ///
    /// Throws ``SimulatorError``: `invalid`, `full`.
    @discardableResult
    package func injectNotificationFault(_ fault: NotificationFault) throws(SimulatorError) -> Int {
        try withState { (state, _) throws(SimulatorError) in try state.notificationFaults.add(fault) }
    }

    /// Removes a notification fault; whether there was one of this number.
    @discardableResult
    package func removeNotificationFault(_ id: Int) -> Bool {
        withState { state, _ in state.notificationFaults.remove(id) }
    }

    /// Removes every notification fault; what they did to earlier notifications stays.
    package func removeAllNotificationFaults() {
        withState { state, _ in state.notificationFaults.removeAll() }
    }

    /// Makes held notifications due now, in the order in which they were made, or shuffled by the seed; how many.
    @discardableResult
    package func releaseHeldNotifications(
        in environment: SimulatedEnvironment? = nil, shuffled isShuffled: Bool = false
    ) -> Int {
        withState { state, now in
            var released = 0
            var ids = state.book.ids
            for environment in environment.map({ [$0] }) ?? SimulatedEnvironment.allCases {
                released += state.outboxes[environment]?.release(now: now) { isShuffled ? ids.shuffled($0) : $0 } ?? 0
            }
            state.book.ids = ids
            return released
        }
    }

    /// Lets the notification history's pagination tokens that were given out so far expire: 400 / 4000017.
    package func expirePaginationTokens() {
        withState { state, _ in state.paginationEpoch += 1 }
    }

    private func find(_ notificationUUID: String) throws(SimulatorError) -> NotificationRecord {
        let record = withState { state, _ in
            let outboxes = state.outboxes
            return SimulatedEnvironment.allCases.lazy.compactMap { outboxes[$0]?.find(notificationUUID) }.first
        }
        guard let record else { throw .invalid("there is no notification \(notificationUUID)") }
        return record
    }

    private func signedNotifications(
        _ numbers: [Int], in environment: SimulatedEnvironment
    ) throws(SimulatorError) -> [SimulatedNotification] {
        var notifications: [SimulatedNotification] = []
        notifications.reserveCapacity(numbers.count)
        for record in try signedRecords(numbers, in: environment) {
            notifications.append(SimulatedNotification(record, signatures: record.signatures ?? []))
        }
        return notifications
    }

    /// The records of these numbers that are still kept, each with its signatures; signs outside of the lock.
    func signedRecords(
        _ numbers: [Int], in environment: SimulatedEnvironment
    ) throws(SimulatorError) -> [NotificationRecord] {
        let unsigned = withState { state, _ in
            numbers.compactMap { state.outboxes[environment]?[$0] }.filter { $0.signatures == nil }
        }
        var made: [Int: [String]] = [:]
        for record in unsigned { made[record.number] = try record.content.signatures(with: record.chain) }
        let (signed, signatures) = (numbers, made)
        return withState { state, _ in
            for (number, signatures) in signatures { state.outboxes[environment]?.keep(signatures, for: number) }
            return signed.compactMap { state.outboxes[environment]?[$0] }.filter { $0.signatures != nil }
        }
    }

    /// The text of an altered notification.
    func signedPayload(
        of record: NotificationRecord, altered alteration: NotificationAlteration
    ) throws(SimulatorError) -> String {
        let signer = signer
        return try record.content.altered(by: alteration).text { (_, name, payload) throws(SimulatorError) in
            guard let forgery = alteration.forgery(ofInner: name) else {
                return try TransactionSigner.sign(payload, with: record.chain)
            }
            return try signer.sign(payload, forgery: forgery)
        }
    }
}
