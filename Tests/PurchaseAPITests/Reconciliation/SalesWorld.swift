import PurchaseCore
import Testing

@testable import PurchaseService

/// Ten days of purchases, as the ledger has them and as Apple reports them: by themselves the two agree.
struct SalesWorld {
    static let daysCount: Int64 = 10
    static let start = Instant(millisecondsSince1970: 1_795_996_800_000)

    /// What both sides should know of one purchase.
    struct Purchase {
        var id: String
        var product: String
        var storefront: String
        var currency: String
        /// Milliunits of one unit.
        var price: Int64
        var quantity: Int64
        var at: Instant
        var refundedAt: Instant?
        /// Thousandths of a percent.
        var percentage: Int64 = 100_000
    }

    var generator: EdgeGenerator
    var purchases: [Purchase] = []
    /// The ledger's rows.
    var records: [PaidRecord] = []
    /// Rows that are no records.
    var others: [TieOutRow] = []
    /// Apple's lines.
    var lines: [SalesReportSample.Line] = []
    var coverage = CoverageNote(
        environment: .production, completeFrom: start - .days(30), completeThrough: start + .days(30))

    static var calendar: ReportCalendar {
        ReportCalendar(
            (0..<daysCount).compactMap { number in
                let from = start + .days(number)
                guard let day = day(of: from), let period = ReportPeriod(first: day, last: day) else { return nil }
                return ReportCalendar.Entry(period: period, from: from, to: from + .days(1))
            })
    }

    static func day(of instant: Instant) -> CalendarDay? { CalendarDay(String(RFC3339.text(instant).prefix(10))) }

    /// A world of its own for each seed.
    init(seed: UInt64, purchases count: Int = 40) {
        generator = EdgeGenerator(state: seed)
        for number in 1...count {
            let (storefront, currency) =
                [("USA", "USD"), ("DEU", "EUR"), ("JPN", "JPY")].randomElement(using: &generator)
                ?? ("USA", "USD")
            var purchase = Purchase(
                id: "\(1_000 + number)", product: ["coins", "pro"].randomElement(using: &generator) ?? "coins",
                storefront: storefront, currency: currency,
                price: [990, 4_990, 9_990].randomElement(using: &generator) ?? 990,
                quantity: Int64.random(in: 1...2, using: &generator),
                at: Self.start + .days(Int64.random(in: 0..<Self.daysCount, using: &generator))
                    + .minutes(Int64.random(in: 6 * 60..<18 * 60, using: &generator)))
            if Int.random(in: 0..<5, using: &generator) == 0 {
                purchase.refundedAt = purchase.at + .days(Int64.random(in: 0...2, using: &generator))
                purchase.percentage = [100_000, 33_333].randomElement(using: &generator) ?? 100_000
            }
            add(purchase)
        }
    }

    /// A purchase on the fifth day at noon, which no other purchase looks like.
    func odd(_ change: (inout Purchase) -> Void = { _ in }) -> Purchase {
        var purchase = Purchase(
            id: "777", product: "coins", storefront: "USA", currency: "USD", price: 12_340, quantity: 1,
            at: Self.start + .days(4) + .hours(12))
        change(&purchase)
        return purchase
    }

    /// Adds a purchase to both sides.
    mutating func add(_ purchase: Purchase) {
        purchases.append(purchase)
        addToLedger(purchase)
        addToReport(purchase)
    }

    // MARK: The ledger

    mutating func addToLedger(_ purchase: Purchase, _ change: (inout PaidRecord) -> Void = { _ in }) {
        record(.sale, of: purchase, at: purchase.at, amount: purchase.price * purchase.quantity, change)
        if let at = purchase.refundedAt {
            record(.refund, of: purchase, at: at, amount: -Self.part(purchase), change)
        }
    }

    mutating func record(
        _ kind: Movement.Kind, of purchase: Purchase, at: Instant, amount: Int64?, step: Int = 0,
        _ change: (inout PaidRecord) -> Void = { _ in }
    ) {
        var record = PaidRecord(
            rowID: "production.purchased.\(purchase.id).\(kind.rawValue).1.\(step)", kind: kind, occurredAt: at,
            recordedAt: at, environment: .production, transactionID: purchase.id, originalTransactionID: purchase.id,
            quantity: step == 0 ? purchase.quantity : 0)
        record.productID = purchase.product
        record.storefront = purchase.storefront
        record.amountMilliunits = amount
        record.currency = amount == nil ? nil : purchase.currency
        record.refundPercentage = kind == .refund ? purchase.percentage : nil
        change(&record)
        records.append(record)
    }

    static func part(_ purchase: Purchase) -> Int64 {
        (purchase.price * purchase.quantity * purchase.percentage + 50_000) / 100_000
    }

    // MARK: Apple

    mutating func addToReport(_ purchase: Purchase) {
        line(purchase.quantity, price: purchase.price, of: purchase, at: purchase.at)
        guard let at = purchase.refundedAt else { return }
        // What was given back of several units need not divide evenly.
        line(-1, price: Self.part(purchase), of: purchase, at: at)
        if purchase.quantity > 1 { line(1 - purchase.quantity, price: 0, of: purchase, at: at) }
    }

    mutating func line(_ units: Int64, price: Int64, of purchase: Purchase, at: Instant) {
        guard let index = Self.calendar.index(holding: at) else { return }
        let parts = Self.calendar.entries[index].period.first.description.split(separator: "-")
        let fraction = String(String(1_000 + price % 1_000).dropFirst())
        lines.append(
            SalesReportSample.Line {
                $0.day = "\(parts[1])/\(parts[2])/\(parts[0])"
                $0.sku = purchase.product
                $0.units = "\(units)"
                $0.price = (units < 0 && price > 0 ? "-" : "") + "\(price / 1_000).\(fraction)"
                $0.currency = purchase.currency
                $0.country = ISO3166.alpha2(of: purchase.storefront) ?? "??"
            })
    }

    // MARK: The comparison

    /// What is found, from the text of the report on.
    mutating func findings() throws -> [TieOutFinding] {
        var reports = try SalesReportSample.read(SalesReportSample.text(lines.shuffled(using: &generator)))
        let covered = Set(reports.periods)
        for entry in Self.calendar.entries where !covered.contains(entry.period) {
            try reports.addEmptyDay(entry.period.first)
        }
        let sorted = records.sorted { $0.occurredAt < $1.occurredAt }
        var ledger = LedgerFigures(calendar: Self.calendar)
        var latePrices = LatePrices()
        var rows = others
        for record in sorted {
            try ledger.add(record)
            rows += try latePrices.rows(of: record)
        }
        rows += latePrices.finish()
        let differences = SalesDifference.all(apple: reports.figures(ofApp: "MYAPP"), ledger: try ledger.finish())
        return TieOut(differences, calendar: Self.calendar, rows: rows, coverage: coverage).explain()
    }
}

extension TieOutFinding {
    /// `day_edge -1/-12340: 777`.
    var short: String {
        "\(reason.rawValue) \(difference.units)/\(difference.milliunits): "
            + rows.map(\.transactionID).joined(separator: " ")
    }
}
