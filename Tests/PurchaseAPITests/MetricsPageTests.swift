import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Metrics
import Testing

@testable import vouch

@Suite("The metrics page")
struct MetricsPageTests {
    private struct DatabaseAway: Error {}

    private static let sample = GaugeSample(name: "vouch_waiting", help: "h", value: 3)

    private static func page(
        limit: Duration = .seconds(30), _ work: @escaping @Sendable () async throws -> [GaugeSample]
    ) -> MetricsPage {
        var page = MetricsPage(registry: PrometheusRegistry(), workGauges: work)
        page.workTimeLimit = limit
        page.localGauges = { [GaugeSample(name: "vouch_local", help: "h", value: 7)] }
        return page
    }

    private static func value(_ name: String, in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.map { String($0.dropFirst(name.count + 1)) }
    }

    @Test("values of the database and of the process stand beside those that were recorded")
    func complete() async {
        let text = await Self.page { [Self.sample] }.render()
        #expect(Self.value("vouch_waiting", in: text) == "3")
        #expect(Self.value("vouch_local", in: text) == "7")
        #expect(Self.value("vouch_postgres_commits_total", in: text) == "0")
        #expect(Self.value("vouch_scrape_errors", in: text) == "0")
    }

    @Test("a database that fails costs its own values, and says so")
    func failing() async {
        let text = await Self.page { throw DatabaseAway() }.render()
        #expect(Self.value("vouch_scrape_errors", in: text) == "1")
        #expect(Self.value("vouch_local", in: text) == "7")
        #expect(Self.value("vouch_postgres_commits_total", in: text) == "0")
    }

    @Test("a database that never answers is given up, and its question cancelled", .timeLimit(.minutes(15)))
    func slow() async {
        let wasCancelled = Box(false)
        let text = await Self.page(limit: .milliseconds(1)) {
            await withTaskCancellationHandler {
                let (silence, _) = AsyncStream.makeStream(of: Void.self)
                for await _ in silence {}
            } onCancel: {
                wasCancelled.set(true)
            }
            return [Self.sample]
        }.render()
        #expect(Self.value("vouch_scrape_errors", in: text) == "1")
        #expect(Self.value("vouch_waiting", in: text) == nil)
        #expect(wasCancelled.value)
    }

    @Test("a sample can't take the place of a recorded metric")
    func precedence() async {
        let text = await Self.page { [GaugeSample(name: "vouch_postgres_commits_total", help: "h", value: 9)] }.render()
        #expect(Self.value("vouch_postgres_commits_total", in: text) == "0")
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("# TYPE vouch_postgres_commits_total") }.count == 1)
    }

    @Test("GET /metrics answers in the text format, and nothing caches it")
    func route() async throws {
        let router = Router()
        Self.page { [Self.sample] }.addRoute(to: router)
        try await Application(router: router).test(.router) { client in
            let answer = try await client.execute(uri: "/metrics", method: .get)
            #expect(answer.status == .ok)
            #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(Self.value("vouch_waiting", in: String(buffer: answer.body)) == "3")
        }
    }

    @Test("the kernel's values of this process are plausible")
    func process() throws {
        let samples = ProcessGauges().samples()
        func value(_ name: String) throws -> Double { try #require(samples.first { $0.name == name }).value }
        // Between 2020 and 2100; between 1 MB and 1 TB; this test has files open.
        #expect((1_577_836_800...4_102_444_800).contains(try value("process_start_time_seconds")))
        #expect((1e6...1e12).contains(try value("process_resident_memory_bytes")))
        #expect(try value("process_open_fds") >= 3)
        #expect(try value("process_max_fds") >= value("process_open_fds"))
    }
}
