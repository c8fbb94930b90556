import Hummingbird
import Synchronization

/// Counts the requests under way, and says when there are too many.
///
/// Refusing at once is kinder than queueing: whoever waits in a queue gives up before its turn comes, and posts again.
package final class ConcurrencyLimiter: Sendable {
    private let max: Int
    private let running = Atomic<Int>(0)

    /// Lets `max` in at once.
    package init(max: Int) { self.max = max }

    /// Takes a place; every `true` is followed by one ``leave()``.
    package func enter() -> Bool {
        let (_, now) = running.add(1, ordering: .relaxed)
        guard now > max else { return true }
        leave()
        return false
    }

    /// Gives a place back.
    package func leave() { running.subtract(1, ordering: .relaxed) }
}

/// Answers 503 to what comes beyond the bound.
struct ConcurrencyLimitMiddleware: RouterMiddleware {
    let limiter: ConcurrencyLimiter

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        guard limiter.enter() else { throw Problem.overloaded(retryAfterSeconds: 1) }
        defer { limiter.leave() }
        return try await next(request, context)
    }
}
