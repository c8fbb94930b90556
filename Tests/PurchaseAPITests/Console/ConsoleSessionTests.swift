import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Sessions of the console")
struct ConsoleSessionTests {
    private static let start = Instant(millisecondsSince1970: 1_795_000_000_000)

    /// Whether a browser is still signed in.
    private static func isIn(_ browser: ConsoleBrowser) async throws -> Bool {
        let page = try await browser.get("/console/cases")
        if page.status == 303 { #expect(page.location?.hasPrefix("/console/sign-in") == true) }
        return page.status == 200
    }

    @Test("a key opens the console under its name, and the page asked for comes next")
    func signIn() async throws {
        try await TestStack.with { stack in
            let browser = ConsoleBrowser(stack)
            let gate = try await browser.get("/console/cases?status=resolved")
            #expect(gate.status == 303)
            #expect(gate.location == "/console/sign-in?next=%2Fconsole%2Fcases%3Fstatus%3Dresolved")
            let answer = try await browser.signIn(TestStack.key(.support), next: "/console/cases?status=resolved")
            #expect(answer.status == 303 && answer.location == "/console/cases?status=resolved")
            let page = try await browser.open("/console")
            #expect(page.status == 200 && page.shown.contains("support-key"))
            // Neither the token nor the key is in the database.
            let token = try #require(browser.cookies["vouch-console"])
            for row in try await stack.rows("SELECT console_sessions::text FROM console_sessions") {
                #expect(row[0]?.contains(token) == false)
            }
        }
    }

    @Test("after signing in nobody is sent to another site, or to the way out")
    func redirects() async throws {
        try await TestStack.with { stack in
            for next in [
                "https://evil.example/", "//evil.example", "/\\evil.example", "/console\\@evil.example",
                "/console.evil", "/consolex", "/v1/cases", "javascript:alert(1)", "/console/../v1", "/console//evil",
                "/console/sign-out", "/console/\r\nSet-Cookie: a=b", "/console/#x", "/console/%2E%2e/v1",
            ] {
                let answer = try await ConsoleBrowser(stack).signIn(TestStack.key(.support), next: next)
                #expect(answer.status == 303 && answer.location == "/console", "\(next)")
                #expect(answer.headers[values: .setCookie].count == 1)
                // Nor when the form itself is made to carry it.
                let browser = ConsoleBrowser(stack)
                let form = try await browser.get("/console/sign-in")
                let planted = try await browser.send(
                    [("key", TestStack.key(.support)), ("next", next)], from: form, to: "/console/sign-in")
                #expect(planted.status == 303 && planted.location == "/console", "\(next)")
            }
        }
    }

    @Test("a session ends when it is signed out, and a copy of its cookie with it")
    func signOut() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let thief = ConsoleBrowser(stack)
            thief.cookies = browser.cookies
            #expect(try await Self.isIn(thief))
            let page = try await browser.get("/console")
            let answer = try await browser.send([], from: page, to: "/console/sign-out")
            #expect(answer.status == 303 && answer.location == "/console/sign-in")
            #expect(browser.cookies["vouch-console"] == nil)
            #expect(try await !Self.isIn(browser))
            #expect(try await !Self.isIn(thief))
            #expect(try await stack.count("SELECT count(*) FROM console_sessions") == 0)
        }
    }

    @Test("a session ends after half an hour without use, and after twelve hours in any case")
    func times() async throws {
        try await TestStack.with { stack in
            stack.clock.stand(at: Self.start)
            let idle = try await ConsoleBrowser.signedIn(stack, as: .support)
            let busy = try await ConsoleBrowser.signedIn(stack, as: .support)
            stack.clock.advance(.minutes(29))
            #expect(try await Self.isIn(busy))
            stack.clock.advance(.minutes(1))
            #expect(try await !Self.isIn(idle))
            for _ in 0..<23 {
                #expect(try await Self.isIn(busy))
                stack.clock.advance(.minutes(29))
            }
            #expect(try await Self.isIn(busy))
            stack.clock.stand(at: Self.start + .hours(12) - Span(milliseconds: 1))
            #expect(try await Self.isIn(busy))
            stack.clock.advance(Span(milliseconds: 1))
            #expect(try await !Self.isIn(busy))
        }
    }

    @Test("a session ends with its key, at the next request")
    func revocation() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            #expect(try await Self.isIn(browser))
            _ = try await stack.rows("UPDATE keys SET revoked_at = now() WHERE name = 'support-key'")
            #expect(try await !Self.isIn(browser))
            let again = try await ConsoleBrowser(stack).signIn(TestStack.key(.support))
            let invented = try await ConsoleBrowser(stack).signIn("vouch_nobody")
            #expect(again.status == 401 && invented.status == 401)
            #expect(again.shown == invented.shown)
        }
    }

    @Test("each sign-in has a token of its own, ends the browser's earlier session, and the sixth of a key its oldest")
    func bounded() async throws {
        try await TestStack.with { stack in
            stack.clock.stand(at: Self.start)
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let first = browser.cookies
            // The page would send a person on who is signed in: only the form's own cookie is shown.
            let token = try #require(first["vouch-console"])
            browser.cookies = first.filter { $0.key != "vouch-console" }
            let form = try await browser.get("/console/sign-in")
            browser.cookies = first
            let answer = try await browser.send([("key", TestStack.key(.support))], from: form, to: "/console/sign-in")
            #expect(answer.status == 303)
            #expect(browser.cookies["vouch-console"] != token)
            let old = ConsoleBrowser(stack)
            old.cookies = first
            #expect(try await !Self.isIn(old))
            #expect(try await Self.isIn(browser))

            var browsers = [browser]
            for _ in 0..<5 {
                stack.clock.advance(.minutes(1))
                browsers.append(try await ConsoleBrowser.signedIn(stack, as: .support))
            }
            #expect(try await stack.count("SELECT count(*) FROM console_sessions") == ConsoleSessionBounds.perKey)
            #expect(try await !Self.isIn(browsers[0]))
            for browser in browsers.dropFirst() { #expect(try await Self.isIn(browser)) }
        }
    }

    @Test("sessions that are over are swept away by later sign-ins")
    func swept() async throws {
        try await TestStack.with { stack in
            _ = try await ConsoleBrowser.signedIn(stack, as: .support)
            _ = try await ConsoleBrowser(stack).signIn("vouch_nobody")
            stack.clock.advance(.hours(13))
            _ = try await ConsoleBrowser.signedIn(stack, as: .finance)
            #expect(try await stack.count("SELECT count(*) FROM console_sessions") == 1)
            #expect(try await stack.count("SELECT count(*) FROM console_sign_ins") == 0)
        }
    }

    @Test("on loopback the cookie does without Secure; behind a proxy it has the prefix, Secure, and no Domain")
    func cookies() async throws {
        try await TestStack.with { stack in
            for (headers, name) in [
                (HTTPFields(), "vouch-console"), ([.forwardedProto: "https"], "__Host-vouch-console"),
            ] as [(HTTPFields, String)] {
                let browser = ConsoleBrowser(stack, extra: headers)
                let answer = try await browser.signIn(TestStack.key(.support))
                let cookie = try #require(answer.headers[.setCookie])
                let parts = cookie.split(separator: ";").map { $0.drop { $0 == " " } }
                #expect(parts[0].hasPrefix(name + "=") && parts[0].count == name.count + 1 + 43)
                let attributes = Set(parts.dropFirst().map(String.init))
                let expected: Set = ["Path=/", "HttpOnly", "SameSite=Strict"]
                #expect(attributes == expected.union(name.hasPrefix("__") ? ["Secure"] : []))
                #expect(try await Self.isIn(browser))
            }
        }
    }

    @Test("keys of other roles are told why they can't sign in")
    func otherRoles() async throws {
        try await TestStack.with { stack in
            for role in [Role.app, .device, .admin] {
                let answer = try await ConsoleBrowser(stack).signIn(TestStack.key(role))
                #expect(answer.status == 403)
                #expect(answer.shown.contains("has the role \(role.rawValue)"))
                #expect(HTMLChecker.complaints(about: answer.text).isEmpty)
            }
            #expect(try await stack.count("SELECT count(*) FROM console_sessions") == 0)
        }
    }
}
