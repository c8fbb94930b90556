import Foundation
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("vouch reconcile")
struct ReconcileCommandTests {
    private func command(_ arguments: [String]) async throws -> Reconcile {
        try #require(try await Vouch.command(for: ["reconcile"] + arguments) as? Reconcile)
    }

    private static func report(_ defects: [SalesDefect]) throws -> TieOutReport {
        var world = SalesWorld(seed: 1)
        for defect in defects { _ = defect.apply(to: &world) }
        return TieOutReport(
            asOf: 8_812, timeZone: "America/Los_Angeles", appSKU: "MYAPP", calendar: SalesWorld.calendar,
            coverage: world.coverage,
            totals: [
                TieOutReport.Total(
                    currency: "EUR", side: .sale, apple: SalesFigure(units: 12, milliunits: 59_880),
                    ledger: SalesFigure(units: 11, milliunits: 54_890))
            ], findings: try world.findings())
    }

    @Test("everything explained ends with 0, something that can't be judged with 2, something unexplained with 1")
    func exitCodes() throws {
        for (defects, outcome, exit) in [
            ([], .explained, nil), ([.countedNextDay], .explained, nil), ([.lostSale], .undecided, .couldNot),
            ([.missingLine], .unexplained, .failure), ([.lostRefund, .countedNextDay], .undecided, .couldNot),
            ([.countedOutside], .undecided, .couldNot), ([.refundCountedOutside], .undecided, .couldNot),
            ([.sandboxCounted], .unexplained, .failure), ([.sandboxCountedFree], .explained, nil),
        ] as [([SalesDefect], TieOutOutcome, CommandExit?)] {
            let report = try Self.report(defects)
            #expect(report.outcome == outcome, "\(defects)")
            #expect(Reconcile.failure(of: report)?.exit == exit, "\(defects)")
        }
    }

    @Test("people see totals, each difference with its reason and rows, and what it does not mean")
    func text() throws {
        let report = try Self.report([.countedOutside])
        let text = ReconcileDisplay(report: report, reports: SalesReports()).lines.joined(separator: "\n")
        for expected in [
            "of app MYAPP against the ledger as of 8812",
            "covered: 2026-11-30 to 2026-12-09, days of America/Los_Angeles",
            "EUR       sale     12   59.88      11   54.89          +1   +4.99",
            "2026-12-09  coins  USA  USD  sale  -1 units, -12.34",
            "undecided\n  2026-12-09",
            "Apple may count these rows of near midnight on a day that no report here covers: add that day's report",
            "777  2026-12-09T23:55:00.000Z  sale  1 units, 12.34", "0 explained, 1 undecided, 0 unexplained",
            "It says nothing about what Apple pays",
        ] {
            #expect(text.contains(expected), "\(expected)\n\(text)")
        }
    }

    @Test("what can't be judged says what to do about it")
    func undecided() throws {
        let neighbour = try #require(Reconcile.failure(of: try Self.report([.countedOutside])))
        #expect(neighbour.sentence.hasPrefix("1 difference can't be judged: no report covers"), "\(neighbour.sentence)")
        let lost = try #require(Reconcile.failure(of: try Self.report([.lostSale])))
        #expect(lost.sentence.contains("backfill") && !lost.sentence.contains("--no-sales"), "\(lost.sentence)")
        let json = try JSONValue(
            parsing: Array(
                ReconcileDisplay(report: try Self.report([.countedOutside]), reports: SalesReports()).json.utf8))
        #expect(json["outcome"]?.text == "undecided" && json["exitCode"] == .integer(2))
        let finding = try #require(json["findings"]?.items?.first)
        #expect(finding["outcome"]?.text == "undecided" && finding["counterpartIsCovered"] == .bool(false))
    }

