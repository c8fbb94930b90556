import Postgres
import PurchaseCore

extension MetricsPage {
    /// The page of a running service: what it recorded, its load, what the kernel knows of the process, and what waits in
    /// the database.
    init(stack: VouchStack, settings: Settings, now: @escaping @Sendable () -> Instant = { UTCTime.now }) {
        let (postgres, process) = (stack.postgres, ProcessGauges())
        let work = WorkGauges(ledger: stack.store, environments: settings.app.environments, now: now)
        self.init(registry: stack.metrics, workGauges: { try await work.read() })
        localGauges = {
            var samples = process.samples()
            samples.append(GaugeSample(MetricCatalogue.buildInfo, labels: ["version": Vouch.version], value: 1))
            for load in postgres.laneLoads {
                let labels = ["lane": load.lane]
                samples.append(
                    GaugeSample(MetricCatalogue.requestsWaiting, labels: labels, value: Double(load.waiting)))
                samples.append(
                    GaugeSample(MetricCatalogue.requestsRunning, labels: labels, value: Double(load.running)))
            }
            return samples
        }
    }
}
