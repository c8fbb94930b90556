import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Support's pages, through the whole stack")
struct ConsolePageTests {
    private static func expectWellFormed(_ page: ConsolePage, at location: SourceLocation = #_sourceLocation) {
        let complaints = HTMLChecker.complaints(about: page.text)
        #expect(complaints.isEmpty, "\(page.path): \(complaints)", sourceLocation: location)
    }

    private static func bought(
        _ stack: TestStack, _ product: String = "pro", _ type: SimulatedProductType = .nonConsumable,
        _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) throws -> SimulatedReceipt {
        var purchase = SimulatedPurchase(productID: product, type: type)
        change(&purchase)
        return try stack.simulator.purchase(purchase)
    }

    @Test("one box finds a transaction, an order that Apple must be asked for, an account and a case")
    func find() async throws {
        try await TestStack.with { stack in
            let first = try Self.bought(stack)
            _ = try await stack.api.post("ada", first.transactionID)
            let conflict = try await stack.api.post("bob|1", first.transactionID)
            let caseID = try #require(conflict.json?["caseId"]?.text)
            let unposted = try Self.bought(stack, "extra")
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            func find(_ text: String) async throws -> ConsolePage {
                try await browser.get("/console/find?q=" + ConsoleBrowser.encoded(text))
            }
            let transaction = "/console/transactions/"
            #expect(try await find(" \(first.transactionID) ").location == transaction + first.transactionID)
            #expect(try await find("ada").location == "/console/accounts/ada")
            #expect(try await find("bob|1").location == "/console/accounts/bob%7C1")
            #expect(try await find(caseID).location == "/console/cases/" + caseID)
            let calls = stack.simulator.callsCount()
            #expect(try await find(unposted.orderID).location == transaction + unposted.transactionID)
            #expect(stack.simulator.callsCount() == calls + 1)
            #expect(try await find(unposted.orderID).location == transaction + unposted.transactionID)
            #expect(stack.simulator.callsCount() == calls + 1)
            #expect(try await find("").location == "/console")

            for text in ["nobody", "999", "MZZZZZZZZZ", "<script>alert(1)</script>", "case-1-2"] {
                let page = try await find(text)
                #expect(page.status == 200 && page.shown.contains("Vouch knows nothing of this name"), "\(text)")
                Self.expectWellFormed(page)
            }
            stack.simulator.setOutage(true)
            #expect(try await find("MYYYYYYYYY").shown.contains("Apple could not be asked for it now"))
        }
    }

    @Test("a number that is a transaction and an account leads to a list of both")
    func ambiguous() async throws {
        try await TestStack.with { stack in
            let receipt = try Self.bought(stack)
            _ = try await stack.api.post(receipt.transactionID, receipt.transactionID)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/find?q=" + receipt.transactionID)
            #expect(page.status == 200)
            #expect(page.text.contains("href=\"/console/transactions/\(receipt.transactionID)\""))
            #expect(page.text.contains("href=\"/console/accounts/\(receipt.transactionID)\""))
            Self.expectWellFormed(page)
        }
    }

