import Testing

@testable import Postgres

@Suite("Statement cache")
struct StatementCacheTests {
    private func key(_ text: String, _ types: [UInt32] = []) -> StatementCache.Key {
        StatementCache.Key(text: text, types: types)
    }

    @Test("a statement is prepared once per text and types")
    func once() {
        var cache = StatementCache(capacity: 4)
        #expect(cache.use(key("a")) == .prepare(name: "s1"))
        #expect(cache.use(key("a")) == .execute(name: "s1"))
        cache.prepareSucceeded("s1")
        #expect(cache.use(key("a")) == .execute(name: "s1"))
        #expect(cache.use(key("a", [20])) == .prepare(name: "s2"))
    }

    @Test("a failed prepare is forgotten and leaves nothing to deallocate")
    func failedPrepare() {
        var cache = StatementCache(capacity: 4)
        _ = cache.use(key("a"))
        cache.prepareFailed("s1")
        #expect(cache.count == 0)
        #expect(cache.condemned == [])
        #expect(cache.use(key("a")) == .prepare(name: "s2"))
    }

    @Test("the least recently used statement goes, and is deallocated")
    func leastRecentlyUsed() {
        var cache = StatementCache(capacity: 2)
        for text in ["a", "b"] { _ = cache.use(key(text)) }
        cache.prepareSucceeded("s1")
        cache.prepareSucceeded("s2")
        _ = cache.use(key("a"))
        #expect(cache.use(key("c")) == .prepare(name: "s3"))
        #expect(cache.takeCondemned() == ["s2"])
        #expect(cache.takeCondemned() == [])
        #expect(cache.count == 2)
        #expect(cache.use(key("a")) == .execute(name: "s1"))
    }

    @Test("with nothing confirmed to evict, a further statement runs unprepared")
    func overflow() {
        var cache = StatementCache(capacity: 1)
        _ = cache.use(key("a"))
        #expect(cache.use(key("b")) == .unprepared)
        #expect(cache.count == 1)
    }
}
