import Hummingbird

/// What `GET /metrics` on the operator's address answers.
struct MetricsPage: Sendable {
    /// What was recorded.
    let registry: PrometheusRegistry
    /// Values of this process that are read at each scrape; never waits.
    var localGauges: @Sendable () -> [GaugeSample] = { [] }
    /// Values that live in the database; must end when its task is cancelled.
    var workGauges: @Sendable () async throws -> [GaugeSample] = { [] }
    /// The longest that a scrape waits for ``workGauges``.
    var workTimeLimit: Duration = .seconds(2)

    /// The page, in the text format of Prometheus.
    ///
    /// A database that fails or is slow costs its own values and nothing else: `vouch_scrape_errors` is 1 then.
    func render() async -> String {
        let work = await work()
        var samples = localGauges()
        samples.append(
            GaugeSample(MetricCatalogue.scrapeErrors, value: work == nil ? 1 : 0))
        samples += work ?? []
        // First the recorded ones: a sample can't take the place of a metric of the catalogue.
        return PrometheusText.render(registry.families() + MetricFamily.gauges(samples))
    }

    /// `nil` when they could not be read in time.
    private func work() async -> [GaugeSample]? {
        await withTaskGroup(of: [GaugeSample]?.self) { [workGauges, workTimeLimit] group in
            group.addTask { try? await workGauges() }
            group.addTask {
                try? await Task.sleep(for: workTimeLimit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// Adds `GET /metrics` to a router.
    func addRoute<Context: RequestContext>(to router: Router<Context>) {
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusText.contentType, .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: await render())))
        }
    }
}
