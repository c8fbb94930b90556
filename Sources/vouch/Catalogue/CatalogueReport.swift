import PurchaseCore

/// What `vouch products import` shows before it asks: the changes of the catalogue, and what follows from them.
enum CatalogueReport {
    /// The most products that are named one by one.
    static let productsMax = 200

    // MARK: The catalogue

    /// Which products come, go and change; a line for each, and one that counts them.
    static func changes(from old: CatalogueDocument, to new: CatalogueDocument) -> [String] {
        let ids = Set(old.products.keys).union(new.products.keys).sorted { $0.rawValue < $1.rawValue }
        var counts = (added: 0, removed: 0, changed: 0, same: 0)
        var lines: [String] = []
        for id in ids {
            let name = Printable.escape(id.rawValue)
            switch (old.products[id], new.products[id]) {
            case (nil, let product?):
                counts.added += 1
                lines.append("  + \(name): \(description(product))")
            case (_?, nil):
                counts.removed += 1
                lines.append("  - \(name)")
            case (let was?, let will?):
                let changes = changes(from: was, to: will)
                if changes.isEmpty { counts.same += 1 } else { counts.changed += 1 }
                if !changes.isEmpty { lines.append("  ~ \(name): \(changes.joined(separator: ", "))") }
            case (nil, nil): break
            }
        }
        let head =
            "Products: \(counts.added) added, \(counts.removed) removed, \(counts.changed) changed, "
            + "\(counts.same) as before"
        let more = lines.count - productsMax
        return [head] + lines.prefix(productsMax) + (more > 0 ? ["  … and \(more) more"] : [])
    }

    private static func description(_ product: Catalogue.Product) -> String {
        CatalogueDocument.fields(product).map { "\($0.field.rawValue) \(shown($0.value))" }.joined(separator: ", ")
    }

    private static func changes(from old: Catalogue.Product, to new: Catalogue.Product) -> [String] {
        func texts(_ product: Catalogue.Product) -> [CatalogueReader.Field: String] {
            var product = product
            product.entitlements.sort()
            let fields = CatalogueDocument.fields(product).map { ($0.field, shown($0.value)) }
            return Dictionary(uniqueKeysWithValues: fields)
        }
        let (was, will) = (texts(old), texts(new))
        return CatalogueReader.Field.allCases.compactMap { field in
            guard was[field] != will[field] else { return nil }
            return "\(field.rawValue) \(was[field] ?? "none") → \(will[field] ?? "none")"
        }
    }

    private static func shown(_ value: CanonicalJSON) -> String {
        Printable.escape(CatalogueDocument.flow(value), scalarsMax: 400)
    }

    // MARK: What follows

    /// Who would gain and lose what; with `names`, examples also say whose they are.
    static func effect(_ effect: PolicyEffect, names: [AccountNumber: AccountID]? = nil) -> [String] {
        let head =
            "Stored purchases: \(effect.decided) originals looked at, \(effect.changed) would change"
        guard !effect.isEmpty else { return ["", head, "Nobody gains or loses anything."] }
        var lines = ["", head]
        if !effect.rights.isEmpty { lines += [""] + rights(effect) }
        if !effect.deliveries.isEmpty { lines += [""] + deliveries(effect) }
        if effect.paid > 0 {
            lines += ["", "\(effect.paid) held back until now become paid: their settlement hold ends"]
        }
        let such = cases(of: effect).flatMap { name, cases in example(name, cases, names: names) }
        return such.isEmpty ? lines : lines + ["", "Such as:"] + such
    }

    /// Every example, in the order in which they are shown.
    static func examples(of effect: PolicyEffect) -> [PolicyEffect.Example] {
        cases(of: effect).flatMap(\.cases.examples)
    }

    private static func rights(_ effect: PolicyEffect) -> [String] {
        TextTable.lines(
            ["PRODUCT", "KEY", "GAIN", "LOSE", "LONGER", "SHORTER"],
            effect.rights.sorted { $0.key < $1.key }.map { right, rights in
                [
                    Printable.escape(right.productID.rawValue), Printable.escape(right.key),
                    String(rights.gained.count),
                    String(rights.lost.count), String(rights.lengthened.count), String(rights.shortened.count),
                ]
            })
    }

    private static func deliveries(_ effect: PolicyEffect) -> [String] {
        TextTable.lines(
            ["PRODUCT", "DELIVERIES", "UNITS", "TAKEN BACK"],
            effect.deliveries.sorted { $0.key.rawValue < $1.key.rawValue }.map { product, deliveries in
                [
                    Printable.escape(product.rawValue), String(deliveries.added.count), String(deliveries.units),
                    String(deliveries.takenBack.count),
                ]
            })
    }

    private static func cases(of effect: PolicyEffect) -> [(name: String, cases: PolicyEffect.Cases)] {
        var all: [(name: String, cases: PolicyEffect.Cases)] = []
        for (right, rights) in effect.rights.sorted(by: { $0.key < $1.key }) {
            let of = "\(Printable.escape(right.key)) by \(Printable.escape(right.productID.rawValue))"
            all += [
                ("gain \(of)", rights.gained), ("lose \(of)", rights.lost), ("keep \(of) longer", rights.lengthened),
                ("keep \(of) for a shorter time", rights.shortened),
            ]
        }
        for (product, deliveries) in effect.deliveries.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let of = Printable.escape(product.rawValue)
            all += [("delivery of \(of)", deliveries.added), ("taken back: \(of)", deliveries.takenBack)]
        }
        return all.filter { !$0.cases.examples.isEmpty }
    }

    private static func example(
        _ name: String, _ cases: PolicyEffect.Cases, names: [AccountNumber: AccountID]?
    ) -> [String] {
        let more = cases.count - Int64(cases.examples.count)
        let shown = cases.examples.map { example in
            guard let names else { return example.transactionID.rawValue }
            return "\(example.transactionID) (\(names[example.account]?.rawValue ?? "erased"))"
        }
        return ["  \(name): \(shown.joined(separator: ", "))" + (more > 0 ? " and \(more) more" : "")]
    }
}
