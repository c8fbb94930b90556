import HTTPTypes
import Hummingbird
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseConsole

@Suite("Forms of the console")
struct ConsoleFormTests {
    private static let override = [("key", "pro"), ("effect", "grant"), ("environment", "Production"), ("why", "kind")]
    private static let path = "/console/accounts/ada/overrides"

    private static func made(_ stack: TestStack) async throws -> Int64 {
        try await stack.count("SELECT count(*) FROM overrides")
    }

    @Test("a form without its token, with a wrong one, or with another session's changes nothing")
    func tokens() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let other = try await ConsoleBrowser.signedIn(stack, as: .support)
            let foreign = try #require(try await other.get("/console").csrf)
            let own = try #require(try await browser.get("/console").csrf)
            #expect(own != foreign && own.utf8.count == 43)
            let wrong: [[(String, String)]] = [
                [], [("csrf", "")], [("csrf", foreign)], [("csrf", String(own.dropLast()))], [("csrf", own + "A")],
            ]
            for token in wrong {
                let answer = try await browser.send(token + Self.override, to: Self.path)
                #expect(answer.status == 403 && answer.shown.contains("did not come from this console"))
            }
            #expect(try await Self.made(stack) == 0)
            let right = try await browser.send([("csrf", own)] + Self.override, to: Self.path)
            #expect(right.status == 303)
            #expect(try await Self.made(stack) == 1)
        }
    }

    @Test("a form from another site changes nothing, whatever it carries")
    func origins() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let token = try #require(try await browser.get("/console").csrf)
            let fields = [("csrf", token)] + Self.override
            let foreign: [HTTPFields] = [
                [:], [.origin: "null"], [.origin: "https://evil.example"], [.secFetchSite: "cross-site"],
                [.secFetchSite: "same-site"], [.secFetchSite: "none"],
                [.secFetchSite: "same-origin", .origin: "https://evil.example"],
                [.secFetchSite: "same-origin", .origin: "null"],
                [.secFetchSite: "cross-site", .origin: "http://localhost"],
            ]
            for headers in foreign {
                #expect(try await browser.send(fields, to: Self.path, headers: headers).status == 403, "\(headers)")
            }
            #expect(try await Self.made(stack) == 0)
            // Signing in from elsewhere is no better: the victim would work under the attacker's key.
            let form = try await ConsoleBrowser(stack).get("/console/sign-in")
            let planted = try await ConsoleBrowser(stack).send(
                [("csrf", form.csrf ?? ""), ("key", TestStack.key(.support))], to: "/console/sign-in")
            #expect(planted.status == 403)
            for headers: HTTPFields in [[.origin: "http://localhost"], [.secFetchSite: "same-origin"]] {
                #expect(try await browser.send(fields, to: Self.path, headers: headers).status == 303, "\(headers)")
            }
        }
    }

    @Test("where a request comes from is told by Sec-Fetch-Site, else by an Origin that names this host")
    func requestOrigin() {
        func isOwn(_ authority: String?, _ headers: HTTPFields) -> Bool {
            RequestOrigin(authority: authority, headers: headers).isOwn
        }
        #expect(isOwn("vouch.example", [.origin: "https://vouch.example"]))
        #expect(isOwn("Vouch.example:8443", [.origin: "https://vouch.example:8443"]))
        #expect(!isOwn("vouch.example", [.origin: "https://vouch.example.evil"]))
        #expect(!isOwn("vouch.example", [.origin: "https://vouch.example:8443"]))
        #expect(!isOwn(nil, [.origin: "https://vouch.example"]))
        #expect(!isOwn("vouch.example", [.secFetchSite: "same-origin", .origin: "null"]))
        // A proxy that puts its own target in the place of the host.
        #expect(!isOwn("127.0.0.1:8080", [.secFetchSite: "same-origin", .origin: "https://vouch.example"]))
    }

    @Test("only a browser that talks to its own machine gets a cookie without Secure")
    func loopback() {
        func isSecure(_ authority: String?, _ headers: HTTPFields = [:]) -> Bool {
            let cookie = RequestOrigin(authority: authority, headers: headers).keepingSession(.fresh())
            #expect(cookie.hasPrefix("__Host-") == cookie.contains("; Secure"))
            return cookie.contains("; Secure")
        }
        for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "a.localhost"] {
            #expect(!isSecure(host), "\(host)")
            #expect(isSecure(host, [.forwardedProto: "https"]), "\(host)")
            #expect(isSecure(host, [.forwardedForTest: "192.0.2.1"]), "\(host)")
        }
        for host in [
            nil, "vouch.example", "127.0.0.1.evil.example", "localhost.evil", "1270.0.0.1", "[::2]", "10.0.0.1",
        ] {
            #expect(isSecure(host), "\(host ?? "-")")
        }
    }

    @Test("two cookies of one name are none: one of them was planted")
    func plantedCookie() {
        let origin = RequestOrigin(authority: "localhost", headers: [:])
        let token = ConsoleToken.fresh()
        let own = String(origin.keepingSession(token).prefix { $0 != ";" })
        #expect(origin.token(in: [.cookie: "a=b; \(own)"])?.bytes == token.bytes)
        #expect(origin.token(in: [.cookie: "\(own); vouch-console=x"]) == nil)
        #expect(origin.token(in: [.cookie: "vouch-console=x"]) == nil)
        #expect(RequestOrigin(authority: "vouch.example", headers: [:]).token(in: [.cookie: own]) == nil)
    }

    @Test("too large, of another type, or broken: answered on a page, with nothing done")
    func bodies() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let token = try #require(try await browser.get("/console").csrf)
            let own: HTTPFields = [.secFetchSite: "same-origin"]
            let form = own.with(.contentType, "application/x-www-form-urlencoded")
            let large = "csrf=\(token)&why=" + String(repeating: "a", count: 16 << 10)
            for (headers, body, status) in [
                (form, large, 413), (own.with(.contentType, "application/json"), "{}", 415),
                (own.with(.contentType, "multipart/form-data; boundary=x"), "--x--", 415),
                (own, "csrf=\(token)", 415), (form, "csrf=%zz", 415), (form, "csrf=%ff", 415),
                (form.with(.contentEncoding, "gzip"), "csrf=\(token)", 415),
                (form, String(repeating: "a=b&", count: 65), 415),
            ] as [(HTTPFields, String, Int)] {
                let answer = try await browser.request(.post, Self.path, headers: headers, body: body)
                #expect(answer.status == status, "\(body.prefix(30))")
                #expect(HTMLChecker.complaints(about: answer.text).isEmpty)
            }
        }
    }

    @Test("a form that is not right comes back as it was filled in, with every fault linked to its field")
    func faults() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/accounts/ada")
            let answer = try await browser.send(
                [
                    ("key", "pro \"x\""), ("effect", "grant"), ("environment", "Moon"), ("until", "2001-01-01"),
                    ("why", " "), ("x", "y"),
                ],
                from: page, to: Self.path)
            #expect(answer.status == 422)
            #expect(HTMLChecker.complaints(about: answer.text).isEmpty)
            for id in ["override-environment", "override-until", "override-why"] {
                #expect(answer.text.contains("<a href=\"#\(id)\">"), "\(id)")
                #expect(answer.text.contains("id=\"\(id)-error\""), "\(id)")
            }
            #expect(answer.shown.contains("The field x is unknown here"))
            #expect(answer.text.contains("value=\"pro &quot;x&quot;\"") && answer.text.contains("value=\"2001-01-01\""))
            #expect(try await Self.made(stack) == 0)
        }
    }

    @Test("words of several lines are taken as browsers send them")
    func lines() async throws {
        try await TestStack.with { stack in
            let browser = try await ConsoleBrowser.signedIn(stack, as: .support)
            let page = try await browser.get("/console/accounts/ada")
            let fields = Self.override.dropLast() + [("why", "first\r\nsecond + third & more")]
            #expect(try await browser.send(Array(fields), from: page, to: Self.path).status == 303)
            #expect(try await stack.rows("SELECT words FROM reasons") == [["first\nsecond + third & more"]])
        }
    }
}

