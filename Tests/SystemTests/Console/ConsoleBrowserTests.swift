import Foundation
import NIOHTTP1
import TestSupport
import Testing

@Suite("The console in a browser", .console, .serialized, .timeLimit(.minutes(5)))
struct ConsoleBrowserTests {
    @Test(
        "support finds a lost purchase by its order, reads why, has Apple asked, decides a dispute, and leaves no trace"
    )
    func support() async throws {
        let world = try ConsoleWorld.ofThisSuite()
        let (browser, purchases) = (world.browser, world.purchases)
        try await world.signIn(world.keys.support)
        let cookies = try await browser.cookies().filter { $0["name"]?.text == "vouch-console" }
        #expect(cookies.count == 1 && cookies.first?["httpOnly"] == .bool(true))
        #expect(cookies.first?["sameSite"]?.text == "Strict")

        // The box of the start page takes whatever the customer has.
        try await browser.type(purchases.lostOrder, into: "#search")
        try await browser.click(browser.element("form.search button"))
        try await browser.wait(forPath: "/console/transactions/" + purchases.lost)
        let page = try await browser.text
        #expect(page.contains("Paid") && page.contains("nobody’s") && page.contains("To the customer"))
        #expect(page.contains("What would change it") && page.contains(purchases.lostOrder) == false)

        // An action without a reason is stopped by the browser; with one it is done once, and said.
        try await browser.click("button", named: "Ask Apple")
        #expect(try await browser.url.hasSuffix(purchases.lost), "the field is required")
        try await browser.type("the customer wrote again", into: browser.element("textbox", named: "Why"))
        try await browser.click("button", named: "Ask Apple")
        try await browser.wait(forText: "Apple was asked. This is how it stands now.")
        #expect(try await browser.text.contains("the customer wrote again"))
        try await browser.go(to: browser.url)
        #expect(try await browser.text.contains("Apple was asked. This is") == false, "it is said once")

        try await browser.click("link", named: "Cases")
        try await browser.click("link", named: purchases.caseID)
        try await browser.choose("transferred", in: "select[name=outcome]")
        try await browser.type("the receipt is on bob's name", into: browser.element("textbox", named: "Why"))
        try await browser.click("button", named: "Decide")
        try await browser.wait(forText: "The purchase was transferred to the claimant.")
        let owner = try await world.vouch.send(.GET, "\(world.server)/v1/transactions/\(purchases.disputed)")
        #expect(owner.body["accountId"]?.text == "bob")

        // What was done is in the audit, with who and why.
        try await browser.click("link", named: "Audit")
        let audit = try await browser.text
        #expect(
            audit.contains("Transferred the purchase to the claimant") && audit.contains("the receipt is on bob's name")
        )
        #expect(audit.contains("Had Apple asked again") && audit.contains("support-desk"))
        try await world.expectNothingInTheLog()

