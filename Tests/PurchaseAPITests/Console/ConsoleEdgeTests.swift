import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PurchaseConsole
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The console's edge")
struct ConsoleEdgeTests {
    /// A route's path with something in every place of a parameter.
    private static func sample(_ route: ConsoleRoute) -> String {
        route.path.replacing("{transactionId}", with: "2000000000000001").replacing("{source}", with: "app_store")
            .replacing("{sha256}", with: String(repeating: "a", count: 64)).replacing("{orderId}", with: "MABCDEF123")
            .replacing("{accountId}", with: "ada").replacing("{id}", with: "case-1-1").replacing(
                "{name}", with: "x.css")
    }

    private static func expectHeaders(_ page: ConsolePage, at location: SourceLocation = #_sourceLocation) {
        let headers = page.headers
        let policy = headers[.contentSecurityPolicy] ?? ""
        #expect(policy.hasPrefix("default-src 'none'; style-src 'self'; "), "\(page.path)", sourceLocation: location)
        for part in ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "img-src 'self'"] {
            #expect(policy.contains(part), "\(page.path)", sourceLocation: location)
        }
        #expect(!policy.contains("unsafe") && !policy.contains("script-src"), sourceLocation: location)
        func value(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
        #expect(value("X-Content-Type-Options") == "nosniff", "\(page.path)", sourceLocation: location)
        #expect(value("Referrer-Policy") == "same-origin", "\(page.path)", sourceLocation: location)
        #expect(value("Cross-Origin-Opener-Policy") == "same-origin", "\(page.path)", sourceLocation: location)
        #expect(value("Permissions-Policy")?.contains("camera=()") == true, "\(page.path)", sourceLocation: location)
        #expect(headers[.cacheControl] == "no-store", "\(page.path)", sourceLocation: location)
        #expect(value("X-Request-Id") != nil, "\(page.path)", sourceLocation: location)
        let type = headers[.contentType] ?? "text/html; charset=utf-8"
        #expect(type == "text/html; charset=utf-8", "\(page.path) \(page.status)", sourceLocation: location)
    }

    @Test("the process serves the contract's operations and the console's routes, and nothing else")
    func routes() async throws {
        try await TestStack.with { stack in
            let operations = Set(EdgeClient.spec.operations.map { "\($0.method) \($0.path)" })
            let pages = Set(ConsoleRoute.allCases.map { "\($0.method.rawValue) \($0.path)" })
            #expect(stack.routes == operations.union(pages))
            #expect(operations.isDisjoint(with: pages) && pages.count == ConsoleRoute.allCases.count)
        }
    }

    @Test("every route, whoever comes, answers with the headers, and with a page that needs no repair")
    func headers() async throws {
        try await TestStack.with { stack in
            let people = [
                ConsoleBrowser(stack), try await ConsoleBrowser.signedIn(stack, as: .support),
                try await ConsoleBrowser.signedIn(stack, as: .finance),
            ]
            for route in ConsoleRoute.allCases where route != .signOut {
                for browser in people {
                    let answer = try await browser.request(
                        route.method, Self.sample(route),
                        headers: route.method == .post ? [.contentType: "application/x-www-form-urlencoded"] : [:],
                        body: route.method == .post ? "csrf=x" : nil)
                    Self.expectHeaders(answer)
                    if answer.status != 303 {
                        let complaints = HTMLChecker.complaints(about: answer.text)
                        #expect(complaints.isEmpty, "\(route) \(answer.status): \(complaints)")
                    }
                    #expect(!answer.text.contains("urn:vouch:problem"))
                }
            }
        }
    }

    @Test("each role reaches what its routes list, and is told so on a page where it may not go")
    func roles() async throws {
        try await TestStack.with { stack in
            for role in [Role.support, .finance] {
                let browser = try await ConsoleBrowser.signedIn(stack, as: role)
                for route in ConsoleRoute.allCases where !route.isPublic && route != .signOut {
                    let home = try await browser.get("/console")
                    let answer =
                        route.method == .get
                        ? try await browser.get(Self.sample(route))
                        : try await browser.send([], from: home, to: Self.sample(route))
                    #expect((answer.status == 403) == !route.roles.contains(role), "\(role) \(route) \(answer.status)")
                    if answer.status == 403 {
                        #expect(answer.shown.contains("Your key may not see this"))
                        #expect(answer.shown.contains("\(role.rawValue)-key"))
                    }
                }
                let home = try await browser.get("/console")
                #expect(home.text.contains("/console/cases") == (role == .support))
                #expect(home.text.contains("/console/find") == (role == .support))
            }
        }
    }

