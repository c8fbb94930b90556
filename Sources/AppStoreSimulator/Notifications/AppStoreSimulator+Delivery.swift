/// Makes one attempt: posts the delivery's body to its URL and says how that went.
///
/// It must return within a time of its own choice; the simulator waits for it.
package typealias NotificationSender = @Sendable (_ delivery: NotificationDelivery) async -> SendAttemptResult

extension AppStoreSimulator {
    /// How many attempts are prepared at once: the text of each is about 16 KB.
    private static let deliveriesPerBatch = 500

    /// When the next attempt is due, in any environment with a URL: milliseconds since 1970 UTC, by the simulator's
    /// clock.
    package var nextNotificationAt: Int64? {
        withState { state, _ in
            state.notificationURLs.keys.compactMap { state.outboxes[$0]?.nextAttemptAt() }.min()
        }
    }

    /// Takes the attempts that are due by now, in order; each one must be given back to ``finish(_:with:)``, in any
    /// order.
    ///
    /// At most `limit` notifications; a repeated one comes as several attempts in a row. Throws
    /// ``SimulatorError/material(_:)``.
    package func takeDueNotifications(
        in environment: SimulatedEnvironment? = nil, limit: Int = .max
    ) throws(SimulatorError) -> [NotificationDelivery] {
        var deliveries: [NotificationDelivery] = []
        for environment in environment.map({ [$0] }) ?? SimulatedEnvironment.allCases {
            let (url, due, now) = withState { state, now -> (String?, [NotificationRecord], Int64) in
                guard let url = state.notificationURLs[environment] else { return (nil, [], now) }
                return (url, state.outboxes[environment]?.takeDue(now: now, limit: limit) ?? [], now)
            }
            guard let url, !due.isEmpty else { continue }
            for record in try signedRecords(due.map(\.number), in: environment) {
                let text =
                    if let alteration = record.alteration {
                        try signedPayload(of: record, altered: alteration)
                    } else {
                        record.content.text(with: record.chain, signatures: record.signatures ?? [])
                    }
                for copy in 0..<record.copies {
                    deliveries.append(
                        NotificationDelivery(
                            environment: environment, notificationUUID: record.notificationUUID, url: url,
                            signedPayload: text, isRepeat: copy > 0, attemptDate: now, number: record.number))
                }
            }
        }
        return deliveries
    }

    /// Writes down how an attempt went, and plans the next one by Apple's schedule; further copies aren't recorded.
    package func finish(_ delivery: NotificationDelivery, with result: SendAttemptResult) {
        withState { state, _ in state.outboxes[delivery.environment]?.finish(delivery, with: result) }
    }

    /// Makes every attempt that is due by the simulator's clock, at most `concurrencyMax` at a time; how many there
    /// were, copies included.
    ///
    /// With a concurrency of 1 they are made strictly in order. Retries that come due later wait for the next call.
    /// Throws ``SimulatorError/material(_:)``.
    @discardableResult
    package func deliverDue(
        in environment: SimulatedEnvironment? = nil, concurrencyMax: Int = 8, using send: @escaping NotificationSender
    ) async throws(SimulatorError) -> Int {
        var count = 0
        while !Task.isCancelled {
            let batch = try takeDueNotifications(in: environment, limit: Self.deliveriesPerBatch)
            guard !batch.isEmpty else { break }
            count += batch.count
            await deliver(batch, concurrencyMax: max(1, concurrencyMax), using: send)
        }
        return count
    }

    /// Delivers what comes due until the task is cancelled, looking again after each `interval`.
    ///
    /// Throws ``SimulatorError/material(_:)``.
    package func deliverUntilCancelled(
        every interval: Duration, concurrencyMax: Int = 8, using send: @escaping NotificationSender
    ) async throws(SimulatorError) {
        while !Task.isCancelled {
            try await deliverDue(concurrencyMax: concurrencyMax, using: send)
            // Cancellation ends the wait, and then the loop.
            try? await Task.sleep(for: interval)
        }
    }

    private func deliver(
        _ batch: [NotificationDelivery], concurrencyMax: Int, using send: @escaping NotificationSender
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for (index, delivery) in batch.enumerated() {
                if index >= concurrencyMax { await group.next() }
                group.addTask { self.finish(delivery, with: await send(delivery)) }
            }
        }
    }
}
