/// Writes one of Apple's Summary Sales Reports, version 1_0: tab-separated, a line of names, absent texts a blank.
struct SalesReportText {
    /// The SKU of the app, which its In-App Purchases name as their parent.
    static let appSKU = "SIMULATOR"

    /// What lines are summed up by.
    struct Key: Hashable, Comparable {
        var productID: String
        var type: String
        var country: String
        var currency: String
        /// Thousandths of the currency's unit, for one unit; negative for a refund.
        var price: Int64
        /// A refund of nothing is not a sale of nothing.
        var isRefund = false

        static func < (left: Self, right: Self) -> Bool {
            (left.productID, left.country, left.currency, left.type, left.isRefund ? 1 : 0, left.price)
                < (right.productID, right.country, right.currency, right.type, right.isRefund ? 1 : 0, right.price)
        }
    }

    private static let names = [
        "Provider", "Provider Country", "SKU", "Developer", "Title", "Version", "Product Type Identifier", "Units",
        "Developer Proceeds", "Begin Date", "End Date", "Customer Currency", "Country Code", "Currency of Proceeds",
        "Apple Identifier", "Customer Price", "Promo Code", "Parent Identifier", "Subscription", "Period", "Category",
        "CMB", "Device", "Supported Platforms", "Proceeds Reason", "Preserved Pricing", "Client", "Order Type",
    ]

    let beginDate: String
    let endDate: String
    private var units: [Key: Int64] = [:]

    init(beginDate: String, endDate: String) {
        self.beginDate = beginDate
        self.endDate = endDate
    }

    /// Adds units, negative for refunds, that cost `total` thousandths together; the sum of the lines is exact.
    mutating func add(_ quantity: Int64, total: Int64, _ key: Key) {
        let isRefund = quantity < 0
        let count = Int64(max(1, quantity.magnitude))
        var parts = [(count, total / count)]
        if total % count != 0 { parts = [(1, total), (count - 1, 0)] }
        for (part, price) in parts where part > 0 {
            var key = key
            (key.price, key.isRefund) = (isRefund ? -price : price, isRefund)
            units[key, default: 0] += isRefund ? -part : part
        }
    }

    /// The whole file; the app's own line makes sure that every day has one.
    var bytes: [UInt8] {
        var text = Self.names.joined(separator: "\t") + "\n"
        text += line(
            sku: Self.appSKU, type: "1F", units: 1, price: 0, currency: "USD", country: "US", parent: " ")
        for (key, count) in units.sorted(by: { $0.key < $1.key }) where count != 0 {
            text += line(
                sku: key.productID, type: key.type, units: count, price: key.price, currency: key.currency,
                country: key.country, parent: Self.appSKU)
        }
        return Array(text.utf8)
    }

    private func line(
        sku: String, type: String, units: Int64, price: Int64, currency: String, country: String, parent: String
    ) -> String {
        // Apple keeps a part: 15 % here, whatever the contract.
        let proceeds = Self.decimal((price < 0 ? -price : price) * 85 / 100)
        return [
            "APPLE", "US", sku, "Simulated Developer", sku, "1.0", type, String(units), proceeds, beginDate, endDate,
            currency, country, currency, "1234567890", Self.decimal(price), " ", parent, " ", " ", "Utilities", " ",
            "iPhone", "iOS", " ", " ", " ", " ",
        ].joined(separator: "\t") + "\n"
    }

    /// `4.99`, `300.00`, `-1.250`.
    private static func decimal(_ thousandths: Int64) -> String {
        let (whole, rest) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1_000)
        var fraction = String(String(1_000 + rest).dropFirst())
        if fraction.hasSuffix("0") { fraction.removeLast() }
        return (thousandths < 0 ? "-" : "") + "\(whole).\(fraction)"
    }
}
