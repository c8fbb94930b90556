package import Logging
package import Metrics
package import PurchaseCore
package import PurchaseService
import ServiceLifecycle
import Synchronization

/// Judges users' tokens by the provider's keys, which one loop fetches: in the background while those at hand will do, and
/// awaited by tokens that need newer ones.
///
/// However many tokens with made-up key ids come, the keys are fetched at most once per ``KeySetTimes/pause``.
package final class UserTokenChecker: UserTokenPort {
    /// The longest that a token waits for keys; longer than a fetch may take.
    package static let waitMax = Duration.seconds(6)

    private struct State {
        var cache: KeySetCache
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
        /// Nobody fetches any more: waiting would be in vain.
        var isStopped = false
    }

    private let rules: UserTokenRules
    private let fetch: @Sendable () async throws(KeySetFault) -> [UInt8]
    private let now: @Sendable () -> Instant
    private let logger: Logger
    private let metrics: any MetricsFactory
    private let state: Mutex<State>
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation

    /// Puts the parts together; ``run()`` must run for tokens to be judged.
    ///
    /// `fetch` brings the JSON Web Key Set as it is, in less than ``waitMax``, and never more than ``KeySet/bytesMax``.
    package init(
        rules: UserTokenRules, times: KeySetTimes, now: @escaping @Sendable () -> Instant, logger: Logger,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        fetch: @escaping @Sendable () async throws(KeySetFault) -> [UInt8]
    ) {
        self.rules = rules
        self.fetch = fetch
        self.now = now
        self.logger = logger
        self.metrics = metrics
        state = Mutex(State(cache: KeySetCache(times: times)))
        // One wish stands for any number of them.
        (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        wish.yield()
    }

    // MARK: Judging

    /// See ``UserTokenPort/check(_:)``.
    package func check(_ token: String) async -> UserTokenAnswer {
        let answer = await judge(token)
        let outcome =
            switch answer {
            case .account: "accepted"
            case .refused(let refusal): refusal.rawValue
            case .undetermined: "undetermined"
            }
        Counter(label: "vouch_user_tokens_total", dimensions: [("outcome", outcome)], factory: metrics).increment()
        if case .refused(let refusal) = answer {
            logger.debug("user token refused", metadata: [LogKey.reason.rawValue: "\(refusal.rawValue)"])
        }
        return answer
    }

    private func judge(_ text: String) async -> UserTokenAnswer {
        let token: SignedToken
        do throws(UserTokenRefusal) {
            token = try SignedToken(text)
        } catch {
            return .refused(error)
        }
        guard let keys = await keys() else { return .undetermined }
        switch rules.judge(token, by: keys, now: now()) {
        case .account(let account): return .account(account)
        case .refused(let refusal): return .refused(refusal)
        case .otherKeysNeeded: return await judgeAnew(token)
        }
    }

    /// The set in force; waits for one when there is none that may be used as it is.
    private func keys() async -> KeySet? {
        let moment = now()
        switch state.withLock({ $0.cache.advice(at: moment) }) {
        case .unavailable: return nil
        case .use(let keys, let refresh):
            if refresh { wish.yield() }
            return keys
        case .wait:
            await awaitAttempt { cache in
                if case .wait = cache.advice(at: moment) { true } else { false }
            }
            return state.withLock { $0.cache.lastResort(at: now()) }
        }
    }

    /// Judges a token that names a key which the set at hand lacks.
    private func judgeAnew(_ token: SignedToken) async -> UserTokenAnswer {
        let unknown: UserTokenRefusal = token.keyID == nil ? .signatureInvalid : .keyUnknown
        let moment = now()
        await awaitAttempt { cache in
            if case .wait = cache.adviceOnUnknownKey(at: moment) { true } else { false }
        }
        let (keys, advice) = state.withLock { state in
            (state.cache.lastResort(at: now()), state.cache.adviceOnUnknownKey(at: now()))
        }
        guard let keys else { return .undetermined }
        switch rules.judge(token, by: keys, now: now()) {
        case .account(let account): return .account(account)
        case .refused(let refusal): return .refused(refusal)
        case .otherKeysNeeded:
            switch advice {
            case .unknown: return .refused(unknown)
            // Not asked in time, or in vain: the provider may have a key that we have not seen.
            case .wait, .undetermined: return .undetermined
            }
        }
    }

    // MARK: Waiting

    /// Has an attempt made, and waits for its end, if that is still called for at the moment of joining.
    private func awaitAttempt(if isCalledFor: @escaping @Sendable (KeySetCache) -> Bool) async {
        await withTaskGroup { group in
            group.addTask { await self.join(if: isCalledFor) }
            group.addTask { try? await Task.sleep(for: Self.waitMax) }
            await group.next()
            group.cancelAll()
        }
    }

    private func join(if isCalledFor: @Sendable (KeySetCache) -> Bool) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let joins = state.withLock { state in
                    guard !state.isStopped, !Task.isCancelled, isCalledFor(state.cache) else { return false }
                    state.waiters[waiter] = continuation
                    return true
                }
                if joins { wish.yield() } else { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
        }
    }

    // MARK: Fetching

    /// Fetches the keys at once, and then whenever a token calls for newer ones, until shut down.
    package func run() async {
        await cancelWhenGracefulShutdown {
            for await _ in self.wishes {
                guard self.state.withLock({ $0.cache.begin(at: self.now()) }) else { continue }
                await self.attempt()
            }
        }
        let waiters = state.withLock { state in
            state.isStopped = true
            return Self.takeWaiters(of: &state)
        }
        for waiter in waiters { waiter.resume() }
    }

    private func attempt() async {
        var outcome = "read"
        let waiters: [CheckedContinuation<Void, Never>]
        do throws(KeySetFault) {
            let keys = try KeySet(json: try await fetch())
            waiters = state.withLock { state in
                state.cache.succeeded(keys, at: now())
                return Self.takeWaiters(of: &state)
            }
            logger.debug(
                "user keys read",
                metadata: [
                    LogKey.keys.rawValue: "\(keys.count)",
                    LogKey.skipped.rawValue: "\(keys.skipped.values.reduce(0, +))",
                ])
        } catch {
            outcome = error.rawValue
            waiters = state.withLock { state in
                state.cache.failed(at: now())
                return Self.takeWaiters(of: &state)
            }
            logger.warning("user keys can't be read", metadata: [LogKey.fault.rawValue: "\(error.rawValue)"])
        }
        Counter(label: "vouch_user_key_fetches_total", dimensions: [("outcome", outcome)], factory: metrics).increment()
        for waiter in waiters { waiter.resume() }
    }

    private static func takeWaiters(of state: inout State) -> [CheckedContinuation<Void, Never>] {
        defer { state.waiters = [:] }
        return Array(state.waiters.values)
    }
}

/// The metadata keys of this module's log lines; never a token, a claim or a key.
private enum LogKey: String {
    case fault
    case keys
    case reason
    case skipped
}