extension HTTPFields {
    fileprivate func with(_ name: HTTPField.Name, _ value: String) -> HTTPFields {
        var fields = self
        fields[name] = value
        return fields
    }
}

@Suite("The bound on attempts to sign in")
struct ConsoleSignInBoundTests {
    private static let start = Instant(millisecondsSince1970: 1_795_000_000_000)

    private static func attempt(_ stack: TestStack, _ key: String, from network: String) async throws -> String {
        switch try await stack.service.signIn(key: key, from: network, replacing: nil) {
        case .signedIn: "in"
        case .unknownKey: "unknown"
        case .wrongRole: "role"
        case .heldUp(let seconds): "held up \(seconds)"
        }
    }

    @Test("ten failures of a network hold it up for a quarter of an hour, also with the right key, and nobody else")
    func network() async throws {
        try await TestStack.with { stack in
            stack.clock.stand(at: Self.start)
            let right = TestStack.key(.support)
            for number in 0..<10 {
                #expect(try await Self.attempt(stack, right, from: "a") == "in")
                #expect(try await Self.attempt(stack, "wrong", from: "a") == "unknown", "\(number)")
                stack.clock.advance(.seconds(1))
            }
            #expect(try await Self.attempt(stack, right, from: "a") == "held up 890")
            #expect(try await Self.attempt(stack, "wrong", from: "a") == "held up 890")
            #expect(try await Self.attempt(stack, right, from: "b") == "in")
            #expect(try await stack.count("SELECT count(*) FROM console_sign_ins") == 10)
            stack.clock.advance(.seconds(890))
            #expect(try await Self.attempt(stack, right, from: "a") == "in")
            let rows = try await stack.rows("SELECT DISTINCT network FROM console_sign_ins")
            #expect(rows.allSatisfy { $0[0]?.utf8.count == 32 })
        }
    }

    @Test("many networks together are held up too, and a page says for how long")
    func all() async throws {
        try await TestStack.with { stack in
            stack.clock.stand(at: Self.start)
            let at = Self.start.millisecondsSince1970
            _ = try await stack.rows(
                """
                INSERT INTO console_sign_ins (network, attempted_at)
                SELECT md5(n::text), instant(\(at)) FROM generate_series(1, \(ConsoleSessionBounds.attemptsInAll)) AS n
                """)
            let answer = try await ConsoleBrowser(stack).signIn(TestStack.key(.support))
            #expect(answer.status == 429 && answer.headers[.retryAfter] == "900")
            #expect(answer.shown.contains("Try again in 15 minutes"))
            stack.clock.advance(.minutes(15))
            #expect(try await ConsoleBrowser(stack).signIn(TestStack.key(.support)).status == 303)
        }
    }
}
