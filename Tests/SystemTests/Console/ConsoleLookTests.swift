import TestSupport
import Testing

/// Every page as people meet it; the pictures are for people to look at.
extension ConsoleBrowserTests {
    @Test("every page is readable in both schemes, on a desk and on a phone, and says what it is")
    func looks() async throws {
        let world = try ConsoleWorld.ofThisSuite()
        let browser = world.browser
        try await browser.begin()
        try await browser.go(to: world.address("/sign-in"))
        try await look(world, "sign-in")
        try await world.signIn(world.keys.both)
        let purchases = world.purchases
        let pages: [(name: String, path: String)] = [
            ("start", ""), ("transactions", "/transactions"), ("transactions-none", "/transactions?productId=none"),
            ("transactions-faults", "/transactions?from=yesterday"), ("found", "/find?q=nobody-knows"),
            ("transaction-paid", "/transactions/" + purchases.paid),
            ("transaction-refunded", "/transactions/" + purchases.refunded),
            ("transaction-pending", "/transactions/" + purchases.pending),
            ("evidence", "/transactions/\(purchases.refunded)/evidence"), ("account", "/accounts/ada"),
            ("account-unknown", "/accounts/nobody"), ("cases", "/cases"), ("cases-resolved", "/cases?status=resolved"),
            ("case", "/cases/" + purchases.caseID), ("audit", "/audit"), ("audit-none", "/audit?by=nobody"),
            ("finance", "/finance"), ("finance-product", "/finance?groupBy=product"),
            ("finance-year", "/finance?from=2026-01-01&to=2028-01-01"),
            ("finance-empty", "/finance?from=2001-01-01&to=2001-02-01"),
            ("finance-faults", "/finance?from=soon&to=2026-11-01"),
            ("coverage", "/coverage"), ("apple", "/apple"), ("failure", "/nothing/here"),
        ]
        for page in pages {
            try await browser.go(to: world.address(page.path))
            try await look(world, page.name)
        }
        try await world.signIn(world.keys.finance)
        try await look(world, "start-finance")
        try await browser.go(to: world.address("/cases"))
        try await look(world, "forbidden")
    }

    private func look(_ world: ConsoleWorld, _ name: String) async throws {
        let browser = world.browser
        #expect(try await browser.title.hasSuffix("Vouch"), "\(name)")
        for viewport in [Browser.Viewport.desktop, .phone] {
            try await browser.resize(to: viewport)
            for scheme in [Browser.Scheme.light, .dark] {
                try await browser.prefer(scheme)
                let complaints = try await browser.complaints()
                #expect(complaints == [], "\(name), \(viewport.name), \(scheme.rawValue)")
                // Four pictures of each page would take most of the time; the dark phone differs from none of these.
                if viewport == .desktop || scheme == .light {
                    try await browser.screenshot("\(name)-\(viewport.name)-\(scheme.rawValue)")
                }
            }
        }
        try await browser.resize(to: .desktop)
        try await browser.prefer(.light)
        try await world.expectNothingInTheLog()
    }
}
