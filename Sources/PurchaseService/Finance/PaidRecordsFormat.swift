import PurchaseCore

/// How an export is written; the bytes of one row depend on the row alone.
package enum PaidRecordsFormat: Hashable, Sendable {
    /// RFC 4180, UTF-8, CRLF, always with the line of names; the byte order mark tells some spreadsheets that it is UTF-8.
    case csv(byteOrderMark: Bool)
    /// One JSON object for each row, each on a line that ends with LF.
    case ndjson

    /// The columns, in order: names of the CSV's first line, and of the JSON objects' members.
    package static let columns = [
        "rowId", "kind", "occurredAt", "recordedAt", "environment", "bundleId", "productId", "type", "transactionId",
        "originalTransactionId", "webOrderLineItemId", "quantity", "amountMilliunits", "currency", "amount",
        "storefront", "offerType", "refundPercentage",
    ]

    /// What goes before the first row.
    var prologue: [UInt8] {
        switch self {
        case .csv(let byteOrderMark):
            (byteOrderMark ? [0xEF, 0xBB, 0xBF] : []) + Array((Self.columns.joined(separator: ",") + "\r\n").utf8)
        case .ndjson: []
        }
    }

    /// Appends a row with its end of line.
    package func append(_ record: PaidRecord, to bytes: inout [UInt8]) {
        switch self {
        case .csv:
            var line = CSVLine(bytes: bytes)
            bytes = []
            record.write(to: &line)
            bytes = line.finish()
        case .ndjson:
            var line = NDJSONLine(bytes: bytes)
            bytes = []
            record.write(to: &line)
            bytes = line.finish()
        }
    }
}

/// One row that is being written, cell by cell in the order of ``PaidRecordsFormat/columns``.
///
/// Noncopyable, since it holds all rows of a portion: a second owner would mean a copy of all of them for each row.
protocol RecordLine: ~Copyable {
    /// Text from Apple, or none.
    mutating func text(_ value: String?)
    /// A whole number, or none.
    mutating func number(_ value: Int64?)
    /// An amount in units of its currency, or none; exact text in every format.
    mutating func decimal(_ value: Money?)
    /// An instant.
    mutating func instant(_ value: Instant)
}

extension PaidRecord {
    fileprivate func write<Line: RecordLine & ~Copyable>(to line: inout Line) {
        line.text(rowID)
        line.text(kind.rawValue)
        line.instant(occurredAt)
        line.instant(recordedAt)
        line.text(environment.rawValue)
        line.text(bundleID)
        line.text(productID)
        line.text(type)
        line.text(transactionID)
        line.text(originalTransactionID)
        line.text(webOrderLineItemID)
        line.number(quantity)
        line.number(amountMilliunits)
        line.text(currency)
        line.decimal(money)
        line.text(storefront)
        line.number(offerType)
        line.number(refundPercentage)
    }
}
