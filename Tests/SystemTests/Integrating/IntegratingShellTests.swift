import Foundation
import NIOHTTP1
import TestSupport
import Testing

@Suite("docs/integrating.md: what it shows is what happens", .timeLimit(.minutes(5)))
struct IntegratingShellTests {
    /// One command of a block that showed its answer.
    private struct Exchange {
        let method: String
        let path: String
        let answer: AnswerText
    }

    /// Ends a block's output, and an exchange's.
    private static let (blockMark, exchangeMark): (Character, Character) = ("\u{1D}", "\u{1E}")

    @Test("each command runs as it is written, and is answered as shown and as the contract says")
    func commands() async throws {
        let document = try IntegratingDocument()
        let spec = try APISpec.load()
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let server = try vouch.startServer()
                _ = try await vouch.send(
                    .PUT, vouch.simulator.url + "/control/notification-url",
                    #"{"url":"\#(server.url)/v1/notifications/apple"}"#)
                let results = try Self.run(document.steps, vouch, server.url)
                var shown = ShownAnswers()
                for (step, exchanges) in zip(document.steps, results) {
                    let place = "docs/integrating.md:\(step.commands.line)"
                    #expect(exchanges.count == step.answers.count, "\(place): each -sSi has its answer below")
                    for (block, exchange) in zip(step.answers, exchanges) {
                        let expected = try #require(AnswerText(block.text), "docs/integrating.md:\(block.line)")
                        let faults = shown.differences(shown: expected, real: exchange.answer)
                        #expect(faults.isEmpty, "docs/integrating.md:\(block.line)\n\(exchange.answer.body)")
                        let violations = spec.validate(
                            response: exchange.answer.status, method: exchange.method, path: exchange.path,
                            contentType: exchange.answer.header("content-type"), headers: exchange.answer.headers,
                            body: Array(exchange.answer.body.utf8))
                        #expect(violations.isEmpty, "\(place)")
                    }
                }
            }
        }
    }

    @Test("an answer that no command brings about keeps to the contract")
    func unprovoked() throws {
        let spec = try APISpec.load()
        let blocks = try IntegratingDocument().blocks.filter { $0.answerTo != nil }
        #expect(!blocks.isEmpty)
        for block in blocks {
            let answer = try #require(AnswerText(block.text))
            let parts = (block.answerTo ?? "").split(separator: " ").map(String.init)
            try #require(parts.count == 2)
            let violations = spec.validate(
                response: answer.status, method: parts[0], path: parts[1], contentType: answer.header("content-type"),
                headers: answer.headers, body: Array(answer.body.utf8))
            #expect(violations.isEmpty, "docs/integrating.md:\(block.line)")
        }
    }

    /// Runs all blocks in one shell, as a reader does; what each one showed.
    private static func run(
        _ steps: [IntegratingDocument.Step], _ vouch: Installation, _ url: String
    ) throws -> [[Exchange]] {
        let directory = FileManager.default.temporaryDirectory.appending(path: "vouch-reader-\(UUID().uuidString)")
        let stack = directory.appending(path: ".run/up")
        try FileManager.default.createDirectory(at: stack, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        // What `make up` writes.
        let deviceKey = try Installation.vouch(
            ["keys", "create", "--role", "device", "--name", "app-on-phones"], vouch.environment)
        try "export VOUCH='\(url)' STORE='\(vouch.simulator.url)' KEY='\(vouch.key)' DEVICE_KEY='\(deviceKey)'\n"
            .write(to: stack.appending(path: "env"), atomically: true, encoding: .utf8)
        var script = """
            set -euo pipefail
            cd '\(directory.path)'
            curl() {
                case " $* " in
                    *' -sSi '*) command curl --max-time 60 -w '\\n\\x1e%{method} %{url_effective}\\n' "$@" ;;
                    *) command curl --max-time 60 "$@" ;;
                esac
            }

            """
        script = script.replacing("\\x1e", with: String(exchangeMark))
        for step in steps { script += "printf '\(blockMark)\\n'\n\(step.commands.text)\n" }
        let file = directory.appending(path: "script.bash")
        try script.write(to: file, atomically: true, encoding: .utf8)
        let output = try Shell.run(["bash", file.path])
        return output.split(separator: blockMark, omittingEmptySubsequences: false).dropFirst().map(exchanges)
    }

    private static func exchanges(in output: Substring) -> [Exchange] {
        var found: [Exchange] = []
        var parts = output.split(separator: exchangeMark, omittingEmptySubsequences: false)
        while parts.count > 1 {
            let before = parts.removeFirst()
            // METHOD and URL, then a line break, then what comes next.
            let line = parts[0].prefix { $0 != "\n" }.split(separator: " ")
            parts[0] = parts[0].drop { $0 != "\n" }
            guard line.count == 2, let url = URLComponents(string: String(line[1])),
                let answer = AnswerText(String(before))
            else { continue }
            let query = url.percentEncodedQuery.map { "?" + $0 } ?? ""
            found.append(Exchange(method: String(line[0]), path: url.percentEncodedPath + query, answer: answer))
        }
        return found
    }
}

