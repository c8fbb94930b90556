import Testing

@testable import PurchaseConsole

@Suite("Rendering pages")
struct ConsoleRenderingTests {
    private struct Inner: Sendable {
        var name: String?
        var items: [String] = []
    }

    private struct Outer: Sendable {
        var name = "outer"
        var flag = false
        var count = 3
        var inner: Inner?
        var list: [Inner] = []
    }

    /// Every template that must be there, empty, and one to try.
    private static func templates(_ text: String, as name: String = "home") throws -> ConsoleTemplates {
        var sources = ConsoleTemplate.allCases.map { (name: $0.rawValue, text: "") }
        sources.removeAll { $0.name == name }
        return try ConsoleTemplates(sources + [(name: name, text: text)])
    }

    private static func render(_ text: String, _ context: Outer) throws -> String {
        try templates(text).render(.home, context)
    }

    @Test("the embedded templates compile, and all of them are there")
    func embedded() throws {
        _ = try ConsoleTemplates.embedded()
        #expect(Set(ConsoleTemplates.sources.map(\.name)).isSuperset(of: ConsoleTemplate.allCases.map(\.rawValue)))
    }

    @Test(
        "a template that is broken, or writes something out as it is, keeps the process from starting",
        arguments: [
            "{{#a}}", "{{/a}}", "{{#a}}{{/b}}", "{{{name}}}", "{{&name}}", "{{& name}}", "{{> nowhere}}",
            "{{<nowhere}}{{/nowhere}}",
            "{{=<% %>=}}", "{{% CONTENT_TYPE: TEXT}}", "{{{svg}}}", "{{name",
        ])
    func broken(text: String) {
        #expect(throws: ConsoleTemplateFault.self) { try Self.templates(text) }
    }

    @Test("the one drawing may be written out, in its own template and nowhere else")
    func drawing() throws {
        _ = try Self.templates("{{{svg}}}", as: "chart")
        #expect(throws: ConsoleTemplateFault.self) { try Self.templates("{{{name}}}", as: "chart") }
        for source in ConsoleTemplates.sources where source.text.contains("{{{") || source.text.contains("{{&") {
            #expect(ConsoleTemplates.unescaped.keys.contains(source.name), "\(source.name)")
        }
    }

    @Test("a missing template keeps the process from starting")
    func missing() {
        #expect(throws: ConsoleTemplateFault.self) { try ConsoleTemplates([(name: "home", text: "")]) }
    }

    @Test("what is absent is absent, and never something of the same name from around it")
    func absent() throws {
        let context = Outer(inner: Inner(name: nil), list: [Inner(name: "first"), Inner(name: nil)])
        #expect(try Self.render("{{#inner}}[{{name}}]{{^name}}none{{/name}}{{/inner}}", context) == "[]none")
        #expect(try Self.render("{{#list}}[{{name}}]{{/list}}", context) == "[first][]")
        #expect(try Self.render("{{#inner}}{{count}}{{/inner}}", context) == "3")
        #expect(try Self.render("{{^flag}}no{{/flag}}{{#flag}}yes{{/flag}}", context) == "no")
        #expect(try Self.render("{{#inner}}{{#empty(items)}}none{{/empty(items)}}{{/inner}}", context) == "none")
    }

    @Test(
        "no character that means something in HTML gets out as it is, whatever combines with it",
        arguments: ["<", ">", "&", "\"", "'"])
    func escaping(character: String) throws {
        let companions = [
            "", "\u{0301}", "\u{200D}", "\u{FE0F}", "\u{0903}", "\u{0600}", "\u{E0061}", "\u{1F3FD}", "\r\n",
        ]
        for before in companions {
            for after in companions {
                let text = before + character + after
                let shown = try Self.render("{{name}}", Outer(name: text))
                let scalars = shown.replacing(/&(lt|gt|amp|quot|#39);/, with: "").unicodeScalars
                #expect(
                    !scalars.contains { "<>&\"'".unicodeScalars.contains($0) }, "\(text.unicodeScalars.map(\.value))")
            }
        }
        #expect(SafeText.escapable("naïve “Ada” 👩‍🔬") == "naïve “Ada” 👩‍🔬")
    }

    @Test("an address of ours is taken for one, and nothing else")
    func addresses() {
        for address in ["/console", "/console/cases?status=open", "/console/accounts/a%7Cb", "/console?x=1"] {
            #expect(ConsoleAddress.local(address) == address)
        }
        for address in [
            "", "/", "console", "//console", "/consolex", "/console\\x", "/console/ x", "/console/\u{e9}", "/v1/cases",
            "https://evil.example/console", "/console//x", "/console/..", "/console/sign-in", "/console/sign-out",
            "/console/" + String(repeating: "a", count: 1_024),
        ] { #expect(ConsoleAddress.local(address) == nil, "\(address)") }
        #expect(ConsoleAddress.encoded("a|b@c:d/é") == "a%7Cb%40c%3Ad%2F%C3%A9")
        #expect(ConsoleAddress.pageOfForm(at: "/console/accounts/ada/overrides/end") == "/console/accounts/ada")
        #expect(ConsoleAddress.pageOfForm(at: "/console/sign-out") == "/console")
    }

    @Test("moments in forms may be days, minutes and RFC 3339, in UTC where nothing is said")
    func instants() {
        let day = FormInstant.read("2026-11-20")
        #expect(day == FormInstant.read("2026-11-20T00:00") && day == FormInstant.read("2026-11-20 00:00:00"))
        #expect(day == FormInstant.read("2026-11-20T01:00:00+01:00") && day != nil)
        for text in ["2026-13-01", "yesterday", "2026-11-20T25:00", "20.11.2026"] {
            #expect(FormInstant.read(text) == nil)
        }
    }
}
