import Crypto
import Foundation
import PurchaseCore
import Testing

@testable import AppStoreJWS

@Suite("The cache of verified chains")
struct ChainCacheTests {
    @Test("a second JWS of the same leaf is a hit, and its own signature still counts")
    func hit() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache()
        let verifier = try chain.verifier(cache: cache)
        #expect(await verifier.verifyTransaction(try chain.jws(), now: Moment.now).verified != nil)
        #expect(
            await verifier.verifyTransaction(try chain.jws(Payload.transaction(id: "2")), now: Moment.now).verified
                != nil)
        #expect(cache.statistics == .init(hits: 1, builds: 1))
        let other = try MintedChain(ChainRecipe(foreign: true))
        let forged = try other.jws(header: chain.header())
        #expect(await verifier.verifyTransaction(forged, now: Moment.now).failure == .signatureMismatch)
        #expect(cache.statistics == .init(hits: 2, builds: 1))
    }

    @Test("the digest is that of the whole text, cold and on a hit, also under a header that differs in its end")
    func digest() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache()
        let verifier = try chain.verifier(cache: cache)
        let other = try chain.header(extra: ",\"n\":1")
        for header in [nil, nil, other, other, nil] {
            let jws = try chain.jws(Payload.transaction(id: "7"), header: header)
            let verified = try #require(await verifier.verifyTransaction(jws, now: Moment.now).verified)
            #expect(verified.sha256 == Array(SHA256.hash(data: Data(jws.utf8))))
        }
        #expect(cache.statistics == .init(hits: 3, builds: 2))
    }

    @Test("validity at the evidence's own date is checked on a hit too")
    func validityOnHit() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache()
        let verifier = try chain.verifier(cache: cache)
        #expect(await verifier.verifyTransaction(try chain.jws(), now: Moment.now).verified != nil)
        let early = try chain.jws(Payload.transaction(signedDate: Moment.leafBegins - .days(1)))
        #expect(await verifier.verifyTransaction(early, now: Moment.now).failure == .notValidWhenSigned)
        #expect(cache.statistics.hits == 1)
    }

    @Test("a chain that failed is not kept")
    func failures() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache()
        let verifier = try chain.verifier(cache: cache)
        let foreign = try MintedChain(ChainRecipe(foreign: true))
        for _ in 0..<2 {
            #expect(await verifier.verifyTransaction(try foreign.jws(), now: Moment.now).failure == .rootUntrusted)
        }
        #expect(cache.count == 0)
        #expect(cache.statistics.builds == 2)
    }

    @Test("variants of a genuine header, which anybody can write, don't get in")
    func pollution() async throws {
        let chain = try MintedChain()
        let forger = try MintedChain(ChainRecipe(foreign: true))
        let cache = VerifiedChainCache(entriesMax: 2)
        let verifier = try chain.verifier(cache: cache)
        #expect(await verifier.verifyTransaction(try chain.jws(), now: Moment.now).verified != nil)
        for number in 0..<5 {
            let variant = try forger.jws(header: chain.header(extra: ",\"n\":\(number)"))
            #expect(await verifier.verifyTransaction(variant, now: Moment.now).failure == .signatureMismatch)
        }
        #expect(cache.count == 1)
        #expect(cache.flights.count == 0)
        let builds = cache.statistics.builds
        #expect(await verifier.verifyTransaction(try chain.jws(), now: Moment.now).verified != nil)
        #expect(cache.statistics.builds == builds)
    }

    @Test("no more entries than allowed; the least recently used one goes")
    func bound() async throws {
        let cache = VerifiedChainCache(entriesMax: 2)
        let chains = try (1...3).map { try MintedChain(ChainRecipe(leafSerial: $0)) }
        let verifier = try chains[0].verifier(cache: cache)
        for index in [0, 1, 0, 2] {
            #expect(await verifier.verifyTransaction(try chains[index].jws(), now: Moment.now).verified != nil)
            #expect(cache.count <= 2)
        }
        // 0 was used after 1, so 1 made room for 2.
        #expect(cache.statistics == .init(hits: 1, builds: 3))
        #expect(await verifier.verifyTransaction(try chains[0].jws(), now: Moment.now).verified != nil)
        #expect(cache.statistics == .init(hits: 2, builds: 3))
        #expect(await verifier.verifyTransaction(try chains[1].jws(), now: Moment.now).verified != nil)
        #expect(cache.statistics == .init(hits: 2, builds: 4))
    }

    @Test("an entry ends after its lifetime")
    func lifetime() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache(lifetime: .minutes(10))
        let verifier = try chain.verifier(cache: cache)
        for (minutes, builds) in [(0, 1), (9, 1), (10, 2)] as [(Int64, Int)] {
            let now = Moment.now + .minutes(minutes)
            #expect(await verifier.verifyTransaction(try chain.jws(), now: now).verified != nil)
            #expect(cache.statistics.builds == builds)
        }
    }

    @Test("an entry ends with its leaf, and comes back as one of an expired leaf")
    func certificateEnd() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache(lifetime: .days(1))
        let verifier = try chain.verifier(cache: cache)
        for (now, builds) in [
            (Moment.leafEnds - .minutes(1), 1), (Moment.leafEnds - .seconds(1), 1), (Moment.leafEnds, 2),
            (Moment.leafEnds + .hours(23), 2), (Moment.leafEnds + .hours(25), 3),
        ] {
            #expect(await verifier.verifyTransaction(try chain.jws(), now: now).verified != nil)
            #expect(cache.statistics.builds == builds)
        }
    }

    @Test("a chain that was verified under other roots proves nothing here")
    func otherRoots() async throws {
        let cache = VerifiedChainCache()
        let foreign = try MintedChain(ChainRecipe(foreign: true))
        let jws = try foreign.jws()
        #expect(try await foreign.verifier(cache: cache).verifyTransaction(jws, now: Moment.now).verified != nil)
        let result = try await MintedChain().verifier(cache: cache).verifyTransaction(jws, now: Moment.now)
        #expect(result.failure == .rootUntrusted)
    }

    @Test("many cold verifications at once build the chain once")
    func singleFlight() async throws {
        let chain = try MintedChain()
        let cache = VerifiedChainCache()
        let verifier = try chain.verifier(cache: cache)
        let texts = try (1...64).map { try chain.jws(Payload.transaction(id: String($0))) }
        let verified = await withTaskGroup(of: Bool.self) { group in
            for text in texts {
                group.addTask { await verifier.verifyTransaction(text, now: Moment.now).verified != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(verified == 64)
        #expect(cache.statistics.builds == 1)
        #expect(cache.flights.count == 0)
    }

    @Test("a forged JWS that comes first doesn't spoil the genuine ones that wait with it")
    func forgedLeader() async throws {
        let chain = try MintedChain()
        let forger = try MintedChain(ChainRecipe(foreign: true))
        let cache = VerifiedChainCache()
        let verifier = try chain.verifier(cache: cache)
        let forged = try forger.jws(header: chain.header())
        let genuine = try chain.jws()
        let verified = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<32 {
                group.addTask {
                    await verifier.verifyTransaction(index.isMultiple(of: 2) ? forged : genuine, now: Moment.now)
                        .verified != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(verified == 16)
        #expect(cache.count == 1)
        #expect(cache.flights.count == 0)
    }

    @Test("a cancelled caller still gets the truth: the work is local and short")
    func cancelled() async throws {
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let jws = try chain.jws()
        let result = await withTaskGroup(of: Bool.self) { group in
            group.cancelAll()
            group.addTask { await verifier.verifyTransaction(jws, now: Moment.now).verified != nil }
            return await group.next()
        }
        #expect(result == true)
    }
}

@Suite("Single flight", .timeLimit(.minutes(1)))
struct FlightTableTests {
    private func waitForWaiters(_ count: Int, _ table: FlightTable<String, Int>) async {
        while table.waiters(for: "k") < count { await Task.yield() }
    }

    @Test("one leads, the others get what it lands, and newcomers too until it closes")
    func flight() async {
        let table = FlightTable<String, Int>()
        guard case .lead = await table.board("k") else {
            Issue.record("the first doesn't lead")
            return
        }
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    guard case .joined(let value) = await table.board("k") else { return nil }
                    return value
                }
            }
            await waitForWaiters(10, table)
            table.land("k", 7)
            for await value in group { #expect(value == 7) }
        }
        guard case .joined(7) = await table.board("k") else {
            Issue.record("a newcomer before the end")
            return
        }
        table.close("k")
        #expect(table.count == 0)
        guard case .lead = await table.board("k") else {
            Issue.record("the next flight has no leader")
            return
        }
    }

    @Test("keys don't share flights")
    func keys() async {
        let table = FlightTable<String, Int>()
        guard case .lead = await table.board("a"), case .lead = await table.board("b") else {
            Issue.record("two keys, one leader")
            return
        }
        #expect(table.count == 2)
    }

    @Test("a leader without a result sends the others on")
    func noResult() async {
        let table = FlightTable<String, Int>()
        _ = await table.board("k")
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                guard case .joined(.none) = await table.board("k") else { return false }
                return true
            }
            await waitForWaiters(1, table)
            table.land("k", nil)
            #expect(await group.next() == true)
        }
    }

    @Test("a waiter that is cancelled leaves, before or while it waits")
    func cancellation() async {
        let table = FlightTable<String, Int>()
        _ = await table.board("k")
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                guard case .cancelled = await table.board("k") else { return false }
                return true
            }
            await waitForWaiters(1, table)
            group.cancelAll()
            #expect(await group.next() == true)
            group.addTask {
                guard case .cancelled = await table.board("k") else { return false }
                return true
            }
            #expect(await group.next() == true)
        }
        #expect(table.waiters(for: "k") == 0)
        table.land("k", 1)
        table.close("k")
        #expect(table.count == 0)
    }
}
