import PurchaseCore
import Yams

/// The products of a catalogue as a text: the form that files have, and that the database keeps as JSON.
struct CatalogueDocument: Sendable {
    /// What is sold.
    let products: [ProductID: Catalogue.Product]

    /// Takes products as ``CatalogueReader`` reads them.
    init(products: [ProductID: Catalogue.Product]) { self.products = products }

    /// Reads a catalogue file: a mapping with `products` and nothing else, YAML or JSON; all faults at once, by path.
    ///
    /// `name` stands for the file as a whole in faults.
    init(yaml text: String, name: String) throws(SettingsFaults) {
        let file: SettingsFile
        do throws(SettingsFaults) {
            file = try SettingsFile(yaml: text)
        } catch {
            throw SettingsFaults(
                error.faults.map { SettingsFault(name: name, problem: $0.problem, fix: $0.fix) })
        }
        var reader = CatalogueReader()
        reader.read(file)
        var faults = file.faults + reader.faults
        faults += file.values.keys.map {
            SettingsFault(
                name: $0.rawValue, problem: "a setting, which is no part of a catalogue",
                fix: "keep it in the file of --config")
        }
        if file.products == nil, !faults.contains(where: { $0.name == "products" }) {
            faults.append(
                SettingsFault(
                    name: "products", problem: "required, and not there",
                    fix: "write `products: {}` for a catalogue that lists nothing"))
        }
        guard faults.isEmpty else { throw SettingsFaults(faults) }
        products = reader.products
    }

    /// Reads what ``json`` wrote, in this version or another.
    init(stored json: String) throws(SettingsFaults) {
        // JSON is YAML, so what is stored is read by the same rules as what is imported.
        try self.init(yaml: "{\"products\": \(json)}", name: "the database's catalogue")
    }

    /// For the database: one JSON object, product id and below it the fields.
    var json: String {
        CanonicalJSON.object(
            Dictionary(
                uniqueKeysWithValues: products.map { id, product in
                    (
                        id.rawValue,
                        .object(
                            Dictionary(uniqueKeysWithValues: Self.fields(product).map { ($0.field.rawValue, $0.value) })
                        )
                    )
                })
        ).text
    }

    /// For people: what `products import` takes, sorted by product id.
    var yaml: String {
        guard !products.isEmpty else { return "products: {}\n" }
        var lines = ["products:"]
        for (id, product) in products.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            lines.append("  \(Self.scalar(id.rawValue)):")
            for (field, value) in Self.fields(product) { lines.append("    \(field.rawValue): \(Self.flow(value))") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Whether both mean the same; the order of entitlements doesn't count.
    func isSame(as other: CatalogueDocument) -> Bool {
        func ordered(_ products: [ProductID: Catalogue.Product]) -> [ProductID: Catalogue.Product] {
            products.mapValues { product in
                var product = product
                product.entitlements.sort()
                return product
            }
        }
        return ordered(products) == ordered(other.products)
    }

    /// A product's fields as they are written, without those that its kind can't have.
    static func fields(_ product: Catalogue.Product) -> [(field: CatalogueReader.Field, value: CanonicalJSON)] {
        let kind = CatalogueReader.Kind(product.kind)
        var fields: [(CatalogueReader.Field, CanonicalJSON)] = [
            (.kind, .string(kind?.rawValue ?? product.kind.appleValue))
        ]
        if kind == .consumable {
            fields.append((.units, .integer(product.units)))
        } else {
            fields.append((.entitlements, .array(product.entitlements.map { .string($0) })))
        }
        if let duration = product.duration { fields.append((.duration, .string(duration.iso8601))) }
        return fields + [
            (.familySharing, .boolean(product.familySharing)),
            (.settlementHold, .string(product.settlementHold.iso8601)),
            (.onProratedRefund, .string(product.onProratedRefund.rawValue)),
        ]
    }

    /// A value on one line, readable where it can be without quotes.
    static func flow(_ value: CanonicalJSON) -> String {
        switch value {
        case .string(let text): scalar(text)
        case .array(let elements): "[" + elements.map(flow).joined(separator: ", ") + "]"
        case .object, .integer, .boolean, .null: value.text
        }
    }

    /// A text as a YAML scalar; words that YAML reads as something else are quoted.
    private static func scalar(_ text: String) -> String {
        let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        let isPlain =
            text.utf8.first.map { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 } ?? false
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains($0))
            }
        return isPlain && !words.contains(text.lowercased()) ? text : CanonicalJSON.string(text).text
    }
}

extension CalendarDuration {
    /// The duration as catalogues state it, in whole seconds, so that it reads back as the same: `P1M`, `P1Y2M3DT4H`, `P2W`.
    var iso8601: String {
        // A count has at most six digits there; larger ones, which only odd units reach, go on in the next unit.
        let countMax: Int64 = 999_999
        let seconds = span.milliseconds / 1_000
        let week: Int64 = 604_800
        if months == 0, seconds > 0, seconds.isMultiple(of: week) { return "P\(seconds / week)W" }
        let years = min(months / 12, countMax)
        let days = min(seconds / 86_400, countMax)
        let rest = seconds - days * 86_400
        func part(_ count: Int64, _ designator: String) -> String { count == 0 ? "" : "\(count)\(designator)" }
        let date = part(years, "Y") + part(months - years * 12, "M") + part(days, "D")
        let time = part(rest / 3_600, "H") + part(rest % 3_600 / 60, "M") + part(rest % 60, "S")
        if date.isEmpty, time.isEmpty { return "PT0S" }
        return "P" + date + (time.isEmpty ? "" : "T" + time)
    }
}
