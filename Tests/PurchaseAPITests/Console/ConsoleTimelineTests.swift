import PurchaseAPI
import PurchaseCore
import PurchaseService
import Testing

@testable import PurchaseConsole

@Suite("The timeline of a transaction's page")
struct ConsoleTimelineTests {
    private static let id = TransactionID("2000000900000001")

    private static func event(
        _ version: Int64, _ entries: [LedgerEntry] = [], rule: String = "refund_seen"
    ) -> RecordedEvent {
        RecordedEvent(
            position: version + 7, chainVersion: version, recordedAt: Sample.now, input: "evidence", rule: rule,
            policyVersion: PolicyVersion("a"), actor: nil, evidence: nil, entries: entries)
    }

    private static func timeline(
        _ versions: ClosedRange<Int64>, until: Int64, reasons: [Int64: String] = [:]
    ) -> Timeline {
        Timeline(
            versions.map { event($0) }, of: id, after: versions.lowerBound - 1, until: until, perPage: 50,
            reasons: reasons)
    }

    @Test("the newest event comes first, and pages lead from one end to the other")
    func pages() {
        let newest = Self.timeline(71...120, until: 120)
        #expect(newest.lines.first?.position == "127" && newest.lines.count == 50)
        #expect(newest.newer == nil)
        func address(_ version: Int64) -> String {
            "/console/transactions/\(Self.id)?events=\(PageCursor.text(afterVersion: version))#timeline"
        }
        #expect(newest.older == address(20))
        let middle = Self.timeline(21...70, until: 120)
        #expect(middle.older == address(0) && middle.newer == address(70))
        #expect(Self.timeline(1...20, until: 120).older == nil)
    }

    @Test("a person's words stand beside what they led to, and a rule of a later version is named by its code")
    func words() {
        let asked = Self.event(2, [.checkRequested(Self.id, reasonNumber: 4)], rule: "asked_twice_over")
        let erased = Self.event(1, [.checkRequested(Self.id, reasonNumber: 3)])
        let timeline = Timeline([erased, asked], of: Self.id, after: 0, until: 2, perPage: 50, reasons: [4: "a doubt"])
        #expect(timeline.lines.map(\.why) == ["a doubt", nil])
        #expect(timeline.lines[0].text == "asked twice over")
        #expect(timeline.lines[0].changes == ["Apple asked about \(Self.id)"])
        #expect(timeline.lines[1].text.contains("refund"))
    }
}
