import AppStoreSimulator
import PurchaseService
import TestSupport
import Testing

@Suite("The console's finance page")
struct ConsoleFinanceTests {
    @Test("its figures are those of the revenue report at the same position, and stay while more is sold")
    func figures() async throws {
        try await TestStack.with { stack in
            try await stack.sellThreeDays()
            let asOf = try #require(try await stack.export().header("Vouch-As-Of"))
            let browser = try await ConsoleBrowser.signedIn(stack, as: .finance)
            let address = "/console/finance?" + stack.period("&tz=Europe/Berlin&asOf=\(asOf)")
            let page = try await browser.get(address)
            #expect(page.status == 200)
            // Paid, refunded, net, rows: as RevenueTests has them in milliunits.
            #expect(page.shown.contains("EUR 14.97 2.495 12.475 6"), "\(page.shown)")
            #expect(page.shown.contains("JPY 900 0 900 3"), "\(page.shown)")
            #expect(page.shown.contains("Of 1 rows Apple told no price") && page.shown.contains("10 rows in all"))
            let byProduct = try await browser.get(address + "&groupBy=product")
            #expect(byProduct.shown.contains("gold EUR 14.97 2.495 12.475 3 2 1"), "\(byProduct.shown)")
            #expect(byProduct.shown.contains("silver JPY 900 0 900 3 0 0"), "\(byProduct.shown)")
            _ = try await stack.posted("late", .consumable)
            #expect(try await browser.get(address).shown == page.shown)
        }
    }

    @Test("what can't be answered is said beside the form, and a product's name is only text")
    func faults() async throws {
        try await TestStack.with { stack in
            _ = try await stack.posted("<i>&\"hat'", .consumable)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .finance)
            let page = try await browser.get("/console/finance?" + stack.period("&groupBy=product"))
            #expect(page.status == 200 && !page.text.contains("<i>") && page.shown.contains("<i>&\"hat'"))
            for (question, said) in [
                ("&asOf=999999999", "As of: The ledger has not come that far"), ("&tz=Moon", "Tz: Must be an IANA"),
                ("&groupBy=moon", "Group by: Must be day"), ("&cursor=x", "next page is broken"),
            ] {
                let refused = try await browser.get("/console/finance?" + stack.period(question))
                #expect(refused.status == 422 && refused.shown.contains(said), "\(question): \(refused.shown)")
                #expect(HTMLChecker.complaints(about: refused.text).isEmpty, "\(question)")
            }
        }
    }
}