        try await browser.click("button", named: "Sign out")
        try await browser.wait(forPath: "/console/sign-in")
        try await browser.back()
        try await browser.wait(forPath: "/console/sign-in")
        let after = try await browser.text
        #expect(!after.contains("bob") && !after.contains("support-desk"))
    }

    @Test("a session ends with its key, on the next click")
    func revoked() async throws {
        let world = try ConsoleWorld.ofThisSuite()
        try await world.signIn(world.keys.leaver)
        try Installation.vouch(["keys", "revoke", "leaver"], world.vouch.environment)
        try await world.browser.click("link", named: "Cases")
        try await world.browser.wait(forPath: "/console/sign-in")
        #expect(try await !world.browser.text.contains(world.purchases.caseID))
        try await world.browser.type(world.keys.leaver, into: "#key")
        try await world.browser.click("button", named: "Sign in")
        try await world.browser.wait(forText: "This key is not known, or it was revoked.")
    }

    @Test("finance sees a month, drawn and in figures, downloads the rows that the API exports, and sees no customers")
    func finance() async throws {
        let world = try ConsoleWorld.ofThisSuite()
        let browser = world.browser
        try await world.signIn(world.keys.finance)
        try await browser.click("link", named: "Finance")
        try await browser.wait(forPath: "/console/finance")
        for currency in ["EUR", "JPY", "USD"] {
            _ = try await browser.element("image", named: "Paid, refunded and net in \(currency)")
        }
        let page = try await browser.text
        #expect(page.contains("Customer price") && page.contains("not what Apple pays out"))

        for (link, query, ending) in [("CSV", "csv", ".csv"), ("NDJSON", "ndjson", ".ndjson")] {
            let element = try await browser.element("link", named: link)
            let address = try #require(try await browser.attribute("href", of: element))
            try await browser.click(element)
            let file = try await browser.download { $0.hasPrefix("paid-records_Production_") && $0.hasSuffix(ending) }
            let parameters = try #require(URLComponents(string: address)?.queryItems)
            #expect(
                parameters.contains { $0.name == "asOf" && $0.value?.isEmpty == false },
                "the figures shown, not newer ones")
            let path = address.replacing("/console/finance/paid-records", with: "/v1/exports/paid-records")
            let exported = try world.vouch.bytes(world.server + path, key: world.keys.finance)
            #expect(file.bytes == exported && exported.count > 500, "\(query)")
        }

        try await browser.go(to: world.address("/transactions"))
        #expect(try await browser.text.contains("Your key may not see this"))
        #expect(try await browser.elements("header input[type=search]").isEmpty, "no search box for customers")
        try await browser.go(to: world.address("/finance?from=2026-11-20&to=2026-11-01&tz=Mars%2FOlympus"))
        #expect(try await browser.text.contains("There are no figures for this"))
        try await world.expectNothingInTheLog()
    }

    @Test("all of it works by keyboard alone")
    func keyboard() async throws {
        let world = try ConsoleWorld.ofThisSuite()
        let browser = world.browser
        try await browser.begin()
        try await browser.go(to: world.address("/cases/" + world.purchases.otherCaseID))
        try await browser.wait(forPath: "/console/sign-in")
        try await browser.tab(to: "Your key")
        try await browser.type(world.keys.both)
        try await browser.press(.enter)
        // After signing in it goes on to the page that was asked for.
        try await browser.wait(forPath: "/console/cases/" + world.purchases.otherCaseID)
        try await browser.press(.tab)
        let first = try #require(try await browser.focused())
        #expect(try await browser.name(of: first) == "Skip to the content")
        try await browser.press(.enter)
        try await browser.tab(to: "Outcome")
        try await browser.press(.down)
        try await browser.tab(to: "Why")
        try await browser.type("neither could show a receipt")
        try await browser.tab(to: "Decide")
        try await browser.press(.enter)
        try await browser.wait(forText: "The claim was refused: the claimant does not have the purchase.")

        try await browser.tab(to: "Finance")
        try await browser.press(.enter)
        try await browser.wait(forPath: "/console/finance")
        try await browser.tab(to: "The figures in EUR as a table", most: 80)
        try await browser.press(.enter)
        try await browser.wait(forText: "a day that is missing had no movement")
        try await browser.tab(to: "Sign out", most: 120)
        try await browser.press(.enter)
        try await browser.wait(forPath: "/console/sign-in")
        try await world.expectNothingInTheLog()
    }

    @Test("all of it works without JavaScript")
    func withoutScripts() async throws {
        let world = try ConsoleWorld.ofThisSuite()
        let browser = world.browser
        try await world.signIn(world.keys.both, scripts: false)
        try await browser.type(world.purchases.paid, into: "#find")
        try await browser.click(browser.element("header form.find button"))
        try await browser.wait(forPath: "/console/transactions/" + world.purchases.paid)
        try await browser.type("without scripts", into: browser.element("textbox", named: "Why"))
        try await browser.click("button", named: "Ask Apple")
        try await browser.wait(forText: "Apple was asked.")
        try await browser.click("link", named: "Finance")
        try await browser.choose("product", in: "select[name=groupBy]")
        try await browser.click("button", named: "Show")
        try await browser.wait(forText: "Customer price by product and currency")
        try await browser.click("button", named: "Sign out")
        try await browser.wait(forPath: "/console/sign-in")
        try await browser.allowScripts(true)
    }
}

extension Installation {
    /// The body of an answer as it is.
    func bytes(_ url: String, key: String) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "bytes-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Shell.run(["curl", "-fsS", "-H", "Authorization: Bearer \(key)", "-o", file.path, url])
        return [UInt8](try Data(contentsOf: file))
    }
}