    @Test("every reason has a sentence of its own, and testers' rows are no more than shown")
    func sentences() throws {
        var sentences: [String: TieOutReason] = [:]
        for reason in TieOutReason.allCases {
            let cell = SalesCell(
                period: SalesWorld.calendar.entries[0].period,
                place: SalesPlace(productID: "coins", storefront: "USA", currency: "USD", side: .sale))
            let sentence = ReconcileDisplay.sentence(
                TieOutFinding(
                    reason, cell, difference: SalesFigure(units: 1, milliunits: 1), counterpart: .outside))
            #expect(sentences[sentence] == nil, "\(reason) says the same as another")
            sentences[sentence] = reason
        }
        let text = ReconcileDisplay(report: try Self.report([.sandboxCounted]), reports: SalesReports()).lines
        #expect(text.contains("    unexplained: testers have these, but they are never charged"), "\(text)")
    }

    @Test("programs get everything as JSON")
    func json() throws {
        let report = try Self.report([.refundCountedLate, .missingLine])
        let json = try JSONValue(
            parsing: Array(ReconcileDisplay(report: report, reports: SalesReports()).json.utf8))
        #expect(json["asOf"]?.text == "8812" && json["exitCode"] == .integer(1))
        #expect(json["outcome"]?.text == "unexplained")
        #expect(json["totals"]?.items?.first?["apple"]?["amountMilliunits"] == .integer(59_880))
        let findings = try #require(json["findings"]?.items)
        #expect(findings.map { $0["reason"]?.text } == ["late_refund", "unexplained"])
        let late = try #require(findings.first)
        #expect(late["period"]?["from"]?.text == "2026-12-04" && late["side"]?.text == "refund")
        #expect(late["counterpart"]?["through"]?.text == "2026-12-08" && late["counterpartIsCovered"] == .bool(true))
        #expect(late["difference"]?["units"] == .integer(-1))
        let row = try #require(late["rows"]?.items?.first)
        #expect(row["transactionId"]?.text == "777" && row["amountMilliunits"] == .integer(12_340))
    }

    @Test("several apps must be told apart; days without sales are days of their own")
    func apps() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString).txt")
        let text = SalesReportSample.text([SalesReportSample.Line(), SalesReportSample.Line { $0.app = "OTHER" }])
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let one = try await command(["--sales", file.path, "--no-sales", "2026-11-21", "--no-sales", "2026-11-22"])
        let reports = try one.readReports()
        #expect(reports.periods.map(\.description) == ["2026-11-20", "2026-11-21", "2026-11-22"])
        let failure = #expect(throws: CommandFailure.self) { try one.appSKU(of: reports) }
        #expect(failure?.exit == .usage && failure?.sentence.contains("\"MYAPP\", \"OTHER\"") == true)
        let other = try await command(["--sales", file.path, "--app-sku", "OTHER"])
        #expect(try other.appSKU(of: reports) == "OTHER")
        let mistyped = try await command(["--sales", file.path, "--app-sku", "MYAP"])
        let refusal = #expect(throws: CommandFailure.self) { try mistyped.appSKU(of: reports) }
        #expect(refusal?.exit == .usage && refusal?.sentence.contains("\"MYAPP\", \"OTHER\"") == true)
        // Days without any sale have no app to compare the name with.
        #expect(try mistyped.appSKU(of: SalesReports()) == "MYAP")
        let again = try await command(["--sales", file.path, file.path])
        let double = #expect(throws: CommandFailure.self) { try again.readReports() }
        #expect(double?.sentence.contains("2026-11-20 is also in") == true)
        let twice = try await command(["--sales", file.path, "--no-sales", "2026-11-20"])
        #expect(throws: CommandFailure.self) { try twice.readReports() }
    }

    @Test(
        "arguments that can't be meant are refused",
        arguments: [
            [], ["--sales"], ["--sales", "a", "--tz", "+02"], ["--sales", "a", "--as-of", "-1"],
            ["--sales", "a", "--no-sales", "20.11.2026"],
        ])
    func arguments(arguments: [String]) async {
        await #expect(throws: (any Error).self) { try await command(arguments) }
    }
}