    @Test("a transaction's page says what the explanation says, and asks Apple again with who and why")
    func transaction() async throws {
        try await TestStack.with { stack in
            let receipt = try Self.bought(stack, "coins", .consumable)
            let id = receipt.transactionID
            _ = try await stack.api.post("ada", id)
            let explained = try await stack.api.get("/v1/transactions/\(id)/explanation", as: .support)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/transactions/\(id)")
            #expect(page.status == 200)
            Self.expectWellFormed(page)
            let customer = try #require(explained.json?["customer"]?["text"]?.text)
            #expect(page.shown.contains(customer) && page.shown.contains("Paid") && page.shown.contains("4.99 USD"))
            for part in ["summary", "facts", "rules"] {
                for item in explained.json?[part]?.items ?? [] {
                    #expect(page.shown.contains(item["text"]?.text ?? "-"), "\(part)")
                }
            }
            #expect(page.text.contains("href=\"/console/accounts/ada\""))

            let none = try await browser.send([("why", "")], from: page, to: "/console/transactions/\(id)/recheck")
            #expect(none.status == 422 && none.shown.contains("Apple was not asked"))
            Self.expectWellFormed(none)
            let calls = stack.simulator.callsCount()
            let done = try await browser.send(
                [("why", "the customer says \"refunded\"")], from: page, to: "/console/transactions/\(id)/recheck")
            #expect(done.status == 303 && done.location == "/console/transactions/\(id)")
            #expect(stack.simulator.callsCount() == calls + 1)
            let after = try await browser.get("/console/transactions/\(id)")
            #expect(after.shown.contains("Apple was asked. This is how it stands now."))
            #expect(after.shown.contains("by support-key") && after.shown.contains("the customer says \"refunded\""))
            Self.expectWellFormed(after)
            // Said once.
            #expect(try await !browser.get("/console/transactions/\(id)").shown.contains("Apple was asked. This is"))
            let actors = try await stack.rows("SELECT actor FROM events WHERE input = 'staff_action'")
            #expect(actors == [["support-key"]])
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("the proof's page has the steps and certificates, and its download is the API's text, byte for byte")
    func evidence() async throws {
        try await TestStack.with { stack in
            let id = try Self.bought(stack).transactionID
            _ = try await stack.api.post("ada", id)
            let listed = try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support)
            let item = try #require(listed.json?["evidence"]?.items?.first)
            let digest = try #require(item["sha256"]?.text)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/transactions/\(id)/evidence")
            Self.expectWellFormed(page)
            #expect(page.shown.contains(digest) && page.shown.contains("Passed"))
            let address = "/console/transactions/\(id)/evidence/app_store/\(digest)"
            #expect(page.text.contains("href=\"\(address)\""))
            let file = try await browser.get(address)
            #expect(file.status == 200 && file.text == item["jws"]?.text)
            #expect(file.headers[.contentDisposition]?.hasPrefix("attachment; filename=\"\(id)-") == true)
            #expect(file.headers[.cacheControl] == "no-store")
            let other = String(repeating: "0", count: 64)
            for wrong in ["app_store/\(other)", "device/\(digest)", "app_store/x", "moon/\(digest)"] {
                let answer = try await browser.get("/console/transactions/\(id)/evidence/\(wrong)")
                #expect(answer.status == 404, "\(wrong)")
            }
        }
    }

    @Test("an account's page shows what it may use; goodwill is given and ended with who and why, up to the bound")
    func account() async throws {
        try await TestStack.with { stack in
            let id = try Self.bought(stack).transactionID
            _ = try await stack.api.post("ada", id)
            let coins = try Self.bought(stack, "coins", .consumable).transactionID
            _ = try await stack.api.post("ada", coins)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/accounts/ada")
            #expect(page.status == 200 && page.shown.contains("Entitlements") && page.shown.contains("Deliveries"))
            Self.expectWellFormed(page)
            let gift = [
                ("key", "gold"), ("effect", "grant"), ("environment", "Production"), ("until", "2099-01-01"),
                ("why", "sorry"),
            ]
            let made = try await browser.send(gift, from: page, to: "/console/accounts/ada/overrides")
            #expect(made.status == 303 && made.location == "/console/accounts/ada#overrides")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["gold", "pro"])
            let shown = try await browser.get("/console/accounts/ada")
            #expect(
                shown.shown.contains("The decision is in force.") && shown.shown.contains("2099-01-01 00:00:00 UTC"))
            Self.expectWellFormed(shown)
            _ = try await browser.send(gift, from: shown, to: "/console/accounts/ada/overrides")
            let again = try await browser.get("/console/accounts/ada")
            #expect(again.shown.contains("was in force already"))
            let override = try #require(again.value(ofField: "overrideId"))

            let wordless = try await browser.send(
                [("overrideId", override), ("why", "")], from: again, to: "/console/accounts/ada/overrides/end")
            #expect(wordless.status == 422 && wordless.shown.contains("It was not ended"))
            Self.expectWellFormed(wordless)
            let ended = try await browser.send(
                [("overrideId", override), ("why", "over")], from: again, to: "/console/accounts/ada/overrides/end")
            #expect(ended.status == 303)
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            let unknown = try await browser.send(
                [("overrideId", "override-1-99"), ("why", "over")], from: again,
                to: "/console/accounts/ada/overrides/end")
            #expect(unknown.status == 404)

            let new = try await browser.get("/console/accounts/newcomer")
            #expect(new.status == 200 && new.shown.contains("nothing of this account yet"))
            Self.expectWellFormed(new)
        }
    }

