import Logging
import PurchaseCore
import PurchaseService
import Synchronization
import TestSupport
import Testing

@testable import UserTokens

/// A provider that answers what a test says, and counts.
final class FakeProvider: Sendable {
    private struct State {
        var answer: Result<[UInt8], KeySetFault>
        var fetches = 0
        var now = noon
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    init(_ answer: Result<[UInt8], KeySetFault>) { state = Mutex(State(answer: answer)) }

    convenience init(_ keys: TestSigningKey...) { self.init(.success(TestKeySet.json(of: keys))) }

    var now: Instant { state.withLock { $0.now } }
    var fetches: Int { state.withLock { $0.fetches } }

    func advance(_ span: Span) { state.withLock { $0.now = $0.now + span } }
    func publish(_ keys: TestSigningKey...) { state.withLock { $0.answer = .success(TestKeySet.json(of: keys)) } }
    func fail(_ fault: KeySetFault = .unreachable) { state.withLock { $0.answer = .failure(fault) } }

    /// Keeps fetches from ending until ``letGo()``.
    func hold() { state.withLock { $0.isHeld = true } }

    func letGo() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Waits until so many fetches have begun.
    func waitForFetches(_ count: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.fetches >= count { return continuation.resume() }
                state.watchers.append((count, continuation))
            }
        }
    }

    func fetch() async throws(KeySetFault) -> [UInt8] {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.fetches += 1
                let count = state.fetches
                for watcher in state.watchers where watcher.count <= count { watcher.continuation.resume() }
                state.watchers.removeAll { $0.count <= count }
                if state.isHeld { state.held.append(continuation) } else { continuation.resume() }
            }
        }
        return try state.withLock { $0.answer }.get()
    }

    /// Runs a test against a checker over this provider.
    func withChecker(_ body: @escaping @Sendable (UserTokenChecker) async throws -> Void) async throws {
        let checker = UserTokenChecker(
            rules: .tests,
            times: KeySetTimes(
                refreshAfter: .minutes(10), awaitAfter: .hours(1), keepFor: .days(1), pause: .seconds(10)),
            now: { self.now }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            fetch: { () async throws(KeySetFault) in try await self.fetch() })
        try await withThrowingTaskGroup { group in
            group.addTask { await checker.run() }
            group.addTask { try await body(checker) }
            try await group.next()
            group.cancelAll()
        }
    }
}

@Suite("Checking users' tokens while keys come and go")
struct CheckerTests {
    private static let ada = UserTokenAnswer.account(AccountID("ada"))

