import PurchaseCore
import Testing

@testable import PurchaseService

/// A report as Apple writes it, line by line.
struct SalesReportSample {
    static let names = [
        "Provider", "Provider Country", "SKU", "Developer", "Title", "Version", "Product Type Identifier", "Units",
        "Developer Proceeds", "Begin Date", "End Date", "Customer Currency", "Country Code", "Currency of Proceeds",
        "Apple Identifier", "Customer Price", "Promo Code", "Parent Identifier", "Subscription", "Period", "Category",
        "CMB", "Device", "Supported Platforms", "Proceeds Reason", "Preserved Pricing", "Client", "Order Type",
    ]

    /// One line; what is not said is usual.
    struct Line {
        var day = "11/20/2026"
        var lastDay: String?
        var sku = "coins"
        var type = "IA1"
        var units = "1"
        var price = "4.99"
        var currency = "USD"
        var country = "US"
        var app = "MYAPP"

        /// The cells by the names of their columns.
        var cells: [String: String] {
            [
                "Provider": "APPLE", "Provider Country": "US", "SKU": sku, "Developer": "Somebody", "Title": sku,
                "Version": " ", "Product Type Identifier": type, "Units": units, "Developer Proceeds": "3.49",
                "Begin Date": day, "End Date": lastDay ?? day, "Customer Currency": currency, "Country Code": country,
                "Currency of Proceeds": currency, "Apple Identifier": "1234567890", "Customer Price": price,
                "Promo Code": " ", "Parent Identifier": app, "Category": "Games", "Device": "iPhone",
            ]
        }

        init(_ change: (inout Line) -> Void = { _ in }) { change(&self) }
    }

    static func text(_ lines: [Line], names: [String] = names, end: String = "\n") -> String {
        ([names] + lines.map { line in names.map { line.cells[$0] ?? " " } })
            .map { $0.joined(separator: "\t") + end }.joined()
    }

    /// What a report says when it is read in pieces of so many bytes.
    static func read(
        _ text: String, pieceBytes: Int = .max, file: String = "report", into reports: SalesReports = SalesReports()
    ) throws -> SalesReports {
        var reports = reports
        var reader = SalesReportReader(file: file)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(pieceBytes)
            rest = rest[piece.endIndex...]
            try reader.read(piece, into: &reports)
        }
        try reader.finish(into: &reports)
        return reports
    }
}

/// `2026-11-20 coins USA USD sale: 3 units, 14970`, sorted.
func described(_ figures: [SalesCell: SalesFigure]) -> [String] {
    figures.sorted { $0.key < $1.key }.map { cell, figure in
        let place = cell.place
        return "\(cell.period) \(place.productID ?? "-") \(place.storefront ?? "-") \(place.currency ?? "-") "
            + "\(place.side.rawValue): \(figure.units) units, \(figure.milliunits)"
    }
}
