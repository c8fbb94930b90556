import AsyncHTTPClient
import NIOCore
import Testing

@testable import PurchaseAPI

@Suite("Time limits that share an alarm")
struct TimeLimiterTests {
    private let loop = HTTPClient.defaultEventLoopGroup.next()

    /// Waits until it is cancelled, and says so.
    @Sendable private static func waitForCancellation() async throws {
        let (stream, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
        try Task.checkCancellation()
    }

    @Test("what is done in time gives its value or its error, and is not cancelled")
    func inTime() async throws {
        let limiter = TimeLimiter()
        let value = try await limiter.run(.seconds(60), on: loop) { Task.isCancelled ? 0 : 7 }
        #expect(value == 7)
        await #expect(throws: Faulty.self) {
            try await limiter.run(.seconds(60), on: loop) { throw Faulty() }
        }
    }

    private struct Faulty: Error {}

    @Test("what takes too long is cancelled, and its caller told that it was too slow")
    func tooSlow() async throws {
        let limiter = TimeLimiter()
        let error = await #expect(throws: Problem.self) {
            try await limiter.run(.milliseconds(5), on: loop) { try await Self.waitForCancellation() }
        }
        #expect(error?.code == Problem.tooSlow.code)
        #expect(!Task.isCancelled, "the caller itself goes on")
    }

    @Test("each is cancelled by its own limit, also one that began later and is due earlier")
    func order() async throws {
        let limiter = TimeLimiter()
        let loop = loop
        // In which order they hear of it is the machine's business: a stalled one finds all of them due at once.
        let ended = await withTaskGroup(of: Int.self) { group in
            for milliseconds in [200, 20, 100] {
                group.addTask {
                    _ = try? await limiter.run(.milliseconds(milliseconds), on: loop) {
                        try await Self.waitForCancellation()
                    }
                    return milliseconds
                }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(ended == [20, 100, 200])
        // The alarm is set anew after it has rung.
        await #expect(throws: Problem.self) {
            try await limiter.run(.milliseconds(5), on: loop) { try await Self.waitForCancellation() }
        }
    }

    @Test("the caller's own cancellation reaches the operation, and is not taken for lateness")
    func cancelled() async throws {
        let limiter = TimeLimiter()
        let loop = loop
        let task = Task {
            try await limiter.run(.seconds(60), on: loop) { try await Self.waitForCancellation() }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
