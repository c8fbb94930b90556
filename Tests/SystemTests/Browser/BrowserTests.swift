import TestSupport
import Testing

/// The checks that every page of the console is held to must themselves be able to fail.
@Suite("The browser in tests")
struct BrowserTests {
    @Test("a page with every fault is blamed for each, and a clean one for none")
    func checks() async throws {
        try await Browser.with { browser in
            try await browser.begin()
            try await browser.resize(to: .phone)
            try await browser.go(to: Self.page(Self.bad, head: "<title> </title>"))
            let found = try await browser.complaints()
            for expected in [
                "no lang", "no title", "2 h1", "0 main", "heading skips a level", "id twice: a",
                "refers to no element, b",
                "no label", "no name", "table without caption", "th without scope", "svg without title", "inline code",
                "target of 10x10", "scrolls sideways", "contrast of 1.61",
            ] {
                #expect(found.contains { $0.hasPrefix(expected) }, "\(expected) is not among \(found)")
            }
            try await browser.go(to: Self.page(Self.good, head: "<title>Good</title>", attributes: " lang=en"))
            #expect(try await browser.complaints() == [])
            try await browser.prefer(.dark)
            #expect(try await browser.complaints().contains { $0.hasPrefix("contrast of ") }, "its dark scheme is bad")
        }
    }

    @Test("what a policy refuses is in the log; scripts can be turned off; keys reach what has the focus")
    func browser() async throws {
        try await Browser.with { browser in
            try await browser.begin()
            let policy = #"<meta http-equiv="content-security-policy" content="default-src 'none'">"#
            try await browser.go(to: Self.page("<script>document.title = 'ran'</script>", head: policy))
            #expect(try await browser.takeLog().map(\.source) == ["security"])
            #expect(try await browser.takeLog().isEmpty, "an entry is told once")

            let scripted = Self.page("<h1>A</h1><script>document.title = 'ran'</script>", head: "<title>still</title>")
            try await browser.go(to: scripted)
            #expect(try await browser.title == "ran")
            try await browser.allowScripts(false)
            try await browser.go(to: scripted)
            #expect(try await browser.title == "still")
            try await browser.allowScripts(true)

            try await browser.go(
                to: Self.page("<label>One <input id=one></label><details><summary>More</summary>deep</details>"))
            try await browser.tab(to: "One")
            try await browser.type("typed")
            #expect(try await browser.script("return document.querySelector('#one').value").text == "typed")
            try await browser.tab(to: "More")
            try await browser.press(.enter)
            try await browser.wait(forText: "deep")
            await #expect(throws: Browser.Failure.self) { try await browser.tab(to: "Nothing", most: 5) }
        }
    }

    private static let bad = """
        <h1 id=a>A</h1><h1 id=a>B</h1><h3 style="color:#ccc">C</h3><label for=b>L</label><input size=1><button></button>
        <table><tr><th>x</th></tr></table><svg role=img></svg><p class=wide>wide</p>
        <button class=tiny>t</button><style>.wide { width: 900px } .tiny { all: unset; width: 10px; height: 10px }</style>
        """

    private static let good = """
        <style>:root { color-scheme: light dark } body { background: #fff; color: #222; margin: 0 }
        @media (prefers-color-scheme: dark) { body { background: #000; color: #444 } } button { min-height: 24px }</style>
        <main><h1 id=a>A</h1><h2>B</h2><label for=b>L</label><input id=b class=field><button>Go on with it</button>
        <style>.field { min-height: 24px; background: #fff; color: #000 } button { background: #eee; color: #000 }</style>
        <table><caption>T</caption><tr><th scope=col>x</th></tr></table></main>
        """

    private static func page(_ body: String, head: String = "", attributes: String = "") -> String {
        let viewport = #"<meta name="viewport" content="width=device-width, initial-scale=1">"#
        let html = "<!doctype html><html\(attributes)><head>\(viewport)\(head)</head><body>\(body)</body></html>"
        let kept: Set<Character> = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
        let escaped = html.utf8.map { byte -> String in
            let character = Character(Unicode.Scalar(byte))
            let digits = String(byte, radix: 16, uppercase: true)
            return kept.contains(character) ? String(character) : "%" + (digits.count < 2 ? "0" : "") + digits
        }
        return "data:text/html;charset=utf-8," + escaped.joined()
    }
}
