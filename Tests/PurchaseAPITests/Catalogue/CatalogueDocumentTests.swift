import Foundation
import PurchaseCore
import Testing

@testable import vouch

@Suite("Catalogue files")
struct CatalogueDocumentTests {
    static let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? .random(in: 1...999_999)

    private func faults(_ yaml: String) -> [SettingsFault] {
        do throws(SettingsFaults) {
            _ = try CatalogueDocument(yaml: yaml, name: "shop.yaml")
            return []
        } catch {
            return error.faults
        }
    }

    @Test("YAML and JSON are read alike, in the form of the settings file")
    func forms() throws {
        let yaml = try CatalogueDocument(
            yaml: "products:\n  a b.c:\n    kind: consumable\n".replacing("a b.c", with: "a.c"), name: "f")
        let json = try CatalogueDocument(
            yaml: "{\n\t\"products\":{\"a.c\":{\"kind\":\"consumable\",\"units\":1}}\n}\n", name: "f")
        #expect(yaml.products == json.products)
        #expect(yaml.products == [ProductID("a.c"): .init(kind: .consumable, entitlements: [])])
        #expect(try CatalogueDocument(yaml: "products: {}", name: "f").products.isEmpty)
    }

    @Test("every fault is told at once, by its path")
    func allFaults() {
        let names = faults(
            """
            VOUCH_LOG_LEVEL: info
            producs: {}
            products:
              a: {kind: x}
              b: {kind: consumable, units: 0}
              c d: {kind: consumable}
              e: {kind: non_consumable, duration: P1D}
            """
        ).map(\.name)
        #expect(
            names == [
                "VOUCH_LOG_LEVEL", "producs", "products.a.kind", "products.b.units", "products.c d",
                "products.e.duration",
            ])
    }

    @Test(
        "a file without a catalogue is refused, and not taken for an empty one",
        arguments: [
            ("", "products"), ("products:\n", "products"), ("products: []", "products"), ("a: [", "shop.yaml"),
            ("[1]", "shop.yaml"), ("products: {a: {kind: consumable}, a: {kind: consumable}}", "shop.yaml"),
            ("VOUCH_CATALOGUE: strict", "products"),
        ])
    func noCatalogue(yaml: String, name: String) {
        #expect(faults(yaml).contains { $0.name == name })
    }

    @Test("what is written reads back as the same, as JSON and as YAML, whatever texts it holds")
    func roundTrip() throws {
        print("catalogue files: SEED=\(Self.seed)")
        var generator = EdgeGenerator(seed: Self.seed)
        for _ in 0..<300 {
            let document = CatalogueDocument(products: Self.products(using: &generator))
            let stored = try CatalogueDocument(stored: document.json)
            #expect(stored.products == document.products, "SEED=\(Self.seed)\n\(document.json)")
            let file = try CatalogueDocument(yaml: document.yaml, name: "f")
            #expect(file.products == document.products, "SEED=\(Self.seed)\n\(document.yaml)")
            #expect(document.isSame(as: file) && file.json == document.json)
        }
    }

    private static func products(using generator: inout EdgeGenerator) -> [ProductID: Catalogue.Product] {
        let ids = [
            "com.example.a", "null", "true", "1e3", "~", "a:b", "#x", "\"q\"", "'", "-", "?", "{x}", "no", "a.b-c_d",
            "a\\b", "%",
        ]
        let keys = [
            "premium", "null", "1", "two words", "é", "😀", "a: b", "- x", "[x]", "\"q\"", "yes", "#", "a,b", "x\\y",
        ]
        let durations = [
            "P1D", "P2W", "P1M", "P1Y2M3DT4H5M6S", "PT90M", "P999999W", "P999999Y999999M", "P999999DT999999H",
        ]
        var products: [ProductID: Catalogue.Product] = [:]
        for id in ids where Bool.random(using: &generator) {
            let kind = CatalogueReader.Kind.allCases.randomElement(using: &generator) ?? .consumable
            let chosen = keys.filter { _ in generator.oneIn(3) }.shuffled(using: &generator)
            products[ProductID(id)] = Catalogue.Product(
                kind: kind.type, entitlements: kind == .consumable ? [] : chosen,
                units: kind == .consumable ? .random(in: 1...CatalogueReader.unitsMax, using: &generator) : 1,
                duration: kind == .nonRenewing
                    ? durations.randomElement(using: &generator).flatMap { CalendarDuration(iso8601: $0) } : nil,
                familySharing: Bool.random(using: &generator),
                settlementHold: .seconds(.random(in: 0...2_592_000, using: &generator)),
                onProratedRefund: Bool.random(using: &generator) ? .keep : .revoke)
        }
        return products
    }

    @Test("the order of products and entitlements makes no difference, anything else does")
    func sameness() throws {
        let one = try CatalogueDocument(
            yaml: "products: {a: {kind: non_consumable, entitlements: [x, y]}, b: {kind: consumable}}", name: "f")
        let other = try CatalogueDocument(
            yaml: "products: {b: {kind: consumable, units: 1}, a: {kind: non_consumable, entitlements: [y, x]}}",
            name: "f")
        #expect(one.isSame(as: other))
        for yaml in [
            "products: {a: {kind: non_consumable, entitlements: [x, y]}}",
            "products: {a: {kind: non_consumable, entitlements: [x]}, b: {kind: consumable}}",
            "products: {a: {kind: non_consumable, entitlements: [x, y]}, b: {kind: consumable, units: 2}}",
        ] {
            #expect(try !one.isSame(as: CatalogueDocument(yaml: yaml, name: "f")))
        }
    }

    @Test("the policy that a server writes down can be read back whole, but for the listed accounts")
    func storedPolicy() throws {
        let fixture = try SettingsFixture()
        for (accounts, isKnown) in [("all", true), ("", true), ("tester,erin", false)] {
            let settings = try fixture.load(
                [
                    "VOUCH_SANDBOX_ACCOUNTS": accounts, "VOUCH_CATALOGUE": "strict", "VOUCH_RECHECK_FIRST": "PT7S",
                    "VOUCH_ACCOUNT_TOKEN_RULE": "require", "VOUCH_APP_ENVIRONMENTS": "Sandbox",
                    "VOUCH_ACCOUNT_TOKEN_NAMESPACE": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                ], file: "products: {a: {kind: consumable, units: 3}}\n")
            let (policy, document) = settings.policyAndDocument()
            let stored = try #require(StoredPolicy(document: document.text))
            #expect(stored.knownSandboxAccounts == (isKnown ? policy.sandboxAccounts : nil))
            let again = try #require(
                stored.policy(
                    products: policy.catalogue.products, unknownProducts: nil, sandboxAccounts: policy.sandboxAccounts))
            #expect(again.policy == policy && again.document == document)
        }
        #expect(StoredPolicy(document: "{}") == nil)
    }
}
