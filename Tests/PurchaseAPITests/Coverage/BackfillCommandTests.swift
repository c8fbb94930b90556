import PurchaseCore
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("vouch backfill: options, dates, and what it shows")
struct BackfillCommandTests {
    private static let now = Instant(millisecondsSince1970: 1_795_000_000_000)

    private func request(
        _ arguments: [String], allowed: Set<StoreEnvironment> = [.production, .sandbox]
    ) async throws -> BackfillRequest {
        let command = try #require(try await Vouch.command(for: ["backfill"] + arguments) as? Backfill)
        return try command.request(allowed: allowed, now: Self.now)
    }

    private func day(_ daysAgo: Int64) -> String { UTCTime.text(Self.now - .days(daysAgo)) }

    @Test(
        "dates are RFC 3339, or days in UTC",
        arguments: [
            ("1970-01-01", 0), ("2026-11-18", 1_794_960_000_000), ("2024-02-29", 1_709_164_800_000),
            ("2026-11-18T12:34:56Z", 1_795_005_296_000), ("2026-11-18T12:34:56.7Z", 1_795_005_296_700),
            ("2026-11-18T12:34:56.1239Z", 1_795_005_296_123), ("2026-11-18t12:34:56z", 1_795_005_296_000),
            ("2026-11-18T12:34:56+02:00", 1_794_998_096_000), ("2026-11-18T00:34:56-01:30", 1_794_967_496_000),
            ("1969-12-31T23:59:59Z", -1_000), ("0001-01-01", -62_135_596_800_000),
            ("9999-12-31", 253_402_214_400_000),
        ] as [(String, Int64)])
    func dates(text: String, milliseconds: Int64) {
        #expect(BackfillDate.parse(text)?.millisecondsSince1970 == milliseconds)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "yesterday", "2026-11", "2026-13-01", "2026-00-10", "2026-02-29", "2026-04-31", "2026-11-18 12:00:00Z",
            "2026-11-18T12:00:00", "2026-11-18T24:00:00Z", "2026-11-18T12:60:00Z", "2026-11-18T12:00Z", "20261118",
            "2026-11-18Z", "2026-11-18T12:00:00.Z", "2026-11-18T12:00:00+0200", "2026-11-18T12:00:00Zx", "+026-11-18",
        ])
    func noDates(text: String) { #expect(BackfillDate.parse(text) == nil) }

    @Test("every instant that is written can be read, in all years")
    func roundTrip() {
        // A stride of half a year and an odd rest meets every month, leap days and all decimals.
        let years: (first: Int64, last: Int64) = (-62_135_596_800_000, 253_402_300_799_999)
        for milliseconds in stride(from: years.first, through: years.last, by: 15_776_543_219) {
            let text = UTCTime.text(Instant(millisecondsSince1970: milliseconds))
            #expect(BackfillDate.parse(text)?.millisecondsSince1970 == milliseconds, "\(text)")
        }
    }

    @Test("every store is filled, unless one is named; the end is now unless it is given")
    func stores() async throws {
        let from = Self.now - .days(20)
        let both = try await request(["--from", day(20)])
        #expect(both.parts.map(\.environment) == [.production, .sandbox] && both.notices.isEmpty && !both.again)
        #expect(both.parts.allSatisfy { $0.span == HistorySlice(from: from, to: Self.now) })
        let one = try await request(["--from", day(20), "--to", day(10), "--environment", "Sandbox", "--again"])
        #expect(
            one.parts == [
                BackfillRequest.Part(
                    environment: .sandbox, span: HistorySlice(from: from, to: Self.now - .days(10)))
            ])
        #expect(one.again)
    }

    @Test("a store whose history is shorter is cut or left out with a notice, when it was not asked for by name")
    func shorterHistory() async throws {
        let cut = try await request(["--from", day(100)])
        #expect(cut.parts.map(\.span.from) == [Self.now - .days(100), Self.now - .days(30) + .hours(1)])
        #expect(cut.notices.count == 1 && cut.notices[0].contains("Sandbox") && cut.notices[0].contains("begins at"))
        let left = try await request(["--from", day(100), "--to", day(50)])
        #expect(left.parts.map(\.environment) == [.production])
        #expect(left.notices.count == 1 && left.notices[0].contains("left out"))
    }

    @Test(
        "what can't be done is refused with the option's name",
        arguments: [
            (["--from", "181"], "--from"), (["--from", "31", "--environment", "Sandbox"], "--from"),
            (["--from", "5", "--to", "6"], "--from"), (["--from", "5", "--to", "-1"], "--to"),
            (["--from", "5", "--environment", "Production"], "--environment"),
        ])
    func refusals(arguments: [String], option: String) async throws {
        // Numbers stand for days before now.
        let dated = arguments.map { Int64($0).map(day) ?? $0 }
        let failure = await #expect(throws: CommandFailure.self) {
            try await request(dated, allowed: option == "--environment" ? [.sandbox] : [.production, .sandbox])
        }
        #expect(failure?.exit == .usage && failure?.sentence.hasPrefix(option) == true)
    }

    @Test("too far back names the oldest possible date of each store")
    func oldest() async throws {
        let failure = await #expect(throws: CommandFailure.self) { try await request(["--from", day(200)]) }
        let sentence = try #require(failure?.sentence)
        #expect(sentence.contains(UTCTime.text(Self.now - .days(180) + .hours(1))))
        #expect(sentence.contains(UTCTime.text(Self.now - .days(30) + .hours(1))))
    }

    @Test(
        "what can't be understood ends with 64",
        arguments: [
            [], ["--from", "yesterday"], ["--from", "2026-11-01", "--to", "soon"], ["--from"],
            ["--from", "2026-11-01", "--environment", "Xcode"],
        ])
    func usage(arguments: [String]) async throws {
        let outcome = try #require(await Vouch.run(["backfill"] + arguments))
        #expect(outcome.code == 64 && outcome.complaint?.isEmpty == false)
    }

    @Test("an interruption ends with 130, a fault with 1, and an app without a release with 0")
    func ends() {
        func failure(_ ends: NotificationBackfill.End...) -> CommandFailure? {
            Backfill.failure(of: ends.map { (.production, NotificationBackfill.Summary(end: $0)) })
        }
        #expect(failure(.finished, .finished) == nil && failure(.failed(.unreleased), .finished) == nil)
        #expect(failure(.finished, .cancelled)?.exit.rawValue == 130)
        #expect(failure(.failed(.unauthorized), .finished)?.exit.rawValue == 1)
        for fault: HistoryFault in [
            .unauthorized, .throttled(retryAt: nil), .refusedRequest(status: 400, errorCode: 4_000_013),
            .unavailable(.timedOut), .malformed, .tokensExpireTooSoon, .startTooFarInPast, .ledger(.unavailable),
        ] {
            #expect(failure(.failed(fault))?.sentence.contains("run it again") == true)
        }
    }

    @Test("a terminal gets one bar that is drawn again, anything else a line for each day")
    func display() {
        let from = Instant(millisecondsSince1970: 1_794_960_000_000)
        var counts = HistoryCounts()
        (counts.seen, counts.new) = (41, 3)
        let step = { (done: Int, isSkipped: Bool) in
            NotificationBackfill.Progress(
                slice: HistorySlice(from: from, to: from + .days(1)), done: done, total: 4, isSkipped: isSkipped,
                counts: counts)
        }
        let plain = BackfillDisplay(environment: .production, isTerminal: false)
        #expect(plain.text(step(1, false)) == "Production 2026-11-18 (1/4): 41 seen, 3 new\n")
        #expect(plain.text(step(2, true)) == "Production 2026-11-18 (2/4): done before\n")
        let terminal = BackfillDisplay(environment: .production, isTerminal: true)
        #expect(
            terminal.text(step(1, false))
                == "\rProduction [######..................] 1/4 days, to 2026-11-18: 41 seen, 3 new\u{1B}[K")
        #expect(terminal.text(step(4, false)).hasSuffix("\u{1B}[K\n"))
        var summary = NotificationBackfill.Summary(end: .finished, counts: counts, daysDone: 3, daysSkipped: 1)
        #expect(
            BackfillDisplay.summary(summary, of: .sandbox)
                == "Sandbox: 3 days done, 1 done before; 41 notifications seen, 3 new, 0 refused, 0 waiting")
        summary.counts.foreign = 2
        #expect(BackfillDisplay.summary(summary, of: .sandbox).hasSuffix(", 2 of another app or store"))
    }
}