    @Test("an account is erased when its name is typed again, and then nothing of it is known")
    func erasing() async throws {
        try await TestStack.with { stack in
            let id = try Self.bought(stack).transactionID
            _ = try await stack.api.post("ada-1", id)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/accounts/ada-1")
            let address = "/console/accounts/ada-1/erase"
            for (confirmation, why) in [("", "asked"), ("ada-2", "asked"), ("ada-1", ""), ("ada-1", "Ada-1 asked")] {
                let refused = try await browser.send(
                    [("confirmation", confirmation), ("why", why)], from: page, to: address)
                #expect(
                    refused.status == 422 && refused.shown.contains("Nothing was erased"), "\(confirmation), \(why)")
                Self.expectWellFormed(refused)
            }
            #expect(try await stack.api.get("/v1/accounts/ada-1/entitlements").activeKeys == ["pro"])
            let erased = try await browser.send(
                [("confirmation", "ada-1"), ("why", "ticket 7")], from: page, to: address)
            #expect(erased.status == 303 && erased.location == "/console")
            #expect(try await browser.get("/console").shown.contains("The account is erased."))
            #expect(try await stack.api.get("/v1/accounts/ada-1/entitlements").activeKeys.isEmpty)
            #expect(try await browser.get("/console/accounts/ada-1").shown.contains("nothing of this account yet"))
            let again = try await browser.send(
                [("confirmation", "ada-1"), ("why", "ticket 7")], from: page, to: address)
            #expect(again.location == "/console")
            #expect(try await browser.get("/console").shown.contains("Nothing is known under that name"))
        }
    }

    @Test("the bound on decisions is told beside the form, with what to do")
    func limit() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/accounts/ada")
            for number in 0..<Override.liveMax {
                let terms = Override.Terms(key: "k\(number)", effect: .grant, environment: .production, until: nil)
                _ = try await stack.service.override(
                    AccountID("ada"), terms, why: "a test", by: Caller(name: "support-key", roles: [.support]),
                    requestID: "r")
            }
            let answer = try await browser.send(
                [("key", "more"), ("effect", "grant"), ("environment", "Production"), ("why", "more")], from: page,
                to: "/console/accounts/ada/overrides")
            #expect(answer.status == 422 && answer.shown.contains("too many decisions in force"))
            #expect(answer.shown.contains("End one of them") && answer.text.contains("value=\"more\""))
            Self.expectWellFormed(answer)
            #expect(answer.text.contains("rel=\"next\"") || answer.text.contains("Older decisions"))
        }
    }

    @Test("a case is found, understood and decided, and the decision corrected")
    func cases() async throws {
        try await TestStack.with { stack in
            let id = try Self.bought(stack).transactionID
            _ = try await stack.api.post("ada", id)
            let caseID = try #require(try await stack.api.post("bob", id).json?["caseId"]?.text)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            for path in ["/console", "/console/cases", "/console/accounts/bob", "/console/accounts/ada"] {
                let page = try await browser.get(path)
                #expect(page.text.contains("href=\"/console/cases/\(caseID)\""), "\(path)")
                Self.expectWellFormed(page)
            }
            let page = try await browser.get("/console/cases/\(caseID)")
            #expect(page.shown.contains("ada") && page.shown.contains("bob") && page.shown.contains("Open"))
            Self.expectWellFormed(page)
            let told = try await browser.get("/console/transactions/\(id)?accountId=bob")
            #expect(told.shown.contains("Seen from the account bob"))
            Self.expectWellFormed(told)

            let undecided = try await browser.send(
                [("outcome", ""), ("why", "x")], from: page, to: "/console/cases/\(caseID)/resolve")
            #expect(undecided.status == 422 && undecided.text.contains("href=\"#resolve-outcome\""))
            Self.expectWellFormed(undecided)
            for (outcome, seen, words, keys) in [
                ("transferred", nil, "was transferred", ["pro"]), ("refused", "transferred", "was refused", []),
            ] as [(String, String?, String, [String])] {
                let done = try await browser.send(
                    [("outcome", outcome), ("why", "seen the invoice")] + (seen.map { [("seen", $0)] } ?? []),
                    from: page, to: "/console/cases/\(caseID)/resolve")
                #expect(done.status == 303 && done.location == "/console/cases/\(caseID)")
                let after = try await browser.get("/console/cases/\(caseID)")
                #expect(after.shown.contains(words) && after.shown.contains("seen the invoice"))
                #expect(after.shown.contains("support-key") && after.shown.contains("Correct the decision"))
                #expect(after.value(ofField: "seen") == outcome)
                Self.expectWellFormed(after)
                #expect(try await stack.api.get("/v1/accounts/bob/entitlements").activeKeys == keys)
            }
            // A colleague's page that still shows the case open decides nothing any more.
            let stale = try await browser.send(
                [("outcome", "transferred"), ("why", "late")], from: page, to: "/console/cases/\(caseID)/resolve")
            #expect(stale.status == 422 && stale.shown.contains("was decided by support-key while this page was open"))
            Self.expectWellFormed(stale)
            #expect(try await stack.api.get("/v1/accounts/bob/entitlements").activeKeys.isEmpty)
            // Apple is asked from the page that is seen from an account, and the answer is that page again.
            let asked = try await browser.send(
                [("accountId", "bob"), ("why", "bob asks")], from: told, to: "/console/transactions/\(id)/recheck")
            #expect(told.value(ofField: "accountId") == "bob")
            #expect(asked.location == "/console/transactions/\(id)?accountId=bob")
            let list = try await browser.get("/console/cases?status=resolved")
            #expect(list.text.contains(caseID))
            Self.expectWellFormed(list)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("the filters find what the API's search finds, page after page")
    func search() async throws {
        try await TestStack.with { stack in
            for number in 0..<60 {
                let id = try Self.bought(stack, number % 2 == 0 ? "even" : "odd") {
                    $0.purchaseDate = 1_795_000_000_000 + Int64(number)
                }
                _ = try await stack.service.submit(
                    Submission(
                        account: AccountID("ada"), subject: .transactionID(TransactionID(id.transactionID)),
                        environment: nil, appAccountToken: nil),
                    by: Caller(name: "app-key", roles: [.app]), requestID: "r")
            }
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            func ids(_ page: ConsolePage) -> [String] {
                page.text.matches(of: /<th scope="row"><a href="\/console\/transactions\/([0-9]+)"/).map {
                    String($0.output.1)
                }
            }
            let first = try await browser.get("/console/transactions?accountId=ada&productId=&from=2026-01-01")
            Self.expectWellFormed(first)
            #expect(ids(first).count == 50)
            let next = try #require(first.text.firstMatch(of: /href="([^"]+)" rel="next"/)).output.1
            let second = try await browser.get(String(next).replacing("&amp;", with: "&"))
            #expect(ids(second).count == 10 && Set(ids(first) + ids(second)).count == 60)
            let even = try await browser.get("/console/transactions?productId=even&state=paid&environment=Production")
            #expect(ids(even).count == 30)
            let none = try await browser.get("/console/transactions?reason=refund_full")
            #expect(none.status == 200 && none.shown.contains("Nothing matches"))
            let wrong = try await browser.get("/console/transactions?from=yesterday&state=lost")
            #expect(wrong.status == 422 && wrong.text.contains("href=\"#search-from\""))
            #expect(wrong.text.contains("value=\"yesterday\""))
            for page in [second, even, none, wrong] { Self.expectWellFormed(page) }
        }
    }

    @Test("an order of several transactions has a page of its own")
    func order() async throws {
        try await TestStack.with { stack in
            let first = try Self.bought(stack)
            let second = try Self.bought(stack, "extra") { $0.orderID = first.orderID }
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let found = try await browser.get("/console/find?q=\(first.orderID)")
            #expect(found.location == "/console/orders/\(first.orderID)")
            let page = try await browser.get("/console/orders/\(first.orderID)")
            #expect(page.text.contains(first.transactionID) && page.text.contains(second.transactionID))
            Self.expectWellFormed(page)
            #expect(try await browser.get("/console/orders/MNOSUCHORDER").status == 404)
        }
    }

    @Test("what strangers wrote stays text: product ids, accounts, words, searches")
    func hostile() async throws {
        try await TestStack.with { stack in
            let bomb = "<script>alert(1)</script>\" onmouseover='x' \"\u{0301}><img src=x>{{csrf}}{{{csrf}}}"
            let receipt = try Self.bought(stack, bomb)
            let account = "a|b@c:d~e"
            _ = try await stack.api.post(account, receipt.transactionID)
            let caseID = try #require(try await stack.api.post("bob", receipt.transactionID).json?["caseId"]?.text)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let address = "/console/accounts/a%7Cb%40c%3Ad~e"
            let page = try await browser.get(address)
            _ = try await browser.send(
                [("key", bomb), ("effect", "withhold"), ("environment", "Sandbox"), ("why", bomb)], from: page,
                to: address + "/overrides")
            _ = try await browser.send(
                [("outcome", "refused"), ("why", bomb)], from: page, to: "/console/cases/\(caseID)/resolve")
            _ = try await browser.send(
                [("why", bomb)], from: page, to: "/console/transactions/\(receipt.transactionID)/recheck")
            let query = ConsoleBrowser.encoded(bomb)
            for path in [
                "/console", address, "/console/cases/\(caseID)", "/console/cases?status=resolved",
                "/console/transactions", "/console/transactions?productId=\(query)&accountId=\(query)",
                "/console/transactions/\(receipt.transactionID)", "/console/find?q=\(query)",
                "/console/cases?\(query)=1", "/console/sign-in?next=\(query)",
            ] {
                let shown = try await browser.open(path)
                Self.expectWellFormed(shown)
                #expect(!shown.text.contains("<script") && !shown.text.contains("<img"), "\(path)")
            }
            let detail = try await browser.get("/console/transactions/\(receipt.transactionID)")
            #expect(detail.shown.contains("<script>alert(1)</script>") && detail.shown.contains("{{csrf}}"))
        }
    }

    @Test("whoever follows a link from another site is told how to go on, for the cookie stayed at home")
    func fromElsewhere() async throws {
        try await TestStack.with { stack in
            let stranger = ConsoleBrowser(stack)
            let page = try await stranger.get("/console/sign-in?next=%2Fconsole%2Fcases", site: "cross-site")
            #expect(page.text.contains("<a href=\"/console/cases\">"))
            Self.expectWellFormed(page)
            let usual = try await stranger.get("/console/sign-in?next=%2Fconsole%2Fcases", site: "none")
            #expect(!usual.text.contains("<a href=\"/console/cases\">"))
        }
    }
}
