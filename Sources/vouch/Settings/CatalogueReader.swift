import PurchaseCore
import Yams

/// Reads the `products` section of the file into a catalogue, and collects what is wrong with it.
struct CatalogueReader {
    /// The most units that one piece of a consumable can deliver: times any quantity, it stays far from overflow.
    static let unitsMax: Int64 = 1_000_000_000_000
    /// The longest hold before a purchase counts as paid.
    static let settlementHoldMax = Span.days(30)
    /// The most entitlements of one product.
    static let entitlementsMax = 100

    /// What could be read.
    private(set) var products: [ProductID: Catalogue.Product] = [:]
    /// What is wrong.
    private(set) var faults: [SettingsFault] = []

    /// The fields of a product.
    enum Field: String, CaseIterable {
        case kind, entitlements, units, duration, familySharing, settlementHold, onProratedRefund
    }

    /// The kinds as they are written here; Apple's own spelling has spaces.
    enum Kind: String, CaseIterable {
        case consumable
        case nonConsumable = "non_consumable"
        case autoRenewable = "auto_renewable"
        case nonRenewing = "non_renewing"

        var type: ProductType {
            switch self {
            case .consumable: .consumable
            case .nonConsumable: .nonConsumable
            case .autoRenewable: .autoRenewable
            case .nonRenewing: .nonRenewing
            }
        }

        /// The kind of a product that was read from a catalogue; `nil` for a type that no catalogue can name.
        init?(_ type: ProductType) {
            guard let kind = Self.allCases.first(where: { $0.type == type }) else { return nil }
            self = kind
        }
    }

    /// Reads every product of the file.
    mutating func read(_ file: SettingsFile) {
        guard let section = file.products else { return }
        for (key, value) in section {
            guard let id = key.string, Self.isProductID(id) else {
                fault(
                    key.string ?? "?", nil, "no product id", "use the product id of App Store Connect, without spaces")
                continue
            }
            guard let fields = value.mapping else {
                fault(id, nil, "not a mapping", "write its fields below it, at least `kind`")
                continue
            }
            read(id, fields)
        }
    }

    private mutating func read(_ id: String, _ mapping: Node.Mapping) {
        var fields: [Field: Node] = [:]
        for (key, value) in mapping {
            guard let field = key.string.flatMap(Field.init(rawValue:)) else {
                let known = Field.allCases.map(\.rawValue).joined(separator: ", ")
                fault(id, key.string ?? "?", "not a field of a product", "use \(known)")
                continue
            }
            if !SettingsFile.isNull(value) { fields[field] = value }
        }
        guard let kind = kind(id, fields) else { return }
        let product = Catalogue.Product(
            kind: kind.type, entitlements: entitlements(id, fields, kind), units: units(id, fields, kind),
            duration: duration(id, fields, kind), familySharing: familySharing(id, fields),
            settlementHold: settlementHold(id, fields), onProratedRefund: onProratedRefund(id, fields))
        products[ProductID(id)] = product
    }