    @Test("without a session every page sends to the sign-in page, and says where to go on")
    func gate() async throws {
        try await TestStack.with { stack in
            let browser = ConsoleBrowser(stack)
            for route in ConsoleRoute.allCases where !route.isPublic {
                let answer = try await browser.request(route.method, Self.sample(route))
                #expect(answer.status == 303 && answer.location?.hasPrefix("/console/sign-in") == true, "\(route)")
                #expect(answer.text.isEmpty)
            }
            let recheck = try await browser.request(.post, "/console/transactions/1/recheck")
            #expect(recheck.location == "/console/sign-in?next=%2Fconsole%2Ftransactions%2F1")
            #expect(try await browser.get("/console").location == "/console/sign-in")
        }
    }

    @Test("a wrong address, method or spelling is answered with a page, never with a problem")
    func wrongAddresses() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            for (method, path, status) in [
                (.get, "/console/nowhere", 404), (.get, "/console/", 404), (.get, "/console//cases", 404),
                (.delete, "/console/cases", 405), (.put, "/console", 405), (.get, "/console/sign-out", 405),
                (.get, "/console/transactions/abc", 404), (.get, "/console/transactions/%zz", 404),
                (.get, "/console/accounts/a%2Fb", 404), (.get, "/console/cases/no-such-case", 404),
                (.get, "/console/cases?status=closed", 400), (.get, "/console/cases?colour=red", 400),
                (.get, "/console/cases?status=open&status=open", 400), (.get, "/console/cases?cursor=x", 400),
                (.get, "/console/assets/console-0000000000000000.css", 404), (.get, "/console/find?x=%ff", 400),
            ] as [(HTTPRequest.Method, String, Int)] {
                let answer = try await browser.request(method, path)
                #expect(answer.status == status, "\(method) \(path) -> \(answer.status)")
                Self.expectHeaders(answer)
                #expect(HTMLChecker.complaints(about: answer.text).isEmpty, "\(path)")
                if status == 405 { #expect(answer.headers[.allow]?.isEmpty == false) }
            }
            #expect(try await browser.request(.head, "/console").text.isEmpty)
            // Elsewhere nothing changes.
            let api = try await browser.request(.get, "/v1/nowhere")
            #expect(api.headers[.contentType]?.hasPrefix("application/problem+json") == true)
            #expect(api.headers[.contentSecurityPolicy] == nil)
            #expect(try await browser.request(.get, "/consolex").headers[.contentSecurityPolicy] == nil)
        }
    }

    @Test("the stylesheet and the icon are kept for ever, under names that change with them")
    func assets() async throws {
        try await TestStack.with { stack in
            let browser = ConsoleBrowser(stack)
            let page = try await browser.get("/console/sign-in")
            let links = page.text.matches(of: /href="(\/console\/assets\/[^"]+)"/).map { String($0.output.1) }
            #expect(links.count == 2)
            for link in links {
                let asset = try await browser.get(link)
                #expect(asset.status == 200 && !asset.text.isEmpty)
                #expect(asset.headers[.cacheControl] == "public, max-age=31536000, immutable")
                #expect(
                    asset.headers[.contentType] == (link.hasSuffix("css") ? "text/css" : "image/svg+xml")
                        + "; charset=utf-8")
                #expect(asset.headers[.contentSecurityPolicy] != nil)
            }
            let style = try await browser.get(links[0]).text
            for needed in ["prefers-color-scheme: dark", "prefers-reduced-motion", ":focus-visible", "forced-colors"] {
                #expect(style.contains(needed))
            }
            #expect(!style.contains("url(") && !style.contains("@import"))
        }
    }
}
