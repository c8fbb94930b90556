import PurchaseCore

extension Workshop {
    /// Purchases that are swept, and how many in a smoke run.
    private static let swept = (all: 500, smoke: 5)

    /// What the sweeps of a purchase's first year leave: Apple's answers that nothing has changed.
    func measureSweptBytes() async throws {
        let purchases = settings.isSmoke ? Self.swept.smoke : Self.swept.all
        let last = RecheckSchedule.sweeps.last ?? Span(milliseconds: 0)
        let sweeps = RecheckSchedule.sweeps + [last + RecheckSchedule.sweepEvery]
        try await withDatabase("sweeps") { database in
            try await LedgerLoad.with(database, replicas: 1) { load in
                for number in 0..<purchases { try await load.settle(number) }
                let before = try databaseBytes(database)
                for after in sweeps {
                    for number in 0..<purchases { try await load.sweep(number, after: after) }
                }
                let confirmed = try database.number("SELECT count(*) FROM events WHERE rule = 'evidence_confirms'")
                let paid = try database.number("SELECT count(*) FROM transactions WHERE state = 'paid'")
                guard confirmed == purchases * sweeps.count, paid == purchases else {
                    throw BenchFailure("\(sweeps.count) sweeps of \(purchases): \(confirmed) confirm, \(paid) are paid")
                }
                try reportBytes(
                    from: before, to: try databaseBytes(database), each: purchases * sweeps.count, "sweep")
            }
        }
    }
}
