import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import UserTokens

@Suite("Claims of users' tokens")
struct ClaimsTests {
    /// A change to a good token, and what it leads to; `nil` is accepted.
    struct Case: CustomTestStringConvertible, Sendable {
        var what: String
        var changes: [String: String?] = [:]
        var header: [String: String?] = [:]
        var refusal: UserTokenRefusal?

        init(
            _ what: String, _ changes: [String: String?] = [:], header: [String: String?] = [:],
            _ refusal: UserTokenRefusal? = nil
        ) {
            (self.what, self.changes, self.header, self.refusal) = (what, changes, header, refusal)
        }

        var testDescription: String { what }
    }

    private static let seconds = noon.millisecondsSince1970 / 1_000

    private static let cases: [Case] = [
        Case("as it is"),
        // Issuer and audience
        Case("another issuer", ["iss": #""https://evil.example/""#], .issuerMismatch),
        Case("the issuer without its slash", ["iss": #""https://id.example.com""#], .issuerMismatch),
        Case("the issuer in capitals", ["iss": #""HTTPS://ID.EXAMPLE.COM/""#], .issuerMismatch),
        Case("no issuer", ["iss": nil], .issuerMismatch),
        Case("an issuer in a list", ["iss": #"["https://id.example.com/"]"#], .malformed),
        Case("another audience", ["aud": #""other""#], .audienceMismatch),
        Case("an audience that begins like ours", ["aud": #""vouch-tests-2""#], .audienceMismatch),
        Case("ours among several audiences", ["aud": #"["other","vouch-tests"]"#]),
        Case("several audiences without ours", ["aud": #"["other","vouch"]"#], .audienceMismatch),
        Case("an empty list of audiences", ["aud": "[]"], .audienceMismatch),
        Case("no audience", ["aud": nil], .audienceMismatch),
        Case("an audience that is a number", ["aud": "7"], .malformed),
        // Time
        Case("no end", ["exp": nil], .expired),
        Case("an end that is null", ["exp": "null"], .expired),
        Case("an end in words", ["exp": #""2030-01-01""#], .malformed),
        Case("ended 59 s ago", ["exp": "\(seconds - 59)"]),
        Case("ended 60 s ago", ["exp": "\(seconds - 60)"], .expired),
        Case("ended half a second before the leeway", ["exp": "\(seconds - 60).5"]),
        Case("an end beyond all numbers", ["exp": "1e300"]),
        Case("an end before all numbers", ["exp": "-1e300"], .expired),
        Case("begins in 60 s", ["nbf": "\(seconds + 60)"]),
        Case("begins in 61 s", ["nbf": "\(seconds + 61)"], .notYetValid),
        Case("issued in 60 s", ["iat": "\(seconds + 60)"]),
        Case("issued in 61 s", ["iat": "\(seconds + 61)"], .notYetValid),
        Case("issued at no time", ["iat": nil]),
        // Subject
        Case("no subject", ["sub": nil], .subjectNotAccount),
        Case("an empty subject", ["sub": #""""#], .subjectNotAccount),
        Case("a subject with a space", ["sub": #""ada lovelace""#], .subjectNotAccount),
        Case("a subject with a slash", ["sub": #""../ada""#], .subjectNotAccount),
        Case("a subject of two dots", ["sub": #""..""#], .subjectNotAccount),
        Case("a subject of 129 characters", ["sub": "\"\(String(repeating: "a", count: 129))\""], .subjectNotAccount),
        Case("a subject that is a number", ["sub": "7"], .malformed),
        // Header
        Case("no type", header: ["typ": nil]),
        Case("the type in small letters", header: ["typ": #""jwt""#]),
        Case("an access token", header: ["typ": #""application/at+JWT""#]),
        Case("a logout token", header: ["typ": #""logout+jwt""#], .malformed),
        Case("a critical member", header: ["crit": #"["exp"]"#], .malformed),
        Case("an empty list of critical members", header: ["crit": "[]"], .malformed),
        Case("a key id that is a number", header: ["kid": "1"], .malformed),
        Case("a key of its own in the header", header: ["jwk": Keys.stranger.jwk()]),
        Case("no algorithm", header: ["alg": "null"], .malformed),
    ]

    @Test("what a genuine token says decides", arguments: cases)
    func claims(example: Case) throws {
        let text = try token(example.changes, header: example.header).signed(by: Keys.p256)
        let verdict = UserTokenRules.tests.judge(text, by: try Keys.allInOne())
        if let refusal = example.refusal {
            #expect(verdict == .refused(refusal))
        } else {
            #expect(verdict == .account(AccountID("ada")))
        }
    }

    @Test("the subject is an account in its one form: a UUID in small letters, anything else as it is")
    func subjects() throws {
        for (subject, account) in [
            ("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            ("auth0|62f1E", "auth0|62f1E"), (String(repeating: "Z", count: 128), String(repeating: "Z", count: 128)),
        ] {
            let text = try TestUserToken(subject, now: noon).signed(by: Keys.p256)
            #expect(UserTokenRules.tests.judge(text, by: try Keys.allInOne()) == .account(AccountID(account)))
        }
    }

    @Test("what a token says is not looked at before its signature is good")
    func signatureFirst() throws {
        let text = try token(["exp": "1", "iss": #""x""#, "sub": "7"]).signed(by: Keys.stranger)
        #expect(UserTokenRules.tests.judge(text, by: try Keys.allInOne()) == .refused(.signatureInvalid))
    }

    @Test("text that is no compact JWS of at most 8192 bytes is malformed")
    func structure() throws {
        let good = try token().signed(by: Keys.p256)
        let parts = good.split(separator: ".").map(String.init)
        let large = try token(["more": "\"\(String(repeating: "x", count: 8_192))\""]).signed(by: Keys.p256)
        let list = TestBase64URL.text(Array("[]".utf8))
        for text in [
            "..", "a.b.c", good + ".", "." + good, parts[0] + "." + parts[1], good + "=", good + " ",
            "\(list).\(parts[1]).\(parts[2])", "\(parts[0]).\(parts[1])..\(parts[2])", large,
            parts[0] + "=." + parts[1] + "." + parts[2], "e30.\(parts[1]).\(parts[2])",
        ] {
            #expect(
                UserTokenRules.tests.judge(text, by: try Keys.allInOne()) == .refused(.malformed), "\(text.prefix(80))")
        }
        // A payload that no claims can be read from, under a good signature.
        let input = parts[0] + "." + list
        let signature = TestBase64URL.text(try Keys.p256.signature(over: Array(input.utf8)))
        #expect(UserTokenRules.tests.judge(input + "." + signature, by: try Keys.allInOne()) == .refused(.malformed))
    }
}
