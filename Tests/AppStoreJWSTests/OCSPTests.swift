import Foundation
import PurchaseCore
import SwiftASN1
import Testing
import X509

@testable import AppStoreJWS

@Suite("Revocation", .timeLimit(.minutes(1)))
struct OCSPTests {
    private let chain: MintedChain
    private let responder: FakeResponder

    init() throws {
        chain = try MintedChain()
        responder = FakeResponder(chain)
    }

    private func verify(
        _ checker: OCSPChecker? = nil, now: Instant = Moment.now
    ) async throws -> Verification<JWSTransactionDecodedPayload> {
        let jws = try chain.jws()
        return try await chain.verifier(ocsp: checker ?? responder.checker()).verifyTransaction(jws, now: now)
    }

    @Test("good for both certificates: verified, and recorded")
    func good() async throws {
        let verified = try #require(try await verify().verified)
        #expect(verified.ocspChecked == OCSPCoverage(leaf: .good, intermediate: .good))
        #expect(Set(responder.requests) == ["http://ocsp.example.test/leaf", "http://ocsp.example.test/intermediate"])
        #expect(responder.requests.count == 2)
    }

    @Test("revoked is invalid and final, for either certificate, also beside a doubt", arguments: [true, false])
    func revoked(leaf: Bool) async throws {
        let revoked = FakeResponder.Behaviour.answer(.init(status: .revoked))
        responder.set(leaf: leaf ? revoked : .unreachable, intermediate: leaf ? .unreachable : revoked)
        guard case .invalid(let failure) = try await verify() else {
            Issue.record("a revoked certificate is not refused")
            return
        }
        #expect(failure.code == .certificateRevoked)
        #expect(failure.refusal == .chainUntrusted)
        #expect(failure.step == .ocsp)
    }

    struct Open: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: VerificationDoubtCode
        let behaviour: FakeResponder.Behaviour

