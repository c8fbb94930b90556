import Logging
import PurchaseCore

/// Reads the histories of an account's customers at Apple, and takes in everything that is in them.
///
/// Each transaction is committed before the next is looked at, and a repeat changes nothing: an interrupted restore loses
/// nothing and may begin anew.
struct PurchaseRestorer: Sendable {
    /// Chains of the account that are looked at for its customers.
    static let tracesMax = 500
    /// Pages of one call.
    static let pagesMax = 5
    /// How long to wait after an answer that a repeat alone will hardly change.
    static let pauseAfterRefusal = Span.seconds(60)

    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let intake: HistoryIntake
    let lane: RequestLane
    /// From which of the account's chains it may begin.
    let beginnings: RestoreBeginnings
    /// When this call stops asking Apple.
    let deadline: ContinuousClock.Instant

    /// What is gathered on the way.
    private struct Progress {
        var cursor: RestoreCursor
        var pagesLeft = PurchaseRestorer.pagesMax
        var result = Restoration()
        var taken = HistoryIntake.Taken()
    }

    /// Why a history is not read further in this call.
    private enum Stop {
        /// It is read to its end.
        case finished
        /// The call's bounds are reached.
        case paused
        /// Apple gave no usable answer.
        case unanswered(AppStoreNonAnswer)
    }

    /// Goes on from a cursor, as far as the bounds of one call allow.
    ///
    /// `named` is the transaction that the caller has in hand.
    func run(
        from cursor: RestoreCursor, named: TransactionID?
    ) async throws(LedgerError) -> (result: Restoration, taken: HistoryIntake.Taken) {
        var progress = Progress(cursor: cursor)
        var isPaused = false
        while !isPaused, progress.cursor.done.count < RestoreCursor.historiesMax {
            let plan = RestorePlan(
                traces: try await dependencies.ledger.customerTraces(of: intake.account, limit: Self.tracesMax),
                stores: dependencies.policy.allowedEnvironments, beginnings: beginnings)
            guard let trace = plan.next(after: progress.cursor, seen: Set(progress.taken.chains.keys)) else {
                if let open = plan.waits(for: named) { progress.result.retryAt = retryAt(open.nextCheckAt) }
                break
            }
            switch try await read(trace, &progress) {
            case .finished: progress.cursor.finish()
            case .paused: isPaused = true
            case .unanswered(let answer):
                isPaused = true
                progress.result.retryAt = retryAt(after: answer, about: trace.transactionID)
            }
        }
        return (finish(progress, isPaused: isPaused), progress.taken)
    }

    private func finish(_ progress: Progress, isPaused: Bool) -> Restoration {
        var result = progress.result
        result.found = progress.taken.entries.count
        result.recorded = progress.taken.recorded
        result.claimed = progress.taken.claimed
        result.histories = progress.cursor.done.count
        result.next = isPaused ? progress.cursor : nil
        result.isComplete =
            !isPaused && result.retryAt == nil && !progress.cursor.hasGaps && progress.cursor.current == nil
            && progress.cursor.done.count < RestoreCursor.historiesMax
        return result
    }

    // MARK: One history

    private func read(_ trace: CustomerTrace, _ progress: inout Progress) async throws(LedgerError) -> Stop {
        guard let store = trace.store else { return .finished }
        if progress.cursor.current != trace.identity {
            progress.cursor.current = trace.identity
            progress.cursor.revision = nil
        }
        while true {
            let remaining = deadline - .now
            guard progress.pagesLeft > 0, remaining > .zero, !Task.isCancelled else { return .paused }
            progress.pagesLeft -= 1
            let revision = progress.cursor.revision
            let reply = await dependencies.appStore.transactionHistory(
                of: trace.transactionID, revision: revision, in: store, lane: lane,
                deadline: min(configuration.askTimeout, remaining))
            tell(reply.code, trace, store)
            switch reply {
            case .answered(let page):
                if page.hasMore, page.revision == revision {
                    return await malformed("the next page is the same one", about: trace)
                }
                if let doubt = try await take(page, trace, store, &progress) { return .unanswered(doubt) }
                guard page.hasMore else { return .finished }
                progress.cursor.revision = page.revision
            case .refusedRequest(400, Self.invalidRevision) where revision != nil:
                // A token of another time: the history is short, and what is known of it costs little.
                progress.cursor.revision = nil
            case .notFound:
                // Apple knew it once. Nothing more is to be learnt under this id.
                progress.cursor.hasGaps = true
                return .finished
            case .malformed(let detail):
                return await malformed(detail, about: trace)
            case .unauthorized, .refusedRequest, .throttled, .unavailable:
                return .unanswered(reply.nonAnswer(in: store) ?? .unavailable)
            }
        }
    }

    /// Apple's code for a revision that it did not give out (InvalidRequestRevisionError).
    private static let invalidRevision: Int64 = 4_000_005

    private func malformed(_ detail: String, about trace: CustomerTrace) async -> Stop {
        await intake.reader.keep(.malformed(detail), of: .history, about: trace.transactionID, jws: "")
        return .unanswered(.answerRefused)
    }

    /// Takes in a page; what stands in the way of the whole page, or `nil`.
    private func take(
        _ page: SignedTransactionsPage, _ trace: CustomerTrace, _ store: StoreEnvironment, _ progress: inout Progress
    ) async throws(LedgerError) -> AppStoreNonAnswer? {
        for jws in page.signedTransactions {
            switch await intake.reader.transaction(
                jws, from: store, as: .history, to: .customer(of: trace.transactionID))
            {
            case .undetermined: return .verificationUndetermined
            case .refused:
                intake.reader.raise(.answerRefused, about: trace.transactionID)
                progress.result.unverified += 1
                progress.cursor.hasGaps = true
            case .read(let signed):
                if try await !intake.take(signed, &progress.taken) {
                    progress.result.unverified += 1
                    progress.cursor.hasGaps = true
                }
            }
        }
        return nil
    }

    // MARK: Times

    /// When to go on after an answer that gave nothing.
    private func retryAt(after answer: AppStoreNonAnswer, about id: TransactionID) -> Instant {
        intake.reader.raise(answer, about: id)
        let now = dependencies.clock.now()
        switch answer {
        case .throttled(let moment): return retryAt(moment)
        case .unavailable, .verificationUndetermined, .notFound: return now + dependencies.policy.recheck.first
        case .unauthorized, .requestRefused, .answerRefused: return now + Self.pauseAfterRefusal
        }
    }

    private func retryAt(_ moment: Instant?) -> Instant {
        let soonest = dependencies.clock.now() + dependencies.policy.recheck.first
        return max(moment ?? soonest, soonest)
    }

    private func tell(_ outcome: String, _ trace: CustomerTrace, _ store: StoreEnvironment) {
        dependencies.logger.debug(
            "app store answered",
            metadata: [
                LogKey.transaction.rawValue: "\(trace.transactionID)", LogKey.environment.rawValue: "\(store.rawValue)",
                LogKey.outcome.rawValue: "\(outcome)", LogKey.lane.rawValue: "\(lane.rawValue)",
            ])
    }
}
