import Foundation
import NIOHTTP1
import TestSupport

extension Browser {
    /// A size of the page's window in CSS pixels.
    struct Viewport: Hashable, Sendable {
        let name: String
        let width: Int64
        let height: Int64
        /// Whether it lays out as a phone does, by the page's own `viewport`.
        let isPhone: Bool

        static let desktop = Viewport(name: "desktop", width: 1_280, height: 900, isPhone: false)
        static let phone = Viewport(name: "phone", width: 390, height: 844, isPhone: true)
    }

    /// Whether a person prefers light or dark pages.
    enum Scheme: String, Sendable {
        case light, dark
    }

    /// What the browser wrote into its console.
    struct LogEntry: Sendable {
        let level: String
        /// `security` for what a content security policy refused; `network` for answers of 400 and above.
        let source: String
        let message: String
    }

    /// Sets the size of the window.
    func resize(to viewport: Viewport) async throws {
        try await devtools(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(viewport.width), "height": .integer(viewport.height),
                "deviceScaleFactor": .integer(1),
                "mobile": .bool(viewport.isPhone),
            ])
    }

    /// Sets which colours the person prefers; and that nothing moves, so that a change of colours is there at once.
    func prefer(_ scheme: Scheme) async throws {
        try await devtools(
            "Emulation.setEmulatedMedia",
            [
                "features": .array([
                    .object(["name": .string("prefers-color-scheme"), "value": .string(scheme.rawValue)]),
                    .object(["name": .string("prefers-reduced-motion"), "value": .string("reduce")]),
                ])
            ])
    }

    /// Turns the page's scripts off or on.
    func allowScripts(_ areAllowed: Bool) async throws {
        try await devtools("Emulation.setScriptExecutionDisabled", ["value": .bool(!areAllowed)])
    }

    /// Forgets every cookie, and goes back to a light desktop with scripts: somebody else sits down.
    func begin() async throws {
        try await go(to: "about:blank")
        try await devtools("Network.clearBrowserCookies")
        try await resize(to: .desktop)
        try await prefer(.light)
        try await allowScripts(true)
        _ = try await takeLog()
    }

    /// Cookies for a script can't see, with all their attributes.
    func cookies() async throws -> [JSONValue] { try await command(.GET, "/cookie").items ?? [] }

    /// What was written into the console since it was last asked for.
    func takeLog() async throws -> [LogEntry] {
        let entries = try await command(.POST, "/se/log", ["type": .string("browser")]).items ?? []
        return entries.map { entry in
            LogEntry(
                level: entry["level"]?.text ?? "", source: entry["source"]?.text ?? "",
                message: entry["message"]?.text ?? "")
        }
    }

    /// Keeps a picture of the whole page under `.run/screenshots/`, for people to look at.
    func screenshot(_ name: String) async throws {
        let size = try await script(
            "const d = document.documentElement; return [innerWidth, Math.max(d.scrollHeight, innerHeight)]")
        guard let items = size.items, items.count == 2 else { return }
        let clip: JSONValue = .object([
            "x": .integer(0), "y": .integer(0), "width": items[0], "height": items[1], "scale": .integer(1),
        ])
        let picture = try await devtools(
            "Page.captureScreenshot", ["captureBeyondViewport": .bool(true), "clip": clip])
        guard let data = picture["data"]?.text.flatMap({ Data(base64Encoded: $0) }) else {
            throw Failure(code: "no picture", message: name)
        }
        let directory = URL(filePath: Checkout.path(".run/screenshots"))
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try data.write(to: directory.appending(path: name + ".png"))
    }

    /// Waits for a download of this name to be complete, returns its bytes, and removes it.
    func download(whereName isIt: (String) -> Bool) async throws -> (name: String, bytes: [UInt8]) {
        let name = try await wait(for: "download") {
            // A download has another name until it is complete.
            try FileManager.default.contentsOfDirectory(atPath: downloads.path).first { isIt($0) }
        }
        let file = downloads.appending(path: name)
        let bytes = [UInt8](try Data(contentsOf: file))
        try FileManager.default.removeItem(at: file)
        return (name, bytes)
    }
}
