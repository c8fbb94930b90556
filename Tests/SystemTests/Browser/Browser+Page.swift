import Foundation
import NIOHTTP1
import TestSupport

extension Browser {
    /// Something on the page; it is gone when the page is.
    struct Element: Sendable {
        fileprivate let id: String
        fileprivate var reference: JSONValue { .object([Self.key: .string(id)]) }
        fileprivate static let key = "element-6066-11e4-a52e-4f735466cecf"

        fileprivate init?(_ value: JSONValue) {
            guard let id = value[Self.key]?.text else { return nil }
            self.id = id
        }
    }

    /// A key that has no character.
    enum Key: String, Sendable {
        case tab = "\u{E004}"
        case enter = "\u{E007}"
        case shift = "\u{E008}"
        case down = "\u{E015}"
        case space = " "
    }

    // MARK: Going about

    /// Goes to an address, and waits until the page is there.
    func go(to url: String) async throws { try await command(.POST, "/url", ["url": .string(url)]) }

    /// Presses the browser's Back button.
    func back() async throws { try await command(.POST, "/back") }

    /// The address of the page.
    var url: String { get async throws { try await command(.GET, "/url").text ?? "" } }

    /// The page's title.
    var title: String { get async throws { try await command(.GET, "/title").text ?? "" } }

    /// The text of the page as it is shown.
    var text: String { get async throws { try await script("return document.body.innerText").text ?? "" } }

    /// Asks until there is an answer, at most for ten seconds.
    ///
    /// The browser is another process: a click returns before its consequences are there. Nothing is asserted about how
    /// long it takes; the deadline only turns waiting for ever into a failure.
    func wait<Value>(for what: String, _ find: () async throws -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                if let found = try await find() { return found }
            } catch let failure as Failure {
                // The page changed while it was looked at, or isn't there yet.
                guard Self.passing.contains(failure.code) else { throw failure }
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    code: "timeout", message: "no \(what) on \(try await url): \(try await text.prefix(2_000))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static let passing: Set = [
        "no such element", "stale element reference", "javascript error", "no such window", "no such execution context",
    ]

    /// Waits until the page shows a text.
    func wait(forText expected: String) async throws {
        _ = try await wait(for: "text '\(expected)'") { try await text.contains(expected) ? true : nil }
    }

    /// Waits until the address has this path.
    func wait(forPath path: String) async throws {
        _ = try await wait(for: "page \(path)") { URL(string: try await url)?.path == path ? true : nil }
    }

    // MARK: Finding

    /// The first that a CSS selector finds, as soon as there is one.
    func element(_ selector: String) async throws -> Element {
        try await wait(for: "element \(selector)") { try await self.elements(selector).first }
    }

    /// Everything that a CSS selector finds now.
    func elements(_ selector: String) async throws -> [Element] {
        let found = try await command(
            .POST, "/elements", ["using": .string("css selector"), "value": .string(selector)])
        return (found.items ?? []).compactMap { Element($0) }
    }

    /// What a screen reader calls by this role and name, as soon as it is there; the browser computes both.
    func element(_ role: String, named name: String) async throws -> Element {
        try await wait(for: "\(role) '\(name)'") {
            for element in try await self.elements(Self.candidates[role] ?? "[role='\(role)']") {
                guard try await self.name(of: element) == name else { continue }
                if try await self.command(.GET, "/element/\(element.id)/computedrole").text == role { return element }
            }
            return nil
        }
    }

    /// The elements that may have a role; which of them have it is the browser's to say.
    private static let candidates = [
        "button": "button, input[type=submit], summary", "link": "a[href]", "heading": "h1, h2, h3, h4",
        "textbox": "input, textarea", "searchbox": "input[type=search]", "combobox": "select",
        "radio": "input[type=radio]",
        "checkbox": "input[type=checkbox]", "image": "svg[role=img], img", "Date": "input[type=date]",
    ]

    /// The name under which a screen reader knows it.
    func name(of element: Element) async throws -> String {
        try await command(.GET, "/element/\(element.id)/computedlabel").text ?? ""
    }

    /// Its text as it is shown.
    func text(of element: Element) async throws -> String {
        try await command(.GET, "/element/\(element.id)/text").text ?? ""
    }

    /// An attribute as it is written; `nil` where it isn't.
    func attribute(_ name: String, of element: Element) async throws -> String? {
        try await command(.GET, "/element/\(element.id)/attribute/\(name)").text
    }

    // MARK: Doing

    /// Clicks in its middle, after scrolling there; fails where something else lies above.
    func click(_ element: Element) async throws { try await command(.POST, "/element/\(element.id)/click") }

    /// Clicks what has a role and a name.
    func click(_ role: String, named name: String) async throws { try await click(element(role, named: name)) }

    /// Types into a field, in place of what it holds.
    func type(_ text: String, into element: Element) async throws {
        try await command(.POST, "/element/\(element.id)/clear")
        try await command(.POST, "/element/\(element.id)/value", ["text": .string(text)])
    }

    /// Types into the field of a CSS selector.
    func type(_ text: String, into selector: String) async throws {
        try await type(text, into: try await element(selector))
    }

    /// Chooses an option of a list by its value.
    func choose(_ value: String, in selector: String) async throws {
        try await click(element("\(selector) option[value='\(value)']"))
    }

    /// Presses and releases keys, wherever the focus is.
    func press(_ keys: Key...) async throws { try await strike(keys.map(\.rawValue)) }

    /// Types a text wherever the focus is.
    func type(_ text: String) async throws { try await strike(text.map { String($0) }) }

    /// What has the focus; `nil` when nothing has.
    func focused() async throws -> Element? { Element(try await command(.GET, "/element/active")) }

    /// Presses Tab until what has the focus has this name; fails when the focus comes round without it.
    func tab(to name: String, most: Int = 60) async throws {
        for _ in 0..<most {
            try await press(.tab)
            if let element = try await focused(), try await self.name(of: element) == name { return }
        }
        throw Failure(code: "not reached", message: "'\(name)' by Tab on \(try await url)")
    }

    private func strike(_ keys: [String]) async throws {
        let strokes: [JSONValue] = keys.flatMap { key in
            ["keyDown", "keyUp"].map { .object(["type": .string($0), "value": .string(key)]) }
        }
        let keyboard: JSONValue = .object([
            "type": .string("key"), "id": .string("keyboard"), "actions": .array(strokes),
        ])
        try await command(.POST, "/actions", ["actions": .array([keyboard])])
    }
}