@Suite("Comparing shown answers with real ones")
struct ShownAnswerTests {
    private func faults(_ shown: String, _ real: String) throws -> Int {
        var answers = ShownAnswers()
        return try answers.differences(
            shown: #require(AnswerText("HTTP/1.1 200 OK\n\n" + shown)),
            real: #require(AnswerText("HTTP/1.1 200 OK\r\nAge: 0\r\n\r\n" + real))
        ).count
    }

    @Test("what is drawn may differ, what is decided may not")
    func values() throws {
        #expect(try faults(#"{"a": "x", "n": 3}"#, #"{"a":"x","n":3}"#) == 0)
        #expect(try faults(#"{"a": "x"}"#, #"{"a":"y"}"#) == 1)
        #expect(try faults(#"{"n": 3}"#, #"{"n":4}"#) == 1)
        #expect(try faults(#"{"until": null}"#, #"{"until":"2026-11-20T09:15:00.000Z"}"#) == 1)
        #expect(try faults(#"{"at": "2026-11-20T09:15:00.000Z"}"#, #"{"at":"2025-01-01T00:00:00.001Z"}"#) == 0)
        #expect(try faults(#"{"at": "2026-11-20T09:15:00.000Z"}"#, #"{"at":"2025-01-01T00:00:00Z"}"#) == 1)
        #expect(try faults(#"{"nextCursor": "12"}"#, #"{"nextCursor":"7"}"#) == 0)
        #expect(try faults(#"{"nextCursor": "12"}"#, #"{"nextCursor":"x"}"#) == 1)
        #expect(try faults(#"[1, 2]"#, #"[1]"#) == 1)
    }

    @Test("a shown id stands for one real id, and a real one for one shown id")
    func ids() throws {
        let shown = #"["200000000000001", "grant.200000000000001.1", "200000000000002"]"#
        #expect(try faults(shown, #"["777777777777771","grant.777777777777771.1","777777777777772"]"#) == 0)
        #expect(try faults(shown, #"["777777777777771","grant.777777777777772.1","777777777777772"]"#) == 1)
        #expect(try faults(shown, #"["777777777777771","grant.777777777777771.1","777777777777771"]"#) == 1)
        #expect(try faults(shown, #"["777777777777771","grant.777777777777771.2","777777777777772"]"#) == 1)
    }

    @Test("members may be left out where it is said, and be added nowhere")
    func members() throws {
        #expect(try faults(#"{"a": 1, …}"#, #"{"a":1,"b":2}"#) == 0)
        #expect(try faults(#"{…}"#, #"{"a":1,"b":2}"#) == 0)
        #expect(try faults(#"{"a": 1}"#, #"{"a":1,"b":2}"#) == 1)
        #expect(try faults(#"{"a": 1, "c": 1, …}"#, #"{"a":1,"b":2}"#) == 1)
    }

    @Test("status and headers count")
    func head() throws {
        var answers = ShownAnswers()
        func answer(_ head: String) throws -> AnswerText { try #require(AnswerText(head + "\n\n")) }
        let real = try answer("HTTP/1.1 304 Not Modified\nETag: \"00000000000000000000000000000000\"\nAge: 0")
        #expect(answers.differences(shown: try answer("HTTP/1.1 304 X\nage: 0"), real: real).isEmpty)
        #expect(
            answers.differences(
                shown: try answer("HTTP/1.1 304 X\netag: \"11111111111111111111111111111111\""), real: real
            ).isEmpty)
        for shown in ["HTTP/1.1 200 X", "HTTP/1.1 304 X\nAge: 1", "HTTP/1.1 304 X\nDate: 1", "HTTP/1.1 304 X\nETag: 1"]
        {
            #expect(answers.differences(shown: try answer(shown), real: real).count == 1, "\(shown)")
        }
    }
}
