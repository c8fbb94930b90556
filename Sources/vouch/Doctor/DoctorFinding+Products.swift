import Postgres
import PurchaseCore

extension DoctorFinding {
    /// How many products one finding names.
    static let productsMax = 20

    /// What the catalogue in force says about itself.
    static func products(_ inForce: DoctorDatabaseFacts.Answer<Catalogue>) -> [DoctorFinding] {
        switch inForce {
        case .notAsked(let why): return [.notLookedAt(.products, why)]
        case .refused(let error): return [.refused(.products, error)]
        case .given(let catalogue): return products(catalogue)
        }
    }

    private static func products(_ catalogue: Catalogue) -> [DoctorFinding] {
        if catalogue.products.isEmpty {
            switch catalogue.unknownProducts {
            case .lenient: return [.ok(.products, "no catalogue: every product entitles to its own id")]
            case .strict:
                return [
                    .fault(
                        .products, "the catalogue is strict and empty: nobody is entitled by any purchase",
                        fix: "import a catalogue (vouch products import), or set VOUCH_CATALOGUE to lenient")
                ]
            }
        }
        let endless = catalogue.products.filter { $0.value.kind == .nonRenewing && $0.value.duration == nil }
        guard !endless.isEmpty else {
            return [.ok(.products, "\(catalogue.products.count) in the catalogue")]
        }
        return [
            .warning(
                .products,
                "non-renewing subscriptions without a duration, which entitle until they are refunded: "
                    + list(endless.keys.map(\.rawValue).sorted()),
                fix: "give each a duration in the catalogue, such as P30D; Apple's data has no end date for them")
        ]
    }

    /// Products that were bought and that the catalogue lacks.
    ///
    /// `seen` is sorted, and has one more than are named if there are more; it is not asked for without a catalogue.
    static func unknownProducts(
        _ catalogue: Catalogue, seen: DoctorDatabaseFacts.Answer<[String]>
    ) -> DoctorFinding {
        let check = DoctorCheck.unknownProducts
        switch seen {
        case .notAsked(let why): return .notLookedAt(check, why)
        case .refused(let error) where error.code == .deadlineExceeded:
            return .unknown(
                check, "there are too many transactions to look through in time",
                fix: "compare the catalogue with App Store Connect")
        case .refused(let error): return .refused(check, error)
        case .given(let products) where products.isEmpty:
            return .ok(check, "every product that was bought is in the catalogue")
        case .given(let products):
            switch catalogue.unknownProducts {
            case .lenient:
                guard !catalogue.products.isEmpty else {
                    return .ok(check, "no catalogue to compare with: \(list(products))")
                }
                return .warning(
                    check, "bought, and not in the catalogue, so each entitles to its own id: \(list(products))",
                    fix: "add them to the catalogue, or set VOUCH_CATALOGUE to strict if they must not entitle")
            case .strict:
                return .fault(
                    check, "bought, and not in the strict catalogue, so they entitle nobody: \(list(products))",
                    fix: "add them to the catalogue, or set VOUCH_CATALOGUE to lenient")
            }
        }
    }

    private static func list(_ products: [String]) -> String {
        let shown = products.prefix(productsMax).map { Printable.escape($0, scalarsMax: 80) }.joined(separator: ", ")
        return products.count > productsMax ? shown + " and others" : shown
    }
}
