/// What a number of purchases a year asks of the machines, reckoned from measured costs.
///
/// A purchase is one that an app posts. Everything else is so much of it for each purchase; the assumptions say how much.
struct ScaleModel: Sendable {
    /// What nobody measured: how people buy, and how full machines are run.
    struct Assumptions: Equatable, Sendable {
        /// Posts of a purchase after the first: at launch, after a lost answer, from another device.
        var repeatsPerPurchase = 3.0
        /// Reads of entitlements for each purchase.
        var readsPerPurchase = 100.0
        /// Notifications about the purchase itself: bought, refunded, expired.
        var notificationsPerPurchase = 1.2
        /// Renewals, which nobody posts; each comes with a notification.
        var renewalsPerPurchase = 4.0
        /// Calls to Apple while the customer waits.
        var callsAtOnce = 1.0
        /// Calls to Apple later for each charge, a renewal too, in the lane that comes last: the sweeps for refunds of its
        /// first year.
        var callsLater = 7.0
        /// The busiest minutes of the year to its average.
        var peakFactor = 10.0
        /// How busy a core may be at the peak.
        var utilisation = 0.5
        /// Cores of the machine that one process of the service runs on.
        var coresPerReplica = 2.0
        /// Processes at least, so that one may fail.
        var replicasMin = 2
        /// Calls a second that Apple grants: `VOUCH_APP_STORE_REQUESTS_PER_SECOND`.
        var callsPerSecond = 50.0
    }

    /// What one volume needs.
    struct Need: Equatable, Sendable {
        /// Purchases a year.
        var purchases: Double
        /// First posts a second, on average and at the peak.
        var averagePerSecond: Double
        var peakPerSecond: Double
        /// Cores at the peak, at the utilisation that is assumed.
        var serviceCores: Double
        var postgresCores: Double
        /// Processes of the service.
        var replicas: Int
        /// Decisions a second at the peak.
        var decisionsPerSecond: Double
        /// These as a share of what one ledger was measured to take.
        var ledgerShare: Double
        /// Bytes that a year adds to the database, and to its log.
        var databaseBytes: Double
        var logBytes: Double
        /// Calls to Apple a second, on average and at the peak.
        var averageCallsPerSecond: Double
        var callsPerSecond: Double
        /// These as a share of what Apple grants.
        var budgetShare: Double
    }

    /// A Julian year.
    static let secondsPerYear = 31_557_600.0

    let figures: ModelFigures
    let assumptions: Assumptions

    /// What so many purchases a year need.
    func need(purchases: Double) -> Need {
        let average = purchases / Self.secondsPerYear
        let peak = average * assumptions.peakFactor
        let notified = assumptions.notificationsPerPurchase + assumptions.renewalsPerPurchase
        func cores(_ part: KeyPath<ModelFigures.Cost, Double>) -> Double {
            let microseconds =
                figures.validation[keyPath: part] + assumptions.repeatsPerPurchase * figures.repeat[keyPath: part]
                + assumptions.readsPerPurchase * figures.read[keyPath: part]
                + notified * figures.notification[keyPath: part]
            return peak * microseconds / 1e6 / assumptions.utilisation
        }
        // The claim and the settlement of what is posted; one for each notification.
        let decisions = peak * (2 + notified)
        // What can wait is spread over the day.
        let swept = assumptions.callsLater * (1 + assumptions.renewalsPerPurchase)
        let later = average * swept
        let calls = peak * assumptions.callsAtOnce + later
        let serviceCores = cores(\.service)
        func bytes(_ place: KeyPath<(database: Double, log: Double), Double>) -> Double {
            purchases
                * (figures.purchaseBytes[keyPath: place] + notified * figures.notifiedBytes[keyPath: place]
                    + swept * figures.sweptBytes[keyPath: place])
        }
        return Need(
            purchases: purchases, averagePerSecond: average, peakPerSecond: peak, serviceCores: serviceCores,
            postgresCores: cores(\.postgres),
            replicas: max(assumptions.replicasMin, Int((serviceCores / assumptions.coresPerReplica).rounded(.up))),
            decisionsPerSecond: decisions, ledgerShare: decisions / figures.decisionsPerSecond,
            databaseBytes: bytes(\.database), logBytes: bytes(\.log),
            averageCallsPerSecond: average * assumptions.callsAtOnce + later, callsPerSecond: calls,
            budgetShare: calls / assumptions.callsPerSecond)
    }
}

