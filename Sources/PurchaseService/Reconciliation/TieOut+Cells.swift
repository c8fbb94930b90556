import PurchaseCore

/// Rows that Apple counts in the same period, and in another way.
extension TieOut {
    /// Looks for everything that can be explained without another day, the surest first.
    mutating func explainWithinCells() {
        for cell in residuals.keys.sorted() {
            explainUnits(in: cell)
            explainParts(in: cell)
            explainReversals(in: cell)
        }
        for cell in residuals.keys.sorted() {
            explainUnknownPrice(in: cell)
            explainUnknownStorefront(in: cell)
        }
        for cell in residuals.keys.sorted() {
            explainFamilyShares(in: cell)
            explainSandbox(in: cell)
        }
    }

    /// The same money for fewer units: units without a charge, or quantities that Apple counts once.
    private mutating func explainUnits(in cell: SalesCell) {
        // Without a currency nothing is known of the price, which is not the same as no charge.
        guard cell.place.currency != nil, let residual = residuals[cell], residual.milliunits == 0, residual.units < 0
        else { return }
        let candidates = rows(of: RowKey(place: cell.place, origin: nil), in: cell.period)
        let free = candidates.filter { rows[$0].figure.milliunits == 0 }
        if let chosen = select(free, addingUpTo: -residual) {
            return settle(cell, residual, .zeroPrice, using: chosen)
        }
        let several = candidates.filter { rows[$0].figure.units > 1 }
        let chosen = select(several, addingUpTo: -residual) { SalesFigure(units: $0.figure.units - 1, milliunits: 0) }
        guard let chosen else { return }
        settle(cell, residual, .quantity, using: chosen)
    }

    /// The same number of refunds for more money: Apple may show the whole price where a part was refunded.
    private mutating func explainParts(in cell: SalesCell) {
        guard let residual = residuals[cell], residual.units == 0, residual.milliunits > 0 else { return }
        let parts = rows(of: RowKey(place: cell.place, origin: .refund), in: cell.period)
            .filter { rows[$0].refundPercentage != nil }
        for chosen in parts.map({ [$0] }) + [parts] where !chosen.isEmpty {
            let (rest, tolerance) = chosen.reduce(into: (rest: Int64(0), tolerance: Int64(0))) { sums, index in
                let row = rows[index]
                let percentage = row.refundPercentage ?? 100_000
                let whole = row.figure.milliunits.multipliedReportingOverflow(by: 100_000)
                sums.rest += whole.overflow ? 0 : whole.partialValue / percentage - row.figure.milliunits
                // The part was rounded to a milliunit: the whole is known no better than that.
                sums.tolerance += 50_000 / percentage + 1
            }
            guard (rest - residual.milliunits).magnitude <= tolerance.magnitude else { continue }
            return settle(cell, residual, .refundInPart, using: chosen)
        }
    }

    private mutating func explainReversals(in cell: SalesCell) {
        guard let residual = residuals[cell], residual.isDeficit,
            let chosen = select(
                rows(of: RowKey(place: cell.place, origin: .reversal), in: cell.period), addingUpTo: -residual)
        else { return }
        settle(cell, residual, .refundReversed, using: chosen)
    }

    /// Units that the ledger has without a price, and Apple with one.
    private mutating func explainUnknownPrice(in cell: SalesCell) {
        guard cell.place.currency != nil, let residual = residuals[cell], residual.units > 0 else { return }
        var unpriced = cell
        unpriced.place.currency = nil
        let units = SalesFigure(units: residual.units, milliunits: 0)
        guard let missing = residuals[unpriced], (-missing).covers(units),
            let chosen = select(
                rows(of: RowKey(place: unpriced.place, origin: nil), in: cell.period), addingUpTo: units)
        else { return }
        settle(cell, residual, .priceUnknown, using: chosen)
        change(unpriced, by: units)
    }

    /// The same for rows without a storefront.
    private mutating func explainUnknownStorefront(in cell: SalesCell) {
        guard cell.place.storefront != nil, let residual = residuals[cell], residual.isSurplus else { return }
        var nowhere = cell
        nowhere.place.storefront = nil
        guard let missing = residuals[nowhere], (-missing).covers(residual),
            let chosen = select(
                rows(of: RowKey(place: nowhere.place, origin: nil), in: cell.period), addingUpTo: residual)
        else { return }
        settle(cell, residual, .storefrontUnknown, using: chosen)
        change(nowhere, by: residual)
    }

    /// Units without money: a family member's transaction costs nothing.
    private mutating func explainFamilyShares(in cell: SalesCell) {
        guard let residual = residuals[cell], residual.isSurplus, residual.milliunits == 0 else { return }
        var place = cell.place
        place.currency = nil
        guard
            let chosen = select(
                rows(of: RowKey(place: place, origin: .familyShare), in: cell.period), addingUpTo: residual)
        else { return }
        settle(cell, residual, .familyShare, using: chosen)
    }

    /// Units of the Sandbox and TestFlight, whatever price their transactions name.
    ///
    /// Testers are never charged: money that Apple has too much is never theirs.
    private mutating func explainSandbox(in cell: SalesCell) {
        guard let residual = residuals[cell], residual.isSurplus, residual.milliunits == 0 else { return }
        let candidates = rows(of: RowKey(place: cell.place, origin: .sandbox), in: cell.period)
        let chosen = select(candidates, addingUpTo: residual) {
            SalesFigure(units: $0.figure.units, milliunits: 0)
        }
        guard let chosen else { return }
        settle(cell, residual, .sandbox, using: chosen)
    }
}
