import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Waiting for changes", .timeLimit(.minutes(15)))
struct ChangeFeedTests {
    /// A feed whose pauses a test sees, and ends.
    private struct Held {
        let feed: ChangeFeed
        /// One element for each pause that begins.
        let pauses: AsyncStream<Void>
        /// Ends the pauses, and all later ones.
        let release: @Sendable () -> Void
        let pausesCount: Box<Int>

        init(_ stack: TestStack, waitersMax: Int = 64) {
            let (pauses, began) = AsyncStream.makeStream(of: Void.self)
            let (going, go) = AsyncStream.makeStream(of: Void.self)
            let count = Box(0)
            var configuration = ChangeFeed.Configuration()
            configuration.waitersMax = waitersMax
            configuration.pause = { _ in
                count.update { $0 += 1 }
                began.yield()
                for await _ in going {}
                try Task.checkCancellation()
            }
            feed = ChangeFeed(ledger: stack.store, configuration: configuration)
            self.pauses = pauses
            release = { go.finish() }
            pausesCount = count
        }

        /// Returns once so many readers wait.
        func waiting(_ count: Int) async { while feed.waiting != count { await Task.yield() } }

        /// Returns once another pause has begun.
        func paused() async { for await _ in pauses { break } }
    }

    @Test("all who wait are woken by the next change, whoever commits it, and one of them looks for all")
    func woken() async throws {
        try await TestStack.with { stack in
            let held = Held(stack)
            let feed = held.feed
            try await withThrowingTaskGroup(of: [RecordedChange].self) { group in
                for _ in 0..<10 {
                    group.addTask { try await feed.changes(after: 0, wait: .seconds(30), limit: 10) }
                }
                await held.waiting(10)
                await held.paused()
                #expect(held.pausesCount.value == 1)
                _ = try await stack.api.post("ada", try stack.bought())
                held.release()
                for try await changes in group {
                    #expect(changes.first?.accountID == nil && changes.first?.position == 1, "woken, and not timed out")
                }
            }
            #expect(feed.waiting == 0)
        }
    }

    @Test("when the reader that looks for all is cancelled, it ends at once and another one looks")
    func handedOver() async throws {
        try await TestStack.with { stack in
            let held = Held(stack)
            let feed = held.feed
            let leader = Task { try await feed.changes(after: 0, wait: .seconds(600), limit: 10) }
            await held.paused()
            async let other = feed.changes(after: 0, wait: .seconds(30), limit: 10)
            await held.waiting(2)
            leader.cancel()
            let nothing = try await leader.value
            #expect(nothing.isEmpty)
            await held.paused()
            _ = try await stack.api.post("ada", try stack.bought())
            held.release()
            let news = try await other
            #expect(!news.isEmpty)
        }
    }

    @Test("beyond the bound a reader is answered at once; a cancelled crowd leaves at once and frees its places")
    func bounded() async throws {
        try await TestStack.with { stack in
            let held = Held(stack, waitersMax: 3)
            let feed = held.feed
            let crowd = Task {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<3 {
                        group.addTask { try await feed.changes(after: 0, wait: .seconds(600), limit: 10).isEmpty }
                    }
                    return try await group.allSatisfy { $0 }
                }
            }
            await held.waiting(3)
            #expect(try await feed.changes(after: 0, wait: .seconds(600), limit: 10).isEmpty)
            crowd.cancel()
            let areEmpty = try await crowd.value
            #expect(areEmpty)
            #expect(feed.waiting == 0)
        }
    }

    @Test("nothing came: an empty answer with the same cursor, after the wait")
    func nothing() async throws {
        try await TestStack.with { stack in
            for wait in [0, 1] {
                let answer = try await stack.api.get("/v1/changes?after=7&wait=\(wait)")
                #expect(answer.text == #"{"changes":[],"nextCursor":"7"}"#)
            }
        }
    }
}
