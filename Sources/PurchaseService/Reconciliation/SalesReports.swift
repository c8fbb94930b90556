package import PurchaseCore

/// What a line of a report is about, by its Product Type Identifier.
///
/// Source: App Store Connect Help, "Product type identifiers", read 2026-11-23.
enum SalesProductType: Hashable, Sendable {
    /// An In-App Purchase that was sold or given back.
    case inAppPurchase(isKnown: Bool)
    /// A non-consumable that somebody restored: nothing was sold.
    case restored
    /// Apps, bundles, updates.
    case other

    private static let inAppPurchases: Set = ["IA1", "IA1-M", "IA9", "IA9-M", "IAY", "IAY-M", "IAC", "FI1"]

    init(identifier: String) {
        if Self.inAppPurchases.contains(identifier) {
            self = .inAppPurchase(isKnown: true)
        } else if identifier == "IA3" {
            self = .restored
        } else if identifier.hasPrefix("IA") || identifier.hasPrefix("FI") {
            // A new kind of In-App Purchase: leaving it out would hide money.
            self = .inAppPurchase(isKnown: false)
        } else {
            self = .other
        }
    }
}

/// One line of a report, understood.
struct SalesReportLine: Hashable, Sendable {
    /// The days that it counts.
    var period: ReportPeriod
    /// The app that an In-App Purchase belongs to, by its SKU.
    var appSKU: String
    /// Where, and which side.
    var place: SalesPlace
    /// How much.
    var figure: SalesFigure
}

/// The sums of all reports at hand, by app.
///
/// Memory grows with the number of groups, which is bounded, and not with the lines.
package struct SalesReports: Sendable {
    /// The most groups of period, product, storefront, currency and side.
    package static let groupsMax = 200_000
    /// The most periods; more than a year of days.
    package static let periodsMax = 400
    /// The most unknown codes that are remembered by name.
    private static let namesMax = 20

    /// The periods covered, each with where it was first read.
    private var origins: [ReportPeriod: Origin] = [:]
    private var figures: [String: [SalesCell: SalesFigure]] = [:]
    private var groups = 0
    /// Lines about In-App Purchases.
    package private(set) var inAppLines = 0
    /// Lines about apps, bundles, updates and restored purchases, which are left out.
    package private(set) var otherLines = 0
    /// Product type identifiers that look like In-App Purchases, and that the table doesn't have; sorted.
    package private(set) var unknownTypes: [String] = []
    /// Country codes that stand for no country, and are compared as they are; sorted.
    package private(set) var unknownCountries: [String] = []

    /// Where a period comes from; names are for messages alone, since two files may have the same.
    private enum Origin: Hashable {
        case file(name: String)
        case noSales
    }

    /// No report yet.
    package init() {}

    /// The periods covered, ascending.
    package var periods: [ReportPeriod] { origins.keys.sorted() }

    /// The apps whose In-App Purchases the reports have, by their SKU; sorted.
    package var appSKUs: [String] { figures.keys.sorted() }

    /// The sums of one app.
    package func figures(ofApp sku: String) -> [SalesCell: SalesFigure] { figures[sku] ?? [:] }

    /// Notes that a day had no sale at all, so that Apple made no report of it; throws when a file covers it.
    package mutating func addEmptyDay(_ day: CalendarDay) throws(SalesReportFault) {
        guard let period = ReportPeriod(first: day, last: day), origins[period] != .noSales else { return }
        try cover(period, .noSales, line: nil)
    }

    /// Notes that a file has its first line of a period; throws when a day of it was covered before, by whatever file.
    mutating func cover(_ period: ReportPeriod, file: String, line: Int) throws(SalesReportFault) {
        try cover(period, .file(name: file), line: line)
    }

    private mutating func cover(_ period: ReportPeriod, _ origin: Origin, line: Int?) throws(SalesReportFault) {
        if let (other, earlier) = origins.first(where: { $0.key.overlaps(period) }) {
            let owner =
                switch earlier {
                case .file(let name): name
                case .noSales: "--no-sales"
                }
            let days = other == period ? "\(period)" : "\(period) and \(other) overlap:"
            throw SalesReportFault(
                line: line,
                other == period
                    ? "\(days) is also in \(owner): a day must be counted once"
                    : "\(days) the latter is in \(owner), and a day must be counted once")
        }
        guard origins.count < Self.periodsMax else {
            throw SalesReportFault(line: line, "more than \(Self.periodsMax) periods: compare fewer at once")
        }
        origins[period] = origin
    }

    /// Counts a line that is left out.
    mutating func skip() { otherLines += 1 }

    /// Adds a line about an In-App Purchase.
    mutating func add(_ entry: SalesReportLine, at line: Int) throws(SalesReportFault) {
        inAppLines += 1
        let cell = SalesCell(period: entry.period, place: entry.place)
        var sum = figures[entry.appSKU]?[cell]
        if sum == nil {
            guard groups < Self.groupsMax else { throw SalesReportFault(line: line, TieOutFault.tooManyGroups) }
            groups += 1
        }
        do {
            try sum.add(entry.figure)
        } catch {
            throw SalesReportFault(line: line, error)
        }
        figures[entry.appSKU, default: [:]][cell] = sum
    }

    /// Remembers a product type identifier that nobody knows.
    mutating func noteUnknownType(_ text: String) { Self.note(text, in: &unknownTypes) }

    /// Remembers a country code that nobody knows.
    mutating func noteUnknownCountry(_ text: String) { Self.note(text, in: &unknownCountries) }

    private static func note(_ text: String, in names: inout [String]) {
        guard names.count < namesMax, !names.contains(text) else { return }
        names.append(text)
        names.sort()
    }
}

extension SalesFigure? {
    /// Adds to what there is, or to nothing.
    fileprivate mutating func add(_ figure: SalesFigure) throws(TieOutFault) {
        var sum = self ?? .zero
        try sum.add(figure)
        self = sum
    }
}

/// What is wrong with a report.
package struct SalesReportFault: Error, Hashable, Sendable {
    /// The line, counted from 1; `nil` when it is the whole file.
    package let line: Int?
    /// A sentence without the file's name.
    ///
    /// Text of the file in it is as it was: escape it before a terminal shows it.
    package let sentence: String

    /// Takes both.
    package init(line: Int?, _ sentence: String) {
        self.line = line
        self.sentence = sentence
    }

    init(line: Int?, _ fault: TieOutFault) {
        self.init(
            line: line,
            fault == .tooManyGroups
                ? "more than \(SalesReports.groupsMax) groups of day, product, storefront and currency: compare fewer "
                    + "days at once"
                : "the sums are beyond what is counted with")
    }
}
