import PurchaseCore

/// Finds rows that add up to a number.
enum RowSelection {
    /// The most steps of one search: a search that would take longer finds nothing.
    static let stepsMax = 20_000
    /// The most different figures that are searched; each is a level of the search.
    static let figuresMax = 64

    /// Indexes into `figures` whose sum is `target`, none of them twice, earlier ones rather than later ones; `nil` when
    /// there are none, or none were found within ``stepsMax``.
    ///
    /// Rows with the same figure are interchangeable, so what is searched are numbers of rows of each figure. Units must
    /// not be negative.
    static func indexes(of figures: [SalesFigure], addingUpTo target: SalesFigure) -> [Int]? {
        guard target != .zero, target.units >= 0 else { return nil }
        var places: [SalesFigure: [Int]] = [:]
        var classes: [SalesFigure] = []
        for (index, figure) in figures.enumerated() where figure != .zero {
            if places[figure] == nil {
                guard classes.count < figuresMax else { continue }
                classes.append(figure)
            }
            places[figure, default: []].append(index)
        }
        var search = Search(classes: classes.map { ($0, Int64(places[$0]?.count ?? 0)) })
        guard let counts = search.counts(from: 0, target) else { return nil }
        return zip(classes, counts).flatMap { figure, count in (places[figure] ?? []).prefix(Int(count)) }.sorted()
    }

    private struct Search {
        let classes: [(figure: SalesFigure, count: Int64)]
        var steps = 0

        init(classes: [(figure: SalesFigure, count: Int64)]) { self.classes = classes }

        /// How many of each figure from one on add up to the target, the most of the earliest figures.
        mutating func counts(from index: Int, _ target: SalesFigure) -> [Int64]? {
            steps += 1
            guard steps <= RowSelection.stepsMax else { return nil }
            if target == .zero { return [Int64](repeating: 0, count: classes.count - index) }
            guard index < classes.count else { return nil }
            let (figure, available) = classes[index]
            var most = figure.units > 0 ? min(available, target.units / figure.units) : available
            // A single kind is left: only one number can do.
            if index == classes.count - 1, figure.units > 0 {
                guard target.units % figure.units == 0, most == target.units / figure.units else { return nil }
            }
            while most >= 0 {
                let taken = figure.milliunits.multipliedReportingOverflow(by: most)
                if !taken.overflow, taken.partialValue.magnitude <= SalesFigure.sumMax {
                    let rest = target - SalesFigure(units: figure.units * most, milliunits: taken.partialValue)
                    if rest.milliunits.magnitude <= SalesFigure.sumMax,
                        let others = counts(from: index + 1, rest)
                    {
                        return [most] + others
                    }
                }
                guard steps <= RowSelection.stepsMax else { return nil }
                most -= 1
            }
            return nil
        }
    }
}
