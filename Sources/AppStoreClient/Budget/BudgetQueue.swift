import PurchaseCore
import PurchaseService
import Synchronization

/// The shell around ``BudgetLanes`` for one bucket: continuations, the draw on the shared budget, and the gate.
final class BudgetQueue: Sendable {
    private enum Signal {
        case granted, lead, refused, failed, cancelled
        case paused(retryAt: Instant?)
    }

    private struct State: ~Copyable {
        var lanes: BudgetLanes
        var gate = ThrottleGate()
        var nextID: UInt64 = 0
        var continuations: [BudgetLanes.WaiterID: CheckedContinuation<Signal, Never>] = [:]
        /// Signals for a waiter that leads, and therefore has no continuation to resume.
        var early: [BudgetLanes.WaiterID: Signal] = [:]
    }

    private let port: any RequestBudgetPort
    private let terms: BudgetTerms
    private let environment: StoreEnvironment
    private let endpointClass: EndpointClass
    private let time: ClientTime
    private let metrics: BucketMetrics
    private let state: Mutex<State>

    init(
        port: any RequestBudgetPort, terms: BudgetTerms, environment: StoreEnvironment, endpointClass: EndpointClass,
        time: ClientTime, waitersMax: Int, metrics: BucketMetrics
    ) {
        self.port = port
        self.terms = terms
        self.environment = environment
        self.endpointClass = endpointClass
        self.time = time
        self.metrics = metrics
        state = Mutex(
            State(
                lanes: BudgetLanes(
                    capacity: terms.capacity(environment: environment, endpointClass: endpointClass),
                    tokensPerHour: terms.tokensPerHour(environment: environment, endpointClass: endpointClass),
                    waitersMax: waitersMax)))
    }

    /// Waits for one token; ends promptly when the task is cancelled.
    func admission(lane: RequestLane) async -> RequestBudget.Admission {
        let id = state.withLock { state in
            state.nextID += 1
            return BudgetLanes.WaiterID(state.nextID)
        }
        return await withTaskCancellationHandler {
            var signal = await withCheckedContinuation { enter(id, lane: lane, continuation: $0) }
            while true {
                switch signal {
                case .lead: signal = await lead(id)
                case .granted: return .granted
                case .refused: return .exhausted
                case .failed: return .unavailable
                case .cancelled: return .cancelled
                case .paused(let retryAt): return .throttled(retryAt: retryAt)
                }
            }
        } onCancel: {
            leave(id)
        }
    }

    /// When the pause after a 429 ends; `nil` when there is none.
    var throttledUntil: Instant? {
        let closedUntil = state.withLock { $0.gate.closedUntil }
        return closedUntil.flatMap { $0 > time.wall() ? $0 : nil }
    }

    /// Takes in Apple's answer to a request that was sent at `askedAt`.
    func report(_ outcome: RequestBudget.Outcome, askedAt: Instant) {
        state.withLock { state in
            switch outcome {
            case .passed:
                state.gate.passed(askedAt: askedAt)
            case .throttled(let retryAt):
                state.gate.throttled(retryAt: retryAt, now: time.wall())
                carryOut(state.lanes.paused(), retryAt: retryAt, in: &state)
            }
            metrics.throttled(until: state.gate.closedUntil)
        }
    }

    private func enter(
        _ id: BudgetLanes.WaiterID, lane: RequestLane, continuation: CheckedContinuation<Signal, Never>
    ) {
        state.withLock { state in
            // The handler may have run already and found nobody; the flag is set before it runs, so it shows here.
            if Task.isCancelled { return continuation.resume(returning: .cancelled) }
            if case .closed(let retryAt) = state.gate.admit(now: time.wall()) {
                return continuation.resume(returning: .paused(retryAt: retryAt))
            }
            state.continuations[id] = continuation
            carryOut(state.lanes.arrived(id, in: lane, now: time.monotonic()), in: &state)
        }
    }

    private func leave(_ id: BudgetLanes.WaiterID) {
        state.withLock { state in
            carryOut(state.lanes.departed(id), in: &state)
            state.continuations.removeValue(forKey: id)?.resume(returning: .cancelled)
        }
    }

    /// Draws on the shared bucket for everybody until this waiter's own turn has come.
    private func lead(_ id: BudgetLanes.WaiterID) async -> Signal {
        while true {
            let (early, step) = state.withLock { state in
                (state.early.removeValue(forKey: id), state.lanes.leaderStep(id, now: time.monotonic()))
            }
            if let early { return early }
            switch step {
            case .nothing:
                // Only a cancelled waiter loses the lead without a signal: its handler has handed it on.
                return .cancelled
            case .wait(let span):
                // A cancelled sleep ends early, and the next step is `.nothing`.
                try? await time.sleep(span)
            case .draw(let count):
                await draw(count)
            }
            if Task.isCancelled { leave(id) }
        }
    }

    private func draw(_ count: Int) async {
        let request = terms.request(environment: environment, endpointClass: endpointClass, count: count)
        do {
            let block = try await port.takeTokens(request)
            metrics.took(block.count)
            state.withLock { state in
                let actions = state.lanes.blockReceived(
                    count: block.count, nextTokenIn: block.nextTokenIn, now: time.monotonic())
                carryOut(actions, in: &state)
            }
        } catch {
            // Our own cancellation says nothing about the database: the next leader asks again.
            if Task.isCancelled { return }
            state.withLock { state in carryOut(state.lanes.drawFailed(), in: &state) }
        }
    }

    private func carryOut(_ actions: [BudgetLanes.Action], retryAt: Instant? = nil, in state: inout State) {
        for action in actions {
            let (id, signal): (BudgetLanes.WaiterID, Signal) =
                switch action {
                case .grant(let id): (id, .granted)
                case .lead(let id): (id, .lead)
                case .refuse(let id): (id, .refused)
                case .fail(let id): (id, .failed)
                case .pause(let id): (id, .paused(retryAt: retryAt))
                }
            if let continuation = state.continuations.removeValue(forKey: id) {
                continuation.resume(returning: signal)
            } else {
                state.early[id] = signal
            }
        }
    }
}
