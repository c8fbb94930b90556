extension AppStoreSimulator {
    /// Get Notification History: everything that was to be sent, also what never was, 20 a page, oldest first.
    func notificationHistory(_ call: StoreCall, _ alteration: AnswerAlteration) throws(StoreFailure) -> StoreAnswer {
        let environment = call.environment
        let page = try withState { (state, now) throws(StoreFailure) in
            let outbox = state.outboxes[environment] ?? state.app.outbox(of: environment)
            let query = try NotificationHistoryQuery(call.body, in: environment, now: now) { type in
                outbox.numbers(after: 0).contains { outbox[$0]?.kind.notificationType == type }
            }
            let after = try query.number(of: call.values("paginationToken"), epoch: state.paginationEpoch)
            let customer = query.customer(in: state.book, environment: environment)
            // One more than a page holds, to know whether there is another.
            let numbers = outbox.numbers(after: after).lazy
                .filter { outbox[$0].map { query.allows($0, customer: customer) } ?? false }
                .prefix(Self.historyPageSize + 1)
            return NotificationPage(Array(numbers)) { query.token(after: $0, epoch: state.paginationEpoch) }
        }
        var history: [SimulatorJSON] = []
        for record in try records(page.numbers, in: environment) {
            history.append([
                "signedPayload": .string(try signedPayload(of: record, alteration)),
                "sendAttempts": .array(record.attempts.map(\.json)),
            ])
        }
        var answer = SimulatorJSONObject()
        answer["paginationToken"] = page.token.map(SimulatorJSON.string)
        answer["hasMore"] = .bool(page.token != nil)
        answer["notificationHistory"] = .array(history)
        return .json(answer)
    }

    /// Request a Test Notification: TEST goes to the environment's URL, if there is one.
    func requestTestNotification(_ call: StoreCall) throws(StoreFailure) -> StoreAnswer {
        let token = try withState { (state, now) throws(StoreFailure) -> String in
            guard state.notificationURLs[call.environment] != nil else { throw .store(.serverNotificationURLNotFound) }
            let number = state.announceWithout(.test, in: call.environment, now: now)
            guard let record = state.outboxes[call.environment]?[number] else { throw .store(.generalInternal) }
            return "\(record.notificationUUID)_\(record.createdAt)"
        }
        return .json(["testNotificationToken": .string(token)])
    }

    /// Get Test Notification Status: not yet available until an attempt was made.
    func testNotificationStatus(
        _ token: String, _ call: StoreCall, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> StoreAnswer {
        let parts = token.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 36, Int64(parts[1]) != nil else {
            throw .store(.invalidTestNotificationToken)
        }
        let found = withState { state, _ in state.outboxes[call.environment]?.find(String(parts[0])) }
        guard let found, found.kind == .test, !found.attempts.isEmpty,
            let record = try records([found.number], in: call.environment).first
        else { throw .store(.testNotificationNotFound) }
        return .json([
            "signedPayload": .string(try signedPayload(of: record, alteration)),
            "sendAttempts": .array(record.attempts.map(\.json)),
        ])
    }

    private func records(
        _ numbers: [Int], in environment: SimulatedEnvironment
    ) throws(StoreFailure) -> [NotificationRecord] {
        do {
            return try signedRecords(numbers, in: environment)
        } catch {
            throw .simulator(error)
        }
    }

    /// The genuine text, or what a fault of the call makes of it.
    private func signedPayload(
        of record: NotificationRecord, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> String {
        var altered: NotificationAlteration?
        if case .former(let oldSignedDate) = alteration.content { altered = .stale(keepingDate: oldSignedDate) }
        if let forgery = alteration.forgery {
            altered = altered ?? NotificationAlteration()
            altered?.envelopeForgery = forgery
        }
        guard let altered else {
            return record.content.text(with: record.chain, signatures: record.signatures ?? [])
        }
        do {
            return try signedPayload(of: record, altered: altered)
        } catch {
            throw .simulator(error)
        }
    }
}

/// One page of the notification history.
private struct NotificationPage: Sendable {
    let numbers: [Int]
    /// Leads to the next page; `nil`: there is none.
    let token: String?

    /// `found` can be longer than a page.
    init(_ found: [Int], token: (Int) -> String) {
        numbers = Array(found.prefix(AppStoreSimulator.historyPageSize))
        self.token = found.count > numbers.count ? numbers.last.map(token) : nil
    }
}
