import TestSupport
import Testing

@testable import UserTokens

@Suite("JSON Web Key Sets")
struct KeySetTests {
    private func fault(_ json: [UInt8]) -> KeySetFault? {
        do throws(KeySetFault) {
            _ = try KeySet(json: json)
            return nil
        } catch {
            return error
        }
    }

    @Test("keys that can't be used are left out and counted, and the others stay")
    func skipped() throws {
        let set = try Keys.set(
            Keys.p256.jwk(), Keys.weak.jwk(), Keys.rsa.jwk(["use": "enc"]), Keys.rsa.jwk(["alg": "RS512"]),
            Keys.rsa.jwk(["alg": "HS256"]), Keys.p256.jwk(["crv": "P-521"]), Keys.p256.jwk(["kty": "XYZ"]),
            Keys.p384.jwk(["alg": "ES256"]), Keys.p256.jwk(["d": "AQAB"]), #"{"kty":"oct","k":"AQAB","kid":"rsa-1"}"#,
            Keys.p256.jwk(["x": nil]), Keys.p256.jwk(["y": "AQAB"]), Keys.rsa.jwk(["n": ""]),
            Keys.rsa.jwk(["e": "not base64"]), #"{"kty":7}"#, "null", "[]", "{}",
            #"{"kty":"EC","crv":"P-256","key_ops":["sign"],"x":"","y":""}"#)
        #expect(set.count == 1)
        #expect(
            set.skipped == [
                "rsa_size": 1, "not_for_signatures": 2, "not_supported": 6, "is_private": 1, "malformed": 8,
            ])
    }

    @Test("a point that is not on its curve, and numbers that make no RSA key, are malformed")
    func badNumbers() {
        let zero = TestBase64URL.text([UInt8](repeating: 0, count: 32))
        #expect(fault(TestKeySet.json([Keys.p256.jwk(["y": zero])])) == .noUsableKey)
        #expect(fault(TestKeySet.json([Keys.rsa.jwk(["e": "Ag"])])) == .noUsableKey)
        #expect(fault(TestKeySet.json([Keys.rsa.jwk(["e": "AA"])])) == .noUsableKey)
    }

    @Test("an RSA key of less than 2048 bits, or more than 8192, is not used")
    func rsaBounds() {
        #expect(fault(TestKeySet.json([Keys.weak.jwk()])) == .noUsableKey)
        // Zeroes in front make no key longer.
        let padded = Keys.weak.jwk(["n": TestBase64URL.text([UInt8](repeating: 0, count: 200) + [1])])
        #expect(fault(TestKeySet.json([padded])) == .noUsableKey)
        let giant = Keys.rsa.jwk(["n": TestBase64URL.text([UInt8](repeating: 0xFF, count: 1_025))])
        #expect(fault(TestKeySet.json([giant])) == .noUsableKey)
    }

    @Test("a set is bounded in bytes and in keys, and must be one")
    func bounds() throws {
        let key = Keys.p256.jwk()
        let most = TestKeySet.json([key] + Array(repeating: "{}", count: KeySet.keysMax - 1))
        #expect(try KeySet(json: most).count == 1)
        #expect(fault(TestKeySet.json([key] + Array(repeating: "{}", count: KeySet.keysMax))) == .tooManyKeys)
        let padding = Array(repeating: UInt8(ascii: " "), count: KeySet.bytesMax)
        #expect(fault(TestKeySet.json([key]) + padding) == .tooLarge)
        for text in ["", "{}", "[]", "null", #"{"keys":{}}"#, #"{"keys":null}"#, "<html>", key] {
            #expect(fault(Array(text.utf8)) == .malformed, "\(text)")
        }
        #expect(fault(TestKeySet.json([])) == .noUsableKey)
    }
}
