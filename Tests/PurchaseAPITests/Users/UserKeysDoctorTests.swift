import TestSupport
import Testing
import UserTokens

@testable import vouch

@Suite("The doctor's look at the identity provider's keys")
struct UserKeysDoctorTests {
    @Test("a set is judged as the service would use it, and no finding shows a key")
    func findings() throws {
        let good = DoctorFinding.userKeys(.success(try KeySet(json: TestKeySet.json(of: [providerKey]))))
        #expect(good.result == .ok && good.detail == "1 of the identity provider's keys can be used")
        let mixed = TestKeySet.json([
            providerKey.jwk(), providerKey.jwk(["use": "enc"]), providerKey.jwk(["d": "AQAB"]),
        ])
        let warned = DoctorFinding.userKeys(.success(try KeySet(json: mixed)))
        #expect(warned.result == .warning && warned.detail.hasSuffix("left out: 1 is_private, 1 not_for_signatures"))
        for fault in KeySetFault.allCases {
            let finding = DoctorFinding.userKeys(.failure(fault))
            #expect(finding.result == (fault == .unreachable ? .unknown : .fault))
            #expect(finding.detail.contains("VOUCH_USER_JWKS"))
            #expect(finding.fix?.contains("the file or the address") == true)
        }
    }
}