        init(_ description: String, _ code: VerificationDoubtCode, _ behaviour: FakeResponder.Behaviour) {
            self.testDescription = description
            self.code = code
            self.behaviour = behaviour
        }
    }

    static let doubts = [
        Open("network fault", .ocspUnreachable, .unreachable),
        Open("try later", .ocspTryLater, .errorStatus(3)),
        Open("malformed request", .ocspRefused, .errorStatus(1)),
        Open("internal error", .ocspRefused, .errorStatus(2)),
        Open("signature required", .ocspRefused, .errorStatus(5)),
        Open("unauthorized", .ocspRefused, .errorStatus(6)),
        Open("successful without an answer", .ocspMalformed, .errorStatus(0)),
        Open("no body", .ocspMalformed, .garbage([])),
        Open("a web page", .ocspMalformed, .garbage(Array("<html>".utf8))),
        Open("too large", .ocspMalformed, .garbage([UInt8](repeating: 0x30, count: 70_000))),
        Open("unknown", .ocspUnknown, .answer(.init(status: .unknown))),
        Open("another certificate", .ocspMalformed, .answer(.init(otherSerial: true))),
        Open("a critical extension", .ocspMalformed, .answer(.init(criticalExtension: true))),
        Open("past its next update", .ocspStale, .answer(.init(nextUpdate: Moment.now - .minutes(5) - .seconds(1)))),
        Open("no next update", .ocspStale, .answer(.init(nextUpdate: nil))),
        Open("produced in our future", .ocspStale, .answer(.init(producedAt: Moment.now + .minutes(5) + .seconds(1)))),
        Open("valid in our future", .ocspStale, .answer(.init(thisUpdate: Moment.now + .minutes(5) + .seconds(1)))),
        Open("a stranger's signature", .ocspBadlySigned, .answer(.init(signer: .stranger))),
        Open("a forged signature", .ocspBadlySigned, .answer(.init(signer: .forger))),
        Open("a responder for nothing", .ocspBadlySigned, .answer(.init(signer: .appointedForNothing))),
        Open("a responder for something else", .ocspBadlySigned, .answer(.init(signer: .appointedForSomethingElse))),
        Open("an expired responder", .ocspBadlySigned, .answer(.init(signer: .appointedExpired))),
        Open("changed after signing", .ocspBadlySigned, .answer(.init(corrupted: true))),
        Open("revoked, by a stranger", .ocspBadlySigned, .answer(.init(status: .revoked, signer: .stranger))),
        Open("revoked, forged", .ocspBadlySigned, .answer(.init(status: .revoked, signer: .forger))),
    ]

    @Test("what keeps the answer from us is undetermined, never invalid and never verified", arguments: doubts)
    func doubt(open: Open) async throws {
        responder.set(leaf: open.behaviour)
        let result = try await verify()
        #expect(result.doubt == open.code)
        responder.set(leaf: .answer(.init()), intermediate: open.behaviour)
        let second = try await verify()
        #expect(second.doubt == open.code)
    }

    @Test("an undetermined result carries the claims, in a type of its own")
    func unconfirmed() async throws {
        responder.set(leaf: .unreachable)
        guard case .undetermined(let doubt, let unconfirmed) = try await verify() else {
            Issue.record("not undetermined")
            return
        }
        #expect(doubt.step == .ocsp)
        #expect(unconfirmed.claims.transactionID == TransactionID("2000000000000001"))
        #expect(unconfirmed.leafNotAfter == Moment.leafEnds)
        #expect(unconfirmed.sha256.count == 32)
    }

    @Test("a responder that the issuer appointed may answer, named by name or by key", arguments: [false, true])
    func appointed(byKey: Bool) async throws {
        responder.set(
            leaf: .answer(.init(signer: .appointed, byKey: byKey)), intermediate: .answer(.init(byKey: byKey)))
        #expect(try await verify().verified?.ocspChecked == OCSPCoverage(leaf: .good, intermediate: .good))
    }

    @Test(
        "times are judged with five minutes of tolerance",
        arguments: [
            FakeResponder.Answer(producedAt: Moment.now + .minutes(5), thisUpdate: Moment.now + .minutes(5)),
            FakeResponder.Answer(nextUpdate: Moment.now - .minutes(5)),
        ])
    func tolerance(answer: FakeResponder.Answer) async throws {
        responder.set(leaf: .answer(answer))
        #expect(try await verify().verified != nil)
    }

    @Test("a certificate without an OCSP address passes, and that is recorded")
    func noURI() async throws {
        let chain = try MintedChain(ChainRecipe(leafOCSP: nil, intermediateOCSP: nil))
        let verified = try #require(
            try await chain.verifier(ocsp: responder.checker()).verifyTransaction(try chain.jws(), now: Moment.now)
                .verified)
        #expect(verified.ocspChecked == OCSPCoverage(leaf: .noURI, intermediate: .noURI))
        #expect(responder.requests.isEmpty)
    }

    @Test(
        "an address elsewhere is not asked",
        arguments: [
            "http://other.example.test/leaf", "http://ocsp.example.test:8080/leaf", "ftp://ocsp.example.test/leaf",
            "http://ocsp.example.test@other.test/leaf", "http://other.test/ocsp.example.test", "ocsp.example.test",
            "http://",
            "http://ocsp.example.test.evil.test/", "http://evil.test\\@ocsp.example.test/",
            "http://ocsp.example.test /",
        ])
    func elsewhere(url: String) async throws {
        let chain = try MintedChain(ChainRecipe(leafOCSP: url))
        let result = try await chain.verifier(ocsp: responder.checker()).verifyTransaction(
            try chain.jws(), now: Moment.now)
        #expect(result.doubt == .ocspURIElsewhere)
        #expect(!responder.requests.contains(url))
    }

    @Test(
        "allowed hosts are compared whole, without case, with their port",
        arguments: [
            ("http://ocsp.example.test", "ocsp.example.test", true),
            ("http://OCSP.example.test/x", "ocsp.example.test", true),
            ("http://ocsp.example.test:80/x", "ocsp.example.test", true),
            ("https://ocsp.example.test:443/x", "ocsp.example.test", true),
            ("https://ocsp.example.test:80/x", "ocsp.example.test", false),
            ("http://127.0.0.1:8888/x", "127.0.0.1:8888", true),
            ("http://127.0.0.1:8889/x", "127.0.0.1:8888", false),
            ("http://ocsp.example.test?x", "ocsp.example.test", true),
            ("http://a.ocsp.example.test/", "ocsp.example.test", false), ("http:///x", "", false),
        ])
    func hosts(url: String, allowed: String, expected: Bool) {
        #expect(OCSPResponder.isAllowed(url, [allowed]) == expected)
    }

    @Test("an expired leaf isn't asked about; its issuer still is")
    func expiredLeaf() async throws {
        let now = Moment.leafEnds + .days(1)
        responder.set(
            intermediate: .answer(.init(producedAt: now, thisUpdate: now, nextUpdate: now + .days(1))))
        let verified = try #require(try await verify(now: now).verified)
        #expect(verified.ocspChecked == OCSPCoverage(leaf: .expired, intermediate: .good))
        #expect(responder.requests == ["http://ocsp.example.test/intermediate"])
    }

    @Test("nobody is asked about evidence that fails for another reason")
    func askedLast() async throws {
        let checker = responder.checker()
        let verifier = try chain.verifier(ocsp: checker)
        let other = try MintedChain(ChainRecipe(foreign: true))
        let texts = [
            try other.jws(header: chain.header()), try chain.jws(#"{"transactionId":"x","signedDate":1780272000000}"#),
            try chain.jws(Payload.transaction(signedDate: Moment.leafBegins - .days(1))),
            try chain.jws(Payload.transaction(signedDate: Moment.now + .days(1))), "a.b.c",
        ]
        for text in texts { #expect(await verifier.verifyTransaction(text, now: Moment.now).verified == nil) }
        #expect(responder.requests.isEmpty)
    }

    @Test("a good answer is kept for its lifetime, or until its next update if that is sooner")
    func cache() async throws {
        var limits = OCSPChecker.Limits()
        limits.lifetime = .minutes(15)
        let checker = responder.checker(limits: limits)
        responder.set(leaf: .answer(.init(nextUpdate: Moment.now + .minutes(10))))
        for (minutes, requests) in [(0, 2), (9, 2), (10, 3), (14, 3)] as [(Int64, Int)] {
            #expect(try await verify(checker, now: Moment.now + .minutes(minutes)).verified != nil)
            #expect(responder.requests.count == requests)
            if minutes == 9 { responder.set(leaf: .answer(.init())) }
        }
        #expect(try await verify(checker, now: Moment.now + .minutes(15)).verified != nil)
        #expect(responder.requests.filter { $0.hasSuffix("/intermediate") }.count == 2)
    }

    @Test("a revocation is noticed when the good answer has ended")
    func revokedLater() async throws {
        let checker = responder.checker()
        #expect(try await verify(checker).verified != nil)
        responder.set(leaf: .answer(.init(status: .revoked)))
        #expect(try await verify(checker, now: Moment.now + .minutes(14)).verified != nil)
        #expect(try await verify(checker, now: Moment.now + .minutes(15)).failure == .certificateRevoked)
        #expect(try await verify(checker, now: Moment.now + .minutes(16)).failure == .certificateRevoked)
        #expect(responder.requests.filter { $0.hasSuffix("/leaf") }.count == 2)
    }

    @Test("a doubt is kept for seconds, so that an outage isn't hammered, and then asked again")
    func doubtCache() async throws {
        let checker = responder.checker()
        responder.set(leaf: .unreachable)
        #expect(try await verify(checker).doubt == .ocspUnreachable)
        responder.set(leaf: .answer(.init()))
        #expect(try await verify(checker, now: Moment.now + .seconds(4)).doubt == .ocspUnreachable)
        #expect(try await verify(checker, now: Moment.now + .seconds(5)).verified != nil)
    }

    @Test("no more answers are kept than allowed")
    func bound() async throws {
        var limits = OCSPChecker.Limits()
        limits.entriesMax = 3
        let checker = responder.checker(limits: limits)
        for serial in 1...8 {
            let chain = try MintedChain(ChainRecipe(leafSerial: Int64(serial)))
            let result = try await chain.verifier(ocsp: checker).verifyTransaction(try chain.jws(), now: Moment.now)
            #expect(result.verified != nil)
            #expect(checker.count <= 3)
        }
    }

    @Test("many questions at once are asked once")
    func singleFlight() async throws {
        let checker = responder.checker()
        let verifier = try chain.verifier(ocsp: checker)
        let jws = try chain.jws()
        let leaf = try der(chain.leaf)
        responder.close()
        let verified = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask { await verifier.verifyTransaction(jws, now: Moment.now).verified != nil }
            }
            while checker.waiters(for: leaf) < 19 { await Task.yield() }
            responder.open()
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(verified == 20)
        #expect(responder.requests.count == 2)
    }

    @Test("the whole takes no longer than its bound, and being cut off is a doubt that isn't kept")
    func timeLimit() async throws {
        responder.set(leaf: .hangs)
        let checker = responder.checker(clock: HastyClock())
        #expect(try await verify(checker).doubt == .ocspUnreachable)
        #expect(checker.count <= 1)
    }

    @Test("when the task that asks is cancelled, another one asks in its place")
    func cancelledLeader() async throws {
        responder.set(leaf: .hangs)
        let checker = responder.checker()
        let verifier = try chain.verifier(ocsp: checker)
        let jws = try chain.jws()
        let leaf = try der(chain.leaf)
        await withTaskGroup(of: VerificationDoubtCode?.self) { leaders in
            leaders.addTask { await verifier.verifyTransaction(jws, now: Moment.now).doubt }
            while !responder.requests.contains("http://ocsp.example.test/leaf") { await Task.yield() }
            await withTaskGroup(of: Bool.self) { followers in
                followers.addTask { await verifier.verifyTransaction(jws, now: Moment.now).verified != nil }
                while checker.waiters(for: leaf) < 1 { await Task.yield() }
                responder.set(leaf: .answer(.init()))
                leaders.cancelAll()
                #expect(await followers.next() == true)
            }
            #expect(await leaders.next() == .some(.some(.ocspUnreachable)))
        }
    }

    @Test("off means not asked, and that is recorded")
    func off() async throws {
        let verified = try #require(
            try await chain.verifier().verifyTransaction(try chain.jws(), now: Moment.now).verified)
        #expect(verified.ocspChecked == .off)
    }

    @Test("responses with a flipped bit or cut short never pass and never crash")
    func mutation() async throws {
        var generator = SeededGenerator.announced("OCSP responses")
        let certID = try OCSPCertID(of: chain.leaf, issuer: chain.intermediate)
        let genuine = try await responder.response(to: certID.request(), url: "http://ocsp.example.test/leaf")
        let control = OCSPResponse.judge(genuine, about: certID, issuer: chain.intermediate, now: Moment.now)
        #expect(control == .good(until: Moment.now + .hours(12)))
        for _ in 0..<600 {
            var bytes = genuine
            if Bool.random(using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            } else {
                bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            }
            guard case .doubt = OCSPResponse.judge(bytes, about: certID, issuer: chain.intermediate, now: Moment.now)
            else {
                Issue.record("a changed response counts")
                return
            }
        }
    }

    @Test(
        "OCSP times are read by the calendar",
        arguments: [
            (1970, 1, 1, Int64(0)), (2000, 2, 29, 951_782_400_000), (2000, 3, 1, 951_868_800_000),
            (2026, 6, 1, 1_780_272_000_000), (2100, 3, 1, 4_107_542_400_000), (1999, 12, 31, 946_598_400_000),
        ])
    func calendar(year: Int, month: Int, day: Int, milliseconds: Int64) throws {
        let time = try GeneralizedTime(
            year: year, month: month, day: day, hours: 0, minutes: 0, seconds: 0, fractionalSeconds: 0)
        #expect(Instant(time) == Instant(millisecondsSince1970: milliseconds))
    }
}

