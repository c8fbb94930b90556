import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import UserTokens

@Suite("Signatures of users' tokens")
struct SignatureTests {
    private let rules = UserTokenRules.tests

    @Test("each algorithm of the list is accepted from a key that is made for it")
    func accepted() throws {
        let keys = try Keys.allInOne()
        for key in Keys.all {
            #expect(rules.judge(try token().signed(by: key), by: keys) == .account(AccountID("ada")))
        }
        let pss = try token().signed(by: Keys.rsa, as: "PS256")
        #expect(rules.judge(pss, by: keys) == .account(AccountID("ada")))
        #expect(SignatureAlgorithm.allCases.map(\.rawValue) == ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
    }

    @Test("a token without a signature is refused, however its algorithm is spelt")
    func none() throws {
        let keys = try Keys.allInOne()
        for name in ["none", "None", "NONE", "nOnE", ""] {
            let forged = token().unsigned(algorithm: name, keyID: Keys.rsa.id)
            #expect(rules.judge(forged, by: keys) == .refused(.algorithmNotAllowed), "\(name)")
        }
        for key in Keys.all {
            let forged = token().unsigned(algorithm: key.algorithm, keyID: key.id)
            #expect(rules.judge(forged, by: keys) == .refused(.signatureInvalid))
        }
    }

    @Test("a public key is never taken for a shared secret")
    func publicKeyAsSecret() throws {
        for key in Keys.all {
            for set in [try Keys.allInOne(), try Keys.set(key.jwk())] {
                for secret in key.publicForms + [Array(key.jwk().utf8)] {
                    for name in ["HS256", "HS384", "HS512"] {
                        let forged = token().authenticated(with: secret, as: name, keyID: key.id)
                        #expect(rules.judge(forged, by: set) == .refused(.algorithmNotAllowed))
                    }
                    let disguised = token().authenticated(with: secret, as: key.algorithm, keyID: key.id)
                    #expect(rules.judge(disguised, by: set) == .refused(.signatureInvalid))
                }
            }
        }
    }

    @Test("algorithms outside the list are refused, also where the key could do them")
    func otherAlgorithms() throws {
        let keys = try Keys.allInOne()
        for name in ["RS384", "RS512", "PS384", "PS512", "ES512", "ES256K", "rs256", "Ed25519", "RSA-OAEP", "dir"] {
            let signed = try token().signed(by: Keys.rsa, as: name)
            #expect(rules.judge(signed, by: keys) == .refused(.algorithmNotAllowed), "\(name)")
        }
    }

    @Test("a key checks only what it says that it is for")
    func ownAlgorithm() throws {
        let pinned = try Keys.set(Keys.rsa.jwk(["alg": "RS256"]))
        #expect(rules.judge(try token().signed(by: Keys.rsa), by: pinned) == .account(AccountID("ada")))
        let other = try token().signed(by: Keys.rsa, as: "PS256")
        #expect(rules.judge(other, by: pinned) == .refused(.keyUnknown))
        // One key's signature under another key's algorithm.
        let confused = try token(header: ["kid": #""p256-1""#]).signed(by: Keys.rsa)
        #expect(rules.judge(confused, by: try Keys.allInOne()) == .refused(.keyUnknown))
    }

    @Test("a stranger's signature under a known key id is refused")
    func stranger() throws {
        let forged = try token().signed(by: Keys.stranger)
        #expect(rules.judge(forged, by: try Keys.allInOne()) == .refused(.signatureInvalid))
    }

    @Test("changing any character of a token spoils it")
    func flips() throws {
        let keys = try Keys.allInOne()
        for key in Keys.all {
            let genuine = Array(try token().signed(by: key).utf8)
            for index in genuine.indices where genuine[index] != UInt8(ascii: ".") {
                var changed = genuine
                changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                let verdict = rules.judge(String(decoding: changed, as: UTF8.self), by: keys)
                if case .account = verdict { Issue.record("accepted with another character at \(index)") }
            }
        }
    }

    @Test("the key is found by its id; without one only where the set has one usable key")
    func keyIDs() throws {
        var nameless = Keys.p256
        nameless.id = nil
        let unnamed = try token().signed(by: nameless)
        #expect(rules.judge(unnamed, by: try Keys.allInOne()) == .refused(.keyUnknown))
        #expect(rules.judge(unnamed, by: try Keys.set(Keys.p256.jwk())) == .account(AccountID("ada")))
        #expect(rules.judge(unnamed, by: try Keys.set(nameless.jwk())) == .account(AccountID("ada")))
        // Keys that can't be used don't count.
        let oneUsable = try Keys.set(Keys.p256.jwk(), Keys.rsa.jwk(["use": "enc"]))
        #expect(rules.judge(unnamed, by: oneUsable) == .account(AccountID("ada")))
        // A set without names can't tell that it has a newer key; one with names can.
        let other = try Keys.set(TestSigningKey.p256(nil).jwk())
        #expect(rules.judge(unnamed, by: other) == .otherKeysNeeded)
        #expect(rules.judge(try token().signed(by: .p256("p256-9")), by: try Keys.allInOne()) == .otherKeysNeeded)
        // Two keys of one name and one use: which one is meant can't be told, and none is tried.
        let twins = try Keys.set(Keys.p256.jwk(), Keys.stranger.jwk())
        #expect(rules.judge(try token().signed(by: Keys.p256), by: twins) == .refused(.keyUnknown))
    }
}