    private mutating func kind(_ id: String, _ fields: [Field: Node]) -> Kind? {
        let fix = "use \(Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        guard let node = fields[.kind] else {
            fault(id, Field.kind.rawValue, "required, and not there", fix)
            return nil
        }
        guard let kind = node.scalar.flatMap({ Kind(rawValue: $0.string) }) else {
            fault(id, Field.kind.rawValue, "\(Self.shown(node)) is no kind", fix)
            return nil
        }
        return kind
    }

    private mutating func entitlements(_ id: String, _ fields: [Field: Node], _ kind: Kind) -> [String] {
        guard let node = fields[.entitlements] else { return kind == .consumable ? [] : [id] }
        guard kind != .consumable else {
            fault(
                id, Field.entitlements.rawValue, "a consumable is delivered as grants and entitles to nothing",
                "remove it")
            return []
        }
        let entries: [String?]
        if let text = node.scalar?.string {
            entries = text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
        } else {
            entries = node.sequence?.map { $0.scalar?.string } ?? [nil]
        }
        var keys: [String] = []
        for entry in entries {
            guard let entry, Self.isKey(entry) else {
                fault(
                    id, Field.entitlements.rawValue, "an entry is no key",
                    "use a list of 1 to 255 letters, digits and signs")
                continue
            }
            if keys.contains(entry) {
                fault(id, Field.entitlements.rawValue, "\(Printable.quote(entry)) stands there twice", "keep one")
            } else {
                keys.append(entry)
            }
        }
        if keys.count > Self.entitlementsMax {
            fault(id, Field.entitlements.rawValue, "more than \(Self.entitlementsMax) keys", "use fewer")
        }
        return keys
    }

    private mutating func units(_ id: String, _ fields: [Field: Node], _ kind: Kind) -> Int64 {
        guard let node = fields[.units] else { return 1 }
        guard kind == .consumable else {
            fault(id, Field.units.rawValue, "only consumables are delivered in units", "remove it")
            return 1
        }
        let text = node.scalar?.string ?? ""
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let units = Int64(text),
            (1...Self.unitsMax).contains(units)
        else {
            fault(
                id, Field.units.rawValue, "\(Self.shown(node)) is no whole number from 1 to \(Self.unitsMax)", "use one"
            )
            return 1
        }
        return units
    }

    private mutating func duration(_ id: String, _ fields: [Field: Node], _ kind: Kind) -> CalendarDuration? {
        guard let node = fields[.duration] else { return nil }
        guard kind == .nonRenewing else {
            fault(id, Field.duration.rawValue, "only a non_renewing product has a length of its own", "remove it")
            return nil
        }
        guard let duration = node.scalar.flatMap({ CalendarDuration(iso8601: $0.string) }),
            duration.months > 0 || duration.span > .zero
        else {
            fault(
                id, Field.duration.rawValue, "\(Self.shown(node)) is no ISO 8601 duration",
                "use one, such as P30D or P1M")
            return nil
        }
        return duration
    }

    private mutating func familySharing(_ id: String, _ fields: [Field: Node]) -> Bool {
        guard let node = fields[.familySharing] else { return true }
        switch node.scalar?.string {
        case "true": return true
        case "false": return false
        case .some, .none:
            fault(
                id, Field.familySharing.rawValue, "\(Self.shown(node)) is neither true nor false", "use true or false")
            return true
        }
    }

    private mutating func settlementHold(_ id: String, _ fields: [Field: Node]) -> Span {
        guard let node = fields[.settlementHold] else { return .zero }
        let hold = node.scalar.flatMap { CalendarDuration(iso8601: $0.string)?.fixedSpan }
        guard let hold, hold <= Self.settlementHoldMax else {
            fault(
                id, Field.settlementHold.rawValue, "\(Self.shown(node)) is no ISO 8601 duration up to P30D",
                "use one, such as PT1H; PT0S does not hold")
            return .zero
        }
        return hold
    }

    private mutating func onProratedRefund(_ id: String, _ fields: [Field: Node]) -> Catalogue.Product.ProratedRefund {
        guard let node = fields[.onProratedRefund] else { return .revoke }
        if let rule = node.scalar.flatMap({ Catalogue.Product.ProratedRefund(rawValue: $0.string) }) { return rule }
        fault(
            id, Field.onProratedRefund.rawValue, "\(Self.shown(node)) is neither revoke nor keep", "use revoke or keep")
        return .revoke
    }

    private mutating func fault(_ product: String, _ field: String?, _ problem: String, _ fix: String) {
        let path = ["products", product] + (field.map { [$0] } ?? [])
        faults.append(
            SettingsFault(
                name: path.map { Printable.escape($0, scalarsMax: 100) }.joined(separator: "."), problem: problem,
                fix: fix))
    }

    private static func shown(_ node: Node) -> String {
        node.scalar.map { Printable.quote($0.string, scalarsMax: 60) } ?? "a list or a mapping"
    }

    /// Visible ASCII without spaces: Apple allows letters, digits, dots, underscores and hyphens.
    private static func isProductID(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func isKey(_ text: String) -> Bool {
        (1...255).contains(text.unicodeScalars.count) && text == text.trimmed
            && text.unicodeScalars.allSatisfy(Printable.isPrintable)
    }
}
