import PurchaseCore

/// Takes in everything that Apple lists for a slice of time: page by page, each notification through the intake.
struct HistoryWalk: Sendable {
    /// How a walk ended.
    enum End: Equatable {
        /// Every page was read.
        case finished
        /// A token expired, or there are too many pages: ask for a shorter slice.
        case tokenExpired
        /// Apple doesn't go back to the slice's beginning.
        case startTooFarInPast
        /// Not all was read, and that is why.
        case failed(HistoryFault)
        /// Cancelled, or the right to walk is lost.
        case stopped
    }

    /// What came of a walk.
    struct Outcome {
        var end: End
        var counts = HistoryCounts()
        /// The ledger refused one of the notifications for good; the others were taken in, and the slice isn't complete.
        var heldBackBy: HistoryFault?
    }

    let history: any NotificationHistoryPort
    let clock: WallClock
    let configuration: CoverageConfiguration
    let isUnreleased: Bool
    let receive: @Sendable (String) async throws(LedgerError) -> NotificationIntake.Result

    /// Walks over one slice; `beforeCall` runs before each call to Apple and can end the walk.
    ///
    /// A repeat, after whatever end, does no harm: the intake recognises what it has.
    func walk(
        _ slice: HistorySlice, in environment: StoreEnvironment, beforeCall: () async -> End?
    ) async -> Outcome {
        var outcome = Outcome(end: .finished)
        var token: String?
        for _ in 0..<configuration.pagesMax {
            let answer: NotificationHistoryAnswer
            switch await page(of: slice, token, in: environment, beforeCall) {
            case .answer(let given): answer = given
            case .end(let end):
                outcome.end = end
                return outcome
            }
            guard case .page(let payloads, let next) = answer else {
                outcome.end = end(for: answer, in: environment)
                return outcome
            }
            let fault = await receiveAll(payloads, &outcome.counts)
            if let fault, fault.isPassing {
                outcome.end = .failed(fault)
                return outcome
            }
            outcome.heldBackBy = outcome.heldBackBy ?? fault
            guard let next else { return outcome }
            token = next
        }
        outcome.end = .tokenExpired
        return outcome
    }

    private enum PageResult {
        case answer(NotificationHistoryAnswer)
        case end(End)
    }

    /// One page; what passes by itself within a moment is waited for here, so that a long slice need not start again.
    private func page(
        of slice: HistorySlice, _ token: String?, in environment: StoreEnvironment, _ beforeCall: () async -> End?
    ) async -> PageResult {
        var attempt = 0
        while true {
            if let end = await beforeCall() { return .end(end) }
            if Task.isCancelled { return .end(.stopped) }
            let answer = await history.notificationHistory(
                slice, paginationToken: token, in: environment, deadline: configuration.askTimeout)
            guard attempt < configuration.pageRepeatsMax, let pause = pause(after: answer, attempt) else {
                return .answer(answer)
            }
            do {
                try await configuration.sleep(.milliseconds(pause.milliseconds))
            } catch {
                return .end(.stopped)
            }
            attempt += 1
        }
    }

    /// How long to wait before the same page is asked for again; `nil` when that is not worth it.
    private func pause(after answer: NotificationHistoryAnswer, _ attempt: Int) -> Span? {
        let growing = Span.seconds(1 << Int64(min(attempt, 5)))
        switch answer {
        case .unavailable(.cancelled), .unavailable(.tokenNotSigned), .unavailable(.invalidIdentifier): return nil
        case .unavailable, .malformed: return growing
        case .throttled(let retryAt):
            guard let retryAt else { return growing }
            let pause = max(retryAt - clock.now(), .zero) + growing
            return pause <= configuration.pauseMax ? pause : nil
        case .page, .tokenExpired, .startTooFarInPast, .unauthorized, .refusedRequest: return nil
        }
    }

    private func end(for answer: NotificationHistoryAnswer, in environment: StoreEnvironment) -> End {
        switch answer {
        case .page: .finished
        case .tokenExpired: .tokenExpired
        case .startTooFarInPast: .startTooFarInPast
        case .unauthorized: .failed(isUnreleased && environment == .production ? .unreleased : .unauthorized)
        case .throttled(let retryAt): .failed(.throttled(retryAt: retryAt))
        case .refusedRequest(let status, let errorCode): .failed(.refusedRequest(status: status, errorCode: errorCode))
        case .unavailable(.cancelled): .stopped
        case .unavailable(let outage): .failed(.unavailable(outage))
        case .malformed: .failed(.malformed)
        }
    }

    /// Takes in the notifications of a page, a few at once; ends early when the ledger can't be reached.
    private func receiveAll(_ payloads: [String], _ counts: inout HistoryCounts) async -> HistoryFault? {
        let receive = receive
        return await withTaskGroup(of: Result<NotificationIntake.Result, LedgerError>.self) { group in
            var rest = payloads[...]
            let addNext = { (group: inout TaskGroup<Result<NotificationIntake.Result, LedgerError>>) in
                guard let payload = rest.popFirst() else { return }
                group.addTask {
                    do throws(LedgerError) {
                        return .success(try await receive(payload))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for _ in 0..<configuration.receiveAtOnce { addNext(&group) }
            var worst: HistoryFault?
            while let result = await group.next() {
                switch result {
                case .success(let received): counts.count(received)
                case .failure(let error):
                    let fault = HistoryFault.ledger(error.code)
                    // The passing one wins: what it stopped was not even tried.
                    if worst == nil || fault.isPassing { worst = fault }
                }
                if worst?.isPassing != true { addNext(&group) }
            }
            return worst
        }
    }
}
