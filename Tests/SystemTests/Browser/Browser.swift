import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport

/// A headless Chromium that a test drives as a person would, over W3C WebDriver
/// (https://www.w3.org/TR/webdriver2/, read 2026-11-23) and, for what that can't do, the browser's own protocol.
///
/// One command at a time; each has a deadline.
final class Browser: Sendable {
    /// What a command could not do.
    struct Failure: Error, CustomStringConvertible {
        /// WebDriver's error code, such as `no such element`.
        let code: String
        /// What was tried, and what the driver said.
        let message: String
        var description: String { "\(code): \(message)" }
    }

    /// Where downloads of this browser arrive.
    let downloads: URL
    private let directory: URL
    private let driver: Running
    private let client: HTTPClient
    /// The commands' prefix, `http://127.0.0.1:N/session/ID`.
    private let session: String
    private let process: pid_t?

    /// Runs a test with a browser of its own, which ends with the test, as do its profile and its downloads.
    static func with<Value>(_ body: (Browser) async throws -> Value) async throws -> Value {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let result: Result<Value, any Error>
        do {
            let browser = try await Browser(client)
            do {
                result = .success(try await body(browser))
            } catch {
                result = .failure(error)
            }
            await browser.end()
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        return try result.get()
    }

    private init(_ client: HTTPClient) async throws {
        let programs = try BrowserPrograms()
        let name = "browser-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: .min ... .max))"
        directory = URL(filePath: Checkout.path(".run/\(name)"))
        downloads = directory.appending(path: "downloads")
        try FileManager.default.createDirectory(at: downloads, withIntermediateDirectories: true)
        driver = try Running(
            programs.driver, ["--port=0", "--log-level=SEVERE"],
            // What it writes beside its profile goes into the directory that is removed.
            environment: [
                "HOME": directory.path, "XDG_CONFIG_HOME": directory.path, "XDG_CACHE_HOME": directory.path,
            ],
            line: "started successfully on port ")
        self.client = client
        let address = "http://127.0.0.1:" + driver.url.prefix { $0.isNumber }
        let capabilities = Self.capabilities(
            browser: programs.browser, profile: directory.appending(path: "profile"), downloads: downloads)
        do {
            let made = try await Self.send(.POST, address + "/session", capabilities, client)
            guard let id = made["sessionId"]?.text else {
                throw Failure(code: "session not created", message: "the driver named no session")
            }
            session = address + "/session/" + id
            if case .integer(let id)? = made["capabilities"]?["goog:processID"] {
                process = pid_t(exactly: id)
            } else {
                process = nil
            }
        } catch {
            driver.kill()
            try? FileManager.default.removeItem(at: directory)
            throw error
        }
    }

    private func end() async {
        do {
            // The driver ends the browser with its session, and answers when it is gone.
            _ = try await Self.send(.DELETE, session, nil, client)
        } catch {
            if let process { Foundation.kill(process, SIGKILL) }
        }
        // It has nothing left to tidy up.
        driver.kill()
        try? FileManager.default.removeItem(at: directory)
    }

    private static func capabilities(browser: String, profile: URL, downloads: URL) -> JSONValue {
        var arguments = [
            "--headless=new", "--user-data-dir=\(profile.path)", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-extensions", "--lang=en-US",
            // Nothing but this machine is asked for anything.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]
        // Chromium's sandbox refuses to work for root, which is who runs a container.
        if getuid() == 0 { arguments.append("--no-sandbox") }
        let options: JSONValue = .object([
            "binary": .string(browser), "args": .array(arguments.map { .string($0) }),
            "prefs": .object([
                "download.default_directory": .string(downloads.path), "download.prompt_for_download": .bool(false),
            ]),
        ])
        return .object([
            "capabilities": .object([
                "alwaysMatch": .object([
                    "goog:chromeOptions": options, "goog:loggingPrefs": .object(["browser": .string("ALL")]),
                    "timeouts": .object(["pageLoad": .integer(60_000), "script": .integer(60_000)]),
                ])
            ])
        ])
    }

    // MARK: Commands

    /// Sends a command of this session; returns its value.
    @discardableResult
    func command(_ method: HTTPMethod, _ path: String, _ body: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await Self.send(method, session + path, method == .POST ? .object(body) : nil, client)
    }

    /// Sends a command of the browser's own protocol (https://chromedevtools.github.io/devtools-protocol/).
    @discardableResult
    func devtools(_ name: String, _ parameters: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await command(.POST, "/goog/cdp/execute", ["cmd": .string(name), "params": .object(parameters)])
    }

    /// Runs the body of a function in the page, also when the page may not run scripts of its own.
    @discardableResult
    func script(_ body: String, _ arguments: [JSONValue] = []) async throws -> JSONValue {
        try await command(.POST, "/execute/sync", ["script": .string(body), "args": .array(arguments)])
    }

    private static func send(
        _ method: HTTPMethod, _ url: String, _ body: JSONValue?, _ client: HTTPClient
    ) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.encoded))
        }
        let response = try await client.execute(request, timeout: .seconds(60))
        // A screenshot of a long page is the largest answer.
        let bytes = try await response.body.collect(upTo: 64 << 20)
        let value = try JSONValue(parsing: Array(bytes.readableBytesView))["value"] ?? .null
        if let code = value["error"]?.text {
            let said = value["message"]?.text?.split(separator: "\n").first.map(String.init) ?? ""
            throw Failure(code: code, message: "\(method) \(url.split(separator: "/").last ?? ""): \(said)")
        }
        return value
    }
}

/// Where the browser and its driver are.
private struct BrowserPrograms {
    let browser: String
    let driver: String

    init() throws {
        browser = try Self.find(["chromium", "google-chrome-stable", "google-chrome"])
        driver = try Self.find(["chromedriver"])
    }

    private static func find(_ names: [String]) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for name in names {
            for directory in path.split(separator: ":") {
                let file = "\(directory)/\(name)"
                if FileManager.default.isExecutableFile(atPath: file) { return file }
            }
        }
        throw Browser.Failure(
            code: "no \(names[0])",
            message: "run scripts/setup test, which installs Debian's chromium and chromium-driver")
    }
}
