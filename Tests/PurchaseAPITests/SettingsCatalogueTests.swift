import PurchaseCore
import Testing

@testable import vouch

@Suite("The file's catalogue")
struct SettingsCatalogueTests {
    let fixture: SettingsFixture

    init() throws { fixture = try SettingsFixture() }

    @Test("products are read with their defaults")
    func products() throws {
        let file = """
            VOUCH_CATALOGUE: strict
            products:
              coins: {kind: consumable, units: 100, settlementHold: PT10M}
              lifetime: {kind: non_consumable}
              pass: {kind: non_renewing, entitlements: [premium, extra], duration: P1M, onProratedRefund: keep}
              monthly: {kind: auto_renewable, entitlements: "premium, extra", familySharing: false, units: ~}
              quiet: {kind: non_consumable, entitlements: []}
            """
        let entitling = try fixture.load(file: file).entitling
        #expect(entitling.catalogueIsFromFile)
        #expect(
            entitling.catalogue
                == Catalogue(
                    products: [
                        ProductID("coins"): .init(
                            kind: .consumable, entitlements: [], units: 100, settlementHold: .minutes(10)),
                        ProductID("lifetime"): .init(kind: .nonConsumable, entitlements: ["lifetime"]),
                        ProductID("pass"): .init(
                            kind: .nonRenewing, entitlements: ["premium", "extra"],
                            duration: CalendarDuration(months: 1, span: .zero), onProratedRefund: .keep),
                        ProductID("monthly"): .init(
                            kind: .autoRenewable, entitlements: ["premium", "extra"], familySharing: false),
                        ProductID("quiet"): .init(kind: .nonConsumable, entitlements: []),
                    ], unknownProducts: .strict))
    }

    @Test("an empty section is a whole catalogue, no section is none")
    func emptySection() throws {
        #expect(try fixture.load(file: "products: {}").entitling.catalogueIsFromFile)
        #expect(try !fixture.load(file: "products:\n").entitling.catalogueIsFromFile)
    }

    @Test(
        "each faulty field is named with its product",
        arguments: [
            ("{}", "products.p.kind"), ("{kind: Consumable}", "products.p.kind"),
            ("{kind: [consumable]}", "products.p.kind"),
            ("{kind: consumable, units: 0}", "products.p.units"),
            ("{kind: consumable, units: 1.5}", "products.p.units"),
            ("{kind: consumable, units: 9223372036854775807}", "products.p.units"),
            ("{kind: non_consumable, units: 2}", "products.p.units"),
            ("{kind: consumable, entitlements: [a]}", "products.p.entitlements"),
            ("{kind: non_consumable, entitlements: [a, a]}", "products.p.entitlements"),
            ("{kind: non_consumable, entitlements: [[a]]}", "products.p.entitlements"),
            ("{kind: non_consumable, entitlements: {a: b}}", "products.p.entitlements"),
            ("{kind: non_consumable, entitlements: ['']}", "products.p.entitlements"),
            ("{kind: non_consumable, duration: P30D}", "products.p.duration"),
            ("{kind: non_renewing, duration: 30 days}", "products.p.duration"),
            ("{kind: non_renewing, duration: P0D}", "products.p.duration"),
            ("{kind: non_consumable, familySharing: yes}", "products.p.familySharing"),
            ("{kind: non_consumable, settlementHold: P1M}", "products.p.settlementHold"),
            ("{kind: non_consumable, settlementHold: P31D}", "products.p.settlementHold"),
            ("{kind: non_consumable, onProratedRefund: maybe}", "products.p.onProratedRefund"),
            ("{kind: non_consumable, price: 3}", "products.p.price"), ("consumable", "products.p"),
        ])
    func faultyFields(fields: String, name: String) throws {
        let faults = try fixture.faults(file: "products:\n  p: \(fields)\n")
        #expect(faults.map(\.name) == [name])
    }

    @Test("faults of the catalogue and of settings come together")
    func together() throws {
        let faults = try fixture.faults(
            ["VOUCH_FRESH_FOR": "x"], file: "products:\n  a b: {kind: consumable}\n  c: {kind: x}\n  d: {kind: y}\n")
        #expect(faults.map(\.name) == ["VOUCH_FRESH_FOR", "products.a b", "products.c.kind", "products.d.kind"])
        #expect(try fixture.faults(file: "products: [a]").map(\.name) == ["products"])
        #expect(
            try fixture.faults(file: "products:\n  a: {kind: consumable}\n  a: {kind: consumable}\n").map(\.name) == [
                "--config"
            ])
    }
}
