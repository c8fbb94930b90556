import PurchaseCore

/// Reads one of Apple's Summary Sales Reports, as it comes: tab-separated text with a line of names.
///
/// Columns are found by name, so their order and further ones don't matter. Memory is bounded by the longest line.
/// Source: App Store Connect Help, "Summary Sales Report" (columns, negative units and prices for refunds), read
/// 2026-11-23; dates are `MM/DD/YYYY`, absent texts a blank.
package struct SalesReportReader: Sendable {
    /// The longest line, in bytes; Apple's own limits add up to less.
    package static let lineBytesMax = 64 << 10
    /// The most lines of one file.
    package static let linesMax = 10_000_000

    private let file: String
    private var line: [UInt8] = []
    private var number = 0
    /// Lines below the names that are not empty.
    private var entries = 0
    private var columns: Columns?
    /// The periods that this file has lines of: no other file may have any, nor this one a second time.
    private var covered: Set<ReportPeriod> = []

    /// Begins a file; its name is for messages about other files.
    package init(file: String) { self.file = file }

    /// Takes the next bytes, and adds the lines that they complete.
    package mutating func read(_ bytes: ArraySlice<UInt8>, into reports: inout SalesReports) throws(SalesReportFault) {
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            try append(rest[..<end])
            try finishLine(into: &reports)
            rest = rest[(end + 1)...]
        }
        try append(rest)
    }

    /// Ends the file; throws when it had no line of names, or nothing below it.
    package mutating func finish(into reports: inout SalesReports) throws(SalesReportFault) {
        if !line.isEmpty { try finishLine(into: &reports) }
        guard columns != nil else { throw SalesReportFault(line: nil, "the file is empty") }
        guard entries > 0 else {
            throw SalesReportFault(
                line: nil, "the report has no lines, so nobody knows its day: name a day without sales with --no-sales")
        }
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) throws(SalesReportFault) {
        guard line.count + bytes.count <= Self.lineBytesMax else {
            throw SalesReportFault(line: number + 1, "the line has more than \(Self.lineBytesMax) bytes")
        }
        line += bytes
    }

    private mutating func finishLine(into reports: inout SalesReports) throws(SalesReportFault) {
        number += 1
        guard number <= Self.linesMax else {
            throw SalesReportFault(line: number, "the report has more than \(Self.linesMax) lines")
        }
        defer { line.removeAll(keepingCapacity: true) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        let cells = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
        guard let columns else {
            self.columns = try Columns(names: cells.map(Self.text))
            return
        }
        guard cells.contains(where: { !Self.text($0).isEmpty }) else { return }
        entries += 1
        try read(Row(cells: cells, columns: columns, line: number), into: &reports)
    }

    private mutating func read(_ row: Row, into reports: inout SalesReports) throws(SalesReportFault) {
        let period = try row.period()
        if !covered.contains(period) {
            try reports.cover(period, file: file, line: number)
            covered.insert(period)
        }
        let type = try row.text(.productTypeIdentifier)
        switch SalesProductType(identifier: type) {
        case .other, .restored: return reports.skip()
        case .inAppPurchase(let isKnown): if !isKnown { reports.noteUnknownType(type) }
        }
        let units = try row.units()
        guard units != 0 else { return reports.skip() }
        let country = try row.text(.countryCode)
        let storefront = ISO3166.alpha3(of: country)
        if storefront == nil { reports.noteUnknownCountry(country) }
        let productID = try row.text(.sku)
        guard !productID.isEmpty, !country.isEmpty else {
            throw SalesReportFault(line: number, "SKU and Country Code must not be empty")
        }
        let price = try row.customerPrice(units: units)
        let currency = try row.text(.customerCurrency)
        guard !currency.isEmpty || price == 0 else {
            throw SalesReportFault(line: number, "a Customer Price without a Customer Currency")
        }
        let total = price.multipliedReportingOverflow(by: Int64(units.magnitude))
        guard !total.overflow else { throw SalesReportFault(line: number, TieOutFault.tooLarge) }
        let place = SalesPlace(
            productID: productID, storefront: storefront ?? country, currency: currency.isEmpty ? nil : currency,
            side: units < 0 ? .refund : .sale)
        try reports.add(
            SalesReportLine(
                period: period, appSKU: try row.text(.parentIdentifier), place: place,
                figure: SalesFigure(units: Int64(units.magnitude), milliunits: total.partialValue)),
            at: number)
    }

    /// A cell without the blanks around it.
    fileprivate static func text(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while bytes.first == 0x20 { bytes.removeFirst() }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The columns that are needed, by Apple's names.
private enum Column: String, CaseIterable {
    case sku = "SKU"
    case productTypeIdentifier = "Product Type Identifier"
    case units = "Units"
    case beginDate = "Begin Date"
    case endDate = "End Date"
    case customerCurrency = "Customer Currency"
    case countryCode = "Country Code"
    case customerPrice = "Customer Price"
    case parentIdentifier = "Parent Identifier"
}

/// Where the needed columns are.
private struct Columns: Sendable {
    private let indexes: [Column: Int]
    let width: Int

    init(names: [String]) throws(SalesReportFault) {
        var indexes: [Column: Int] = [:]
        let lower = names.map { $0.lowercased() }
        for column in Column.allCases {
            let places = lower.indices.filter { lower[$0] == column.rawValue.lowercased() }
            guard places.count <= 1 else { throw SalesReportFault(line: 1, "two columns \(column.rawValue)") }
            indexes[column] = places.first
        }
        let missing = Column.allCases.filter { indexes[$0] == nil }.map(\.rawValue)
        guard missing.isEmpty else {
            let hint =
                lower.contains("partner share")
                ? "this is a financial report" : "is this a Summary Sales Report of App Store Connect?"
            throw SalesReportFault(line: 1, "no column \(missing.joined(separator: ", ")); \(hint)")
        }
        self.indexes = indexes
        width = (indexes.values.max() ?? 0) + 1
    }

    subscript(column: Column) -> Int { indexes[column] ?? 0 }
}

/// One line below the names.
private struct Row {
    let cells: [ArraySlice<UInt8>]
    let columns: Columns
    let line: Int

    func text(_ column: Column) throws(SalesReportFault) -> String {
        guard columns[column] < cells.count else {
            throw SalesReportFault(line: line, "\(cells.count) columns instead of at least \(columns.width)")
        }
        return SalesReportReader.text(cells[columns[column]])
    }

    func period() throws(SalesReportFault) -> ReportPeriod {
        let first = try day(.beginDate)
        let last = try day(.endDate)
        guard let period = ReportPeriod(first: first, last: last) else {
            throw SalesReportFault(
                line: line, "Begin Date \(first) and End Date \(last) are not in order, or more than a year apart")
        }
        return period
    }

    private func day(_ column: Column) throws(SalesReportFault) -> CalendarDay {
        let text = try text(column)
        guard let day = CalendarDay(monthDayYear: text) else {
            throw SalesReportFault(line: line, "\(column.rawValue) \"\(text)\" is no date such as 11/20/2026")
        }
        return day
    }

    /// Apple's type has two decimals; half a purchase there is none.
    func units() throws(SalesReportFault) -> Int64 {
        let text = try text(.units)
        guard let thousandths = Thousandths.parse(text), thousandths % 1_000 == 0 else {
            throw SalesReportFault(line: line, "Units \"\(text)\" is no whole number")
        }
        return thousandths / 1_000
    }

    /// Milliunits of one unit, without a sign: of a refund Apple writes the price negative too.
    func customerPrice(units: Int64) throws(SalesReportFault) -> Int64 {
        let text = try text(.customerPrice)
        guard let milliunits = Thousandths.parse(text) else {
            throw SalesReportFault(line: line, "Customer Price \"\(text)\" is no amount with at most three decimals")
        }
        guard milliunits >= 0 || units < 0 else {
            throw SalesReportFault(line: line, "a negative Customer Price with positive Units")
        }
        return Int64(milliunits.magnitude)
    }
}

/// Decimal numbers, exactly.
enum Thousandths {
    /// The most digits before the point: far more than any price has, and far from the end of 64 bits.
    private static let wholeDigitsMax = 15

    /// Reads `-4.99`, `.99`, `300` or `1.000`; `nil` for anything else, and for what has more than three decimals.
    static func parse(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest.removeFirst() }
        let parts = rest.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts.first ?? []
        var fraction = parts.count == 2 ? parts[1] : []
        guard whole.count + fraction.count > 0, whole.count <= wholeDigitsMax,
            (whole + fraction).allSatisfy({ (48...57).contains($0) })
        else { return nil }
        while fraction.count > 3, fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        guard fraction.count <= 3 else { return nil }
        let padded = whole + fraction + [UInt8](repeating: 48, count: 3 - fraction.count)
        let value = padded.reduce(Int64(0)) { $0 * 10 + Int64($1 - 48) }
        return isNegative ? -value : value
    }
}
