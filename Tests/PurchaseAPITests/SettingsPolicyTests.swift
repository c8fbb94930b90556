import PurchaseCore
import Testing

@testable import vouch

@Suite("The policy and its version")
struct SettingsPolicyTests {
    let fixture: SettingsFixture

    init() throws { fixture = try SettingsFixture() }

    private static let catalogue = "products:\n  b: {kind: consumable, units: 2}\n  a: {kind: non_consumable}\n"

    @Test("the policy says what the settings say")
    func policy() throws {
        let settings = try fixture.load(
            ["VOUCH_APP_ENVIRONMENTS": "Sandbox", "VOUCH_ACCOUNT_TOKEN_RULE": "require"], file: Self.catalogue)
        let policy = settings.policy()
        #expect(policy.bundleID == BundleID("com.example.app"))
        #expect(policy.allowedEnvironments == [.sandbox])
        #expect(policy.accountTokenRule == .require)
        #expect(policy.catalogue == settings.entitling.catalogue)
        #expect(policy.recheck == settings.times.recheck)
        #expect(policy.sandboxAccounts == .listed([]))
    }

    @Test("the version is 16 bytes in hexadecimal and stays the same for the same settings, in every version of Vouch")
    func goldenVersion() throws {
        let (policy, document) = try fixture.load(file: Self.catalogue).policyAndDocument()
        #expect(policy.version == document.version)
        #expect(document.version.rawValue.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(document.text == Self.golden)
        #expect(document.version.rawValue == "65fd709bd78cf6bf2e5151d42fc625c1")
    }

    private static let golden =
        #"{"accountTokenNamespace":null,"accountTokenRule":"match_when_present","bundleId":"com.example.app","#
        + #""environments":["Production","Sandbox"],"format":2,"products":{"a":{"duration":null,"entitlements":["a"],"#
        + #""familySharing":true,"kind":"Non-Consumable","onProratedRefund":"revoke","settlementHoldMilliseconds":0,"#
        + #""units":1},"b":{"duration":null,"entitlements":[],"familySharing":true,"kind":"Consumable","#
        + #""onProratedRefund":"revoke","settlementHoldMilliseconds":0,"units":2}},"recheck":{"firstMilliseconds":5000,"#
        + #""maxMilliseconds":900000,"notFoundDeadlineMilliseconds":259200000},"renewalLeewayMilliseconds":3600000,"#
        + #""sandboxAccounts":{"count":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"unknownProducts":"lenient"}"#

    @Test("the order in which things are written doesn't matter")
    func order() throws {
        let one = try fixture.load(
            ["VOUCH_APP_ENVIRONMENTS": "Sandbox,Production", "VOUCH_SANDBOX_ACCOUNTS": "x,y"], file: Self.catalogue)
        let other = try fixture.load(
            ["VOUCH_APP_ENVIRONMENTS": "Production,Sandbox", "VOUCH_SANDBOX_ACCOUNTS": "y,x"],
            file: "products:\n  a: {kind: non_consumable, entitlements: [a]}\n  b: {units: 2, kind: consumable}\n")
        #expect(one.policyAndDocument().document == other.policyAndDocument().document)
    }

    @Test("everything that a decision depends on changes the version, and nothing else does")
    func sensitivity() throws {
        let base = try fixture.load(file: Self.catalogue).policy().version
        let changes: [[String: String?]] = [
            ["VOUCH_APP_BUNDLE_ID": "com.example.App"], ["VOUCH_APP_ENVIRONMENTS": "Production"],
            ["VOUCH_SANDBOX_ACCOUNTS": "all"], ["VOUCH_SANDBOX_ACCOUNTS": "x"], ["VOUCH_SANDBOX_ACCOUNTS": "y"],
            ["VOUCH_ACCOUNT_TOKEN_RULE": "ignore"],
            ["VOUCH_ACCOUNT_TOKEN_NAMESPACE": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"], ["VOUCH_CATALOGUE": "strict"],
            ["VOUCH_RECHECK_FIRST": "PT6S"], ["VOUCH_RECHECK_MAX": "PT16M"], ["VOUCH_NOT_FOUND_DEADLINE": "P4D"],
        ]
        var versions = [base]
        for change in changes { versions.append(try fixture.load(change, file: Self.catalogue).policy().version) }
        for product in [
            "{kind: non_consumable}", "{kind: consumable}", "{kind: consumable, units: 3}",
            "{kind: consumable, units: 2, settlementHold: PT1S}", "{kind: consumable, units: 2, familySharing: false}",
            "{kind: consumable, units: 2, onProratedRefund: keep}", "{kind: non_renewing, duration: P30D}",
            "{kind: non_renewing, duration: P1M}", "{kind: non_renewing}", "{kind: auto_renewable}",
            "{kind: auto_renewable, entitlements: []}",
        ] {
            let file = "products:\n  b: \(product)\n  a: {kind: non_consumable}\n"
            versions.append(try fixture.load(file: file).policy().version)
        }
        #expect(Set(versions).count == versions.count)
        for change in [
            ["VOUCH_LOG_LEVEL": "debug"], ["VOUCH_HTTP_ADDRESS": "127.0.0.1:0"], ["VOUCH_ANSWER_WITHIN": "PT1S"],
        ] {
            #expect(try fixture.load(change, file: Self.catalogue).policy().version == base)
        }
    }

    @Test("the document, which outlives every erasure, holds no account id and no secret")
    func noPersons() throws {
        let text = try fixture.load(["VOUCH_SANDBOX_ACCOUNTS": "erin@example.com"]).policyAndDocument().document.text
        #expect(!text.contains("erin") && !text.contains("hunter2"))
        #expect(text.contains(#""count":1"#))
    }

    @Test("another catalogue, such as the database's, takes the place of the file's")
    func otherCatalogue() throws {
        let settings = try fixture.load(file: Self.catalogue)
        let catalogue = Catalogue(products: [:], unknownProducts: .strict)
        #expect(settings.policy(catalogue: catalogue).catalogue == catalogue)
        #expect(settings.policy(catalogue: catalogue).version != settings.policy().version)
    }

    @Test("JSON is written in one way only")
    func canonicalJSON() {
        let value = CanonicalJSON.object([
            "b": .array([.integer(-1), .boolean(true), .null]), "a": .string("q\"b\\n\n\u{1}é/"), "B": .object([:]),
        ])
        #expect(value.text == "{\"B\":{},\"a\":\"q\\\"b\\\\n\\u000a\\u0001é/\",\"b\":[-1,true,null]}")
    }
}