@Suite("OCSP as OpenSSL speaks it")
struct OpenSSLResponderTests {
    private let issuer: Certificate
    private let leaf: Certificate
    /// A minute after the responses were produced.
    private let now = Instant(millisecondsSince1970: 1_795_389_352_000)

    init() throws {
        issuer = try Certificate(derEncoded: try Fixture.bytes("ocsp/issuer.cer"))
        leaf = try Certificate(derEncoded: try Fixture.bytes("ocsp/leaf.cer"))
    }

    @Test("a request is the one that OpenSSL writes, byte for byte")
    func request() throws {
        #expect(try OCSPCertID(of: leaf, issuer: issuer).request() == Fixture.bytes("ocsp/request.der"))
    }

    @Test(
        "its responses are understood",
        arguments: [
            ("good", OCSPFinding.good(until: Instant(millisecondsSince1970: 2_110_749_292_000))),
            ("good-by-issuer", .good(until: Instant(millisecondsSince1970: 2_110_749_292_000))),
            ("revoked", .revoked), ("revoked-by-issuer", .revoked),
            ("unknown", .doubt(.ocspUnknown, "the responder doesn't know the certificate")),
        ])
    func responses(name: String, finding: OCSPFinding) throws {
        let response = try Fixture.bytes("ocsp/\(name).der")
        let certID = try OCSPCertID(of: leaf, issuer: issuer)
        #expect(OCSPResponse.judge(response, about: certID, issuer: issuer, now: now) == finding)
        // The same, asked on behalf of another issuer or about another certificate.
        let stranger = try MintedChain()
        let foreign = OCSPResponse.judge(response, about: certID, issuer: stranger.root, now: now)
        guard case .doubt(let doubt) = foreign else {
            Issue.record("a foreign response counts")
            return
        }
        #expect(doubt.code == .ocspBadlySigned)
        let other = try OCSPCertID(of: issuer, issuer: issuer)
        guard case .doubt(let second) = OCSPResponse.judge(response, about: other, issuer: issuer, now: now) else {
            Issue.record("a response about another certificate counts")
            return
        }
        #expect(second.code == .ocspMalformed)
    }
}