extension ScaleModel {
    /// The volumes that docs/scaling.md shows.
    static let volumes = [1e6, 1e8, 1e9]

    /// Assumptions, costs and table, in Markdown.
    var markdown: String {
        let text = Measurement.text
        let a = assumptions
        let rows = Self.volumes.map { volume -> String in
            let need = need(purchases: volume)
            let cells = [
                Self.count(volume), "\(text(need.averagePerSecond)); \(text(need.peakPerSecond))",
                text(need.serviceCores), String(need.replicas), text(need.postgresCores),
                "\(text(need.decisionsPerSecond)); \(text(need.ledgerShare * 100)) %", Self.bytes(need.databaseBytes),
                Self.bytes(need.logBytes),
                "\(text(need.averageCallsPerSecond)); \(text(need.callsPerSecond)); \(text(need.budgetShare * 100)) %",
            ]
            return "| " + cells.joined(separator: " | ") + " |"
        }
        return """
            Reckoned from \(figures.origin).

            Assumed for each purchase that an app posts: \(plain(a.repeatsPerPurchase)) further posts of it, \
            \(plain(a.readsPerPurchase)) reads of entitlements,
            \(plain(a.notificationsPerPurchase)) notifications about it, \(plain(a.renewalsPerPurchase)) renewals with a \
            notification each, \(plain(a.callsAtOnce)) call to Apple at once, and
            \(plain(a.callsLater)) later for each charge. What those later answers leave is in the table, what they cost is not.
            Peak \(plain(a.peakFactor)) × the year's average; cores at most \(plain(a.utilisation * 100)) % busy then; \
            \(plain(a.coresPerReplica)) cores a process, \(a.replicasMin) processes at least; Apple grants
            \(plain(a.callsPerSecond)) calls a second.

            | measured, each | CPU of the service | CPU of PostgreSQL |
            |---|---|---|
            | post of an unknown purchase | \(cost(figures.validation)) |
            | post of a settled one | \(cost(figures.repeat)) |
            | entitlement read | \(cost(figures.read)) |
            | notification | \(cost(figures.notification)) |

            A posted purchase leaves \(Self.bytes(figures.purchaseBytes.database)) in the database and \
            \(Self.bytes(figures.purchaseBytes.log)) of log, a notified one
            \(Self.bytes(figures.notifiedBytes.database)) and \(Self.bytes(figures.notifiedBytes.log)), the answer to a sweep \
            \(Self.bytes(figures.sweptBytes.database)) and \(Self.bytes(figures.sweptBytes.log)); one ledger took \
            \(text(figures.decisionsPerSecond)) decisions a second.

            | purchases a year | posts/s, average; peak | cores of Vouch | processes | cores of PostgreSQL | \
            decisions/s at the peak; of one ledger | database a year | log a year | calls to Apple/s, average; peak; \
            of the budget |
            |---|---|---|---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }

    /// An assumption as it was made: no digits that nobody chose.
    private func plain(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : Measurement.text(value)
    }

    private func cost(_ cost: ModelFigures.Cost) -> String {
        "\(Measurement.text(cost.service)) µs | \(Measurement.text(cost.postgres)) µs"
    }

    private static func count(_ value: Double) -> String {
        value >= 1e9 ? "\(Int(value / 1e9)) G" : "\(Int(value / 1e6)) M"
    }

    private static func bytes(_ value: Double) -> String {
        let units: [(String, Double)] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)]
        let (name, size) = units.first { value >= $0.1 } ?? ("B", 1)
        return "\(Measurement.text(value / size)) \(name)"
    }
}
