import Foundation
import Testing

@testable import bench

@Suite("The model of scale")
struct BenchModelTests {
    private static let figures = ModelFigures(
        validation: .init(service: 1_000, postgres: 2_000), repeat: .init(service: 100, postgres: 200),
        read: .init(service: 10, postgres: 5), notification: .init(service: 500, postgres: 1_000),
        decisionsPerSecond: 1_000, purchaseBytes: (database: 10_000, log: 5_000),
        notifiedBytes: (database: 2_000, log: 1_000), sweptBytes: (database: 300, log: 100))

    private static var assumptions: ScaleModel.Assumptions {
        var assumptions = ScaleModel.Assumptions()
        assumptions.repeatsPerPurchase = 5
        assumptions.readsPerPurchase = 100
        assumptions.notificationsPerPurchase = 1
        assumptions.renewalsPerPurchase = 3
        assumptions.callsAtOnce = 1
        assumptions.callsLater = 4
        assumptions.peakFactor = 10
        assumptions.utilisation = 0.5
        assumptions.coresPerReplica = 2
        assumptions.callsPerSecond = 50
        return assumptions
    }

    @Test("cores, decisions, bytes and calls add up from the costs of one purchase")
    func arithmetic() {
        let model = ScaleModel(figures: Self.figures, assumptions: Self.assumptions)
        // One purchase a second on average, ten at the peak.
        let need = model.need(purchases: ScaleModel.secondsPerYear)
        #expect(need.averagePerSecond == 1 && need.peakPerSecond == 10)
        // 1,000 + 5 × 100 + 100 × 10 + 4 × 500 µs are 4.5 ms; ten of them, half busy.
        #expect(abs(need.serviceCores - 0.09) < 1e-9)
        // 2,000 + 5 × 200 + 100 × 5 + 4 × 1,000 µs.
        #expect(abs(need.postgresCores - 0.15) < 1e-9)
        #expect(need.replicas == 2)
        #expect(need.decisionsPerSecond == 60 && need.ledgerShare == 0.06)
        // 10,000 + 4 × 2,000 + 16 × 300, and half of the first two with 16 × 100.
        #expect(need.databaseBytes == ScaleModel.secondsPerYear * 22_800)
        #expect(need.logBytes == ScaleModel.secondsPerYear * 10_600)
        // One at once for each purchase, and four for each of its four charges, spread evenly.
        #expect(need.averageCallsPerSecond == 17 && need.callsPerSecond == 26 && need.budgetShare == 0.52)
    }

    @Test("processes are added when two are not enough")
    func replicas() {
        let model = ScaleModel(figures: Self.figures, assumptions: Self.assumptions)
        let need = model.need(purchases: 100 * ScaleModel.secondsPerYear)
        #expect(abs(need.serviceCores - 9) < 1e-9 && need.replicas == 5)
    }

    @Test("the figures are found among a run's lines, and what is missing or was not timed is named")
    func reading() throws {
        func line(_ part: Part, _ name: String, _ value: Double, cpu: [String: Double]? = nil) throws -> String {
            var measurement = Measurement(part, name, value)
            measurement.cpuMicroseconds = cpu
            return String(decoding: try JSONEncoder().encode(measurement), as: UTF8.self)
        }
        let lines = try [
            #"{"machine": "a header"}"#,
            line(.validation, "validation, 1 at once", 9, cpu: ["service": 9, "postgres": 9]),
            line(.validation, "validation, 64 at once", 1, cpu: ["service": 1_000, "postgres": 2_000, "store": 7]),
            line(.repeat, "repeat of a settled one, 64 at once", 1, cpu: ["service": 100, "postgres": 200]),
            line(.entitlements, "entitlement read, 9 accounts, 64 at once", 1, cpu: ["service": 10, "postgres": 5]),
            line(.notification, "notification, 64 at once", 1, cpu: ["service": 500, "postgres": 1_000]),
            line(.ledger, "ledger, 64 tasks, 1 replica", 1_000),
            line(.replicas, "bytes of the database for each purchase", 10_000),
            line(.replicas, "bytes of the log for each purchase", 5_000),
            line(.replicas, "bytes of the database for each notified purchase", 2_000),
            line(.replicas, "bytes of the log for each notified purchase", 1_000),
            line(.replicas, "bytes of the database for each sweep", 300),
            line(.replicas, "bytes of the log for each sweep", 100),
        ]
        #expect(try ModelFigures(jsonLines: lines.joined(separator: "\n")) == Self.figures)
        for missing in 2..<lines.count {
            var fewer = lines
            fewer.remove(at: missing)
            #expect(throws: BenchFailure.self) { try ModelFigures(jsonLines: fewer.joined(separator: "\n")) }
        }
        var untimed = lines
        untimed[2] = try line(.validation, "validation, 64 at once", 1)
        #expect(throws: BenchFailure.self) { try ModelFigures(jsonLines: untimed.joined(separator: "\n")) }
    }

    @Test("a document gets the text between its marks, again and again; one without marks is left alone")
    func document() throws {
        let before = "# Scale\n\n\(Model.marks.begin)\nold\n\(Model.marks.end)\n\nThe rest.\n"
        let once = try Model.replacing(in: before, with: "new")
        #expect(once == "# Scale\n\n\(Model.marks.begin)\n\nnew\n\n\(Model.marks.end)\n\nThe rest.\n")
        #expect(try Model.replacing(in: once, with: "new") == once)
        #expect(throws: BenchFailure.self) { try Model.replacing(in: "# Scale\n", with: "new") }
    }

    @Test("the table has a row for each volume")
    func table() {
        let text = ScaleModel(figures: Self.figures, assumptions: Self.assumptions).markdown
        for begin in ["| 1 M |", "| 100 M |", "| 1 G |"] { #expect(text.contains("\n" + begin)) }
    }
}