    @Test("the first token waits for the first keys; many that come together wait for one fetch")
    func first() async throws {
        let provider = FakeProvider(Keys.p256)
        provider.hold()
        try await provider.withChecker { checker in
            let text = try token().signed(by: Keys.p256)
            await withTaskGroup { group in
                for _ in 0..<50 { group.addTask { #expect(await checker.check(text) == Self.ada) } }
                await provider.waitForFetches(1)
                provider.letGo()
            }
            #expect(provider.fetches == 1)
        }
    }

    @Test("a flood of made-up key ids is one fetch, and refused; good tokens go through meanwhile")
    func flood() async throws {
        let provider = FakeProvider(Keys.p256)
        try await provider.withChecker { checker in
            let good = try token().signed(by: Keys.p256)
            #expect(await checker.check(good) == Self.ada)
            provider.advance(.seconds(10))
            try await withThrowingTaskGroup { group in
                for number in 0..<300 {
                    group.addTask {
                        let forged = try token(header: ["kid": "\"made-up-\(number)\""]).signed(by: Keys.stranger)
                        #expect(await checker.check(forged) == .refused(.keyUnknown))
                    }
                }
                try await group.waitForAll()
            }
            #expect(await checker.check(good) == Self.ada)
            // The one at the start, and the one that looked whether the made-up ids are new keys.
            #expect(provider.fetches == 2)
            // Within the pause nobody even waits.
            for number in 0..<20 {
                let forged = try token(header: ["kid": "\"later-\(number)\""]).signed(by: Keys.stranger)
                #expect(await checker.check(forged) == .refused(.keyUnknown))
            }
            #expect(provider.fetches == 2)
        }
    }

    @Test("a new key counts with its first token, and a withdrawn one no more after the next refresh")
    func rotation() async throws {
        let (old, new) = (Keys.p256, Keys.ed25519)
        let provider = FakeProvider(old)
        try await provider.withChecker { checker in
            let (byOld, byNew) = (try token().signed(by: old), try token().signed(by: new))
            #expect(await checker.check(byOld) == Self.ada)
            provider.publish(new)
            provider.advance(.seconds(10))
            #expect(await checker.check(byNew) == Self.ada)
            #expect(provider.fetches == 2)
            #expect(await checker.check(byOld) == .refused(.keyUnknown))
        }
    }

    @Test("a provider whose keys have no ids may change them too")
    func namelessRotation() async throws {
        let (old, new) = (TestSigningKey.p256(nil), TestSigningKey.p256(nil))
        let provider = FakeProvider(old)
        try await provider.withChecker { checker in
            let (byOld, byNew) = (try token().signed(by: old), try token().signed(by: new))
            #expect(await checker.check(byOld) == Self.ada)
            #expect(await checker.check(byNew) == .refused(.signatureInvalid))
            provider.publish(new)
            provider.advance(.seconds(10))
            #expect(await checker.check(byNew) == Self.ada)
            #expect(await checker.check(byOld) == .refused(.signatureInvalid))
        }
    }

    @Test("an aging set is used while a newer one is fetched, so no token waits for the provider")
    func background() async throws {
        let provider = FakeProvider(Keys.p256)
        try await provider.withChecker { checker in
            let good = try token(["exp": "9999999999"]).signed(by: Keys.p256)
            #expect(await checker.check(good) == Self.ada)
            provider.hold()
            provider.advance(.minutes(10))
            // The fetch that this one starts can't end, and it is answered all the same.
            #expect(await checker.check(good) == Self.ada)
            await provider.waitForFetches(2)
            #expect(await checker.check(good) == Self.ada)
            provider.letGo()
        }
        #expect(provider.fetches == 2)
    }

    @Test("a key that was withdrawn while nobody came is not believed when somebody does")
    func withdrawnWhileIdle() async throws {
        let provider = FakeProvider(Keys.p256)
        try await provider.withChecker { checker in
            let stolen = try token(["exp": "9999999999"]).signed(by: Keys.p256)
            #expect(await checker.check(stolen) == Self.ada)
            provider.publish(Keys.ed25519)
            provider.advance(.hours(1))
            #expect(await checker.check(stolen) == .refused(.keyUnknown))
        }
    }

    @Test("a provider that was never reached makes tokens undetermined, not refused, until it is")
    func neverReached() async throws {
        let provider = FakeProvider(.failure(.unreachable))
        try await provider.withChecker { checker in
            let good = try token().signed(by: Keys.p256)
            #expect(await checker.check(good) == .undetermined)
            #expect(await checker.check("a.b.c") == .refused(.malformed))
            #expect(
                await checker.check(token().unsigned(algorithm: "none", keyID: nil)) == .refused(.algorithmNotAllowed))
            for _ in 0..<20 { #expect(await checker.check(good) == .undetermined) }
            #expect(provider.fetches == 1)
            provider.publish(Keys.p256)
            provider.advance(.seconds(10))
            #expect(await checker.check(good) == Self.ada)
        }
    }

    @Test("in an outage the last good set serves for a day; what it can't judge is undetermined")
    func outage() async throws {
        let provider = FakeProvider(Keys.p256)
        try await provider.withChecker { checker in
            let good = try token(["exp": "9999999999"]).signed(by: Keys.p256)
            #expect(await checker.check(good) == Self.ada)
            for fault in KeySetFault.allCases {
                provider.fail(fault)
                provider.advance(.hours(3))
                #expect(await checker.check(good) == Self.ada, "\(fault)")
                // A key that it lacks may be a new one, which can't be seen now.
                #expect(await checker.check(try token().signed(by: Keys.ed25519)) == .undetermined)
            }
            let over = try token().signed(by: Keys.p256)
            #expect(await checker.check(over) == .refused(.expired))
            provider.advance(.hours(6))
            #expect(await checker.check(good) == .undetermined)
            provider.publish(Keys.p256)
            provider.advance(.seconds(10))
            #expect(await checker.check(good) == Self.ada)
        }
    }

    @Test("an answer that is no key set leaves the last good one in force")
    func nonsense() async throws {
        let provider = FakeProvider(Keys.p256)
        try await provider.withChecker { checker in
            let good = try token(["exp": "9999999999"]).signed(by: Keys.p256)
            #expect(await checker.check(good) == Self.ada)
            provider.publish()
            provider.advance(.hours(2))
            #expect(await checker.check(good) == Self.ada)
            #expect(provider.fetches == 2)
        }
    }

    @Test("a caller that is cancelled, and a service that stops, leave nobody waiting")
    func endings() async throws {
        let provider = FakeProvider(Keys.p256)
        provider.hold()
        let text = try token().signed(by: Keys.p256)
        try await provider.withChecker { checker in
            await provider.waitForFetches(1)
            await withTaskGroup { group in
                group.addTask { #expect(await checker.check(text) == .undetermined) }
                group.cancelAll()
            }
            provider.letGo()
            #expect(await checker.check(text) == Self.ada)
        }
        // Its loop is over: what would need keys is undetermined at once.
        let stopped = UserTokenChecker(
            rules: .tests, times: .url, now: { noon }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            fetch: { () async throws(KeySetFault) in throw .unreachable })
        await withTaskGroup { group in
            group.addTask { await stopped.run() }
            group.cancelAll()
        }
        #expect(await stopped.check(text) == .undetermined)
    }
}
