import AppStoreJWS
import PurchaseCore
import Testing

@Suite("measure", .serialized)
struct Measure {
    @Test("times")
    func times() async throws {
        let jws = try Fixture.transaction()
        let clock = ContinuousClock()
        let cold = await clock.measure {
            for _ in 0..<100 { _ = await JWSVerifier(ocsp: nil).verifyTransaction(jws, now: Moment.later) }
        }
        let verifier = JWSVerifier(ocsp: nil)
        let cached = await clock.measure {
            for _ in 0..<1000 { _ = await verifier.verifyTransaction(jws, now: Moment.later) }
        }
        let chain = try MintedChain()
        let text = try chain.jws()
        let checked = try chain.verifier(ocsp: FakeResponder(chain).checker())
        let withOCSP = await clock.measure {
            for _ in 0..<1000 { _ = await checked.verifyTransaction(text, now: Moment.now) }
        }
        let big = String(repeating: "a", count: 2_000_000)
        let refused = await clock.measure { for _ in 0..<1000 { _ = await verifier.verifyTransaction(big, now: Moment.later) } }
        print("MEASURE cold \(cold / 100) cached \(cached / 1000) cached with OCSP \(withOCSP / 1000) 2MB \(refused / 1000)")
    }
}
