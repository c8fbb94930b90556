import PurchaseCore

/// Rows that Apple counts in another period than the ledger does.
extension TieOut {
    /// Rows on their way over one border of two days.
    private struct Move {
        let from: SalesCell?
        let to: SalesCell?
        let rows: [Int]
        let figure: SalesFigure
    }

    private enum Direction: CaseIterable {
        case later
        case earlier
    }

    // MARK: The edges of days

    /// Pairs up what is missing on one day with what is too much on the next one, over rows near midnight.
    ///
    /// What leaves a day can arrive on one that loses something itself, so a whole chain of days is followed, until
    /// nothing is left over, or else to where it last arrived on a day that has that much too much. With `outside`, rows
    /// may also come from days that no report covers, or go there.
    mutating func explainEdges(outside: Bool) {
        for place in Set(residuals.keys.map(\.place)).sorted() {
            for direction in Direction.allCases {
                let entries = calendar.entries.indices
                for index in direction == .later ? Array(entries) : entries.reversed() {
                    guard let moves = chain(from: index, at: place, direction, outside: outside) else { continue }
                    for move in moves { carryOut(move) }
                }
            }
        }
    }

    private func cell(_ index: Int, _ place: SalesPlace) -> SalesCell {
        SalesCell(period: calendar.entries[index].period, place: place)
    }

    private func chain(
        from start: Int, at place: SalesPlace, _ direction: Direction, outside: Bool
    ) -> [Move]? {
        var carry = residuals[cell(start, place)] ?? .zero
        var index = start
        var moves: [Move] = []
        // The moves up to where the chain could have ended with something left over that has another reason.
        var sure: [Move]?
        while carry != .zero {
            let neighbour: Int? =
                switch direction {
                case .later: calendar.isFollowed(index) ? index + 1 : nil
                case .earlier: index > 0 && calendar.isFollowed(index - 1) ? index - 1 : nil
                }
            guard neighbour != nil || outside, carry.isDeficit || carry.isSurplus,
                let rows = rowsAtBorder(of: index, direction, leaving: carry.isDeficit, at: place, adding: carry)
            else { return sure }
            let here = cell(index, place)
            let there = neighbour.map { cell($0, place) }
            let figure = carry.isDeficit ? -carry : carry
            moves.append(
                carry.isDeficit
                    ? Move(from: here, to: there, rows: rows, figure: figure)
                    : Move(from: there, to: here, rows: rows, figure: figure))
            guard let neighbour else { return moves }
            let met = residuals[cell(neighbour, place)] ?? .zero
            if carry.isDeficit ? met.covers(-carry) : (-met).covers(carry) { sure = moves }
            // Over days that agree, regular sales near midnight would carry any difference to the end of the reports.
            if outside, met == .zero { return sure }
            carry = met + carry
            index = neighbour
        }
        return moves.isEmpty ? nil : moves
    }

    /// Rows near the border of a period and the one in a direction that add up to what has to go over it.
    private func rowsAtBorder(
        of index: Int, _ direction: Direction, leaving: Bool, at place: SalesPlace, adding carry: SalesFigure
    ) -> [Int]? {
        let entry = calendar.entries[index]
        let border = direction == .later ? entry.to : entry.from
        // What leaves lies on this side of the border, what arrives on the other one.
        let isBefore = (direction == .later) == leaving
        let key = RowKey(place: place, origin: nil)
        let near =
            isBefore
            ? rows(of: key, from: border - Self.edge, to: border).reversed()
            : rows(of: key, from: border, to: border + Self.edge)
        return select(Array(near), addingUpTo: leaving ? -carry : carry)
    }

    private mutating func carryOut(_ move: Move) {
        if let from = move.from {
            settle(
                from, -move.figure, .dayEdge, counterpart: move.to.map { .period($0.period) } ?? .outside,
                using: move.rows)
            if let to = move.to { change(to, by: -move.figure) }
        } else if let to = move.to {
            settle(to, move.figure, .dayEdge, counterpart: .outside, using: move.rows)
        }
    }

    // MARK: Late refunds

    /// Pairs up a refund that Apple doesn't have yet with one too many some days later.
    mutating func explainLateRefunds() {
        for late in residuals.keys.sorted() where late.place.side == .refund {
            guard let lateIndex = calendar.index(of: late.period) else { continue }
            for index in calendar.entries.indices.prefix(lateIndex).reversed() {
                guard let surplus = residuals[late], surplus.isSurplus else { break }
                let early = cell(index, late.place)
                guard let deficit = residuals[early], deficit.isDeficit else { continue }
                let target = surplus.covers(-deficit) ? -deficit : surplus
                let since = calendar.entries[lateIndex].from - Self.lateRefund
                guard (-deficit).covers(target),
                    let entry = entry(of: early.period),
                    let chosen = select(
                        rows(
                            of: RowKey(place: early.place, origin: .refund), from: max(entry.from, since), to: entry.to),
                        addingUpTo: target)
                else { continue }
                settle(early, -target, .lateRefund, counterpart: .period(late.period), using: chosen)
                change(late, by: -target)
            }
        }
    }

    /// The same where one of the two days is none that the reports cover.
    mutating func explainRefundsCountedOutside() {
        for cell in residuals.keys.sorted() where cell.place.side == .refund {
            guard let residual = residuals[cell], let entry = entry(of: cell.period) else { continue }
            let key = RowKey(place: cell.place, origin: .refund)
            if residual.isSurplus {
                let earlier = rows(of: key, from: entry.from - Self.lateRefund, to: entry.from)
                    .filter { calendar.index(holding: rows[$0].occurredAt) == nil }
                guard let chosen = select(earlier.reversed(), addingUpTo: residual) else { continue }
                settle(cell, residual, .lateRefund, counterpart: .outside, using: chosen)
            } else if residual.isDeficit {
                let candidates = rows(of: key, in: cell.period).filter {
                    mayBeCountedOutside(after: rows[$0].occurredAt)
                }
                guard let chosen = select(candidates.reversed(), addingUpTo: -residual) else { continue }
                settle(cell, residual, .lateRefund, counterpart: .outside, using: chosen)
            }
        }
    }

    /// Whether a day that no report covers begins within ``lateRefund`` after an instant.
    private func mayBeCountedOutside(after instant: Instant) -> Bool {
        guard let index = calendar.index(holding: instant) else { return false }
        let firstGap = calendar.entries.indices[index...].first { !calendar.isFollowed($0) }
        return firstGap.map { calendar.entries[$0].to <= instant + Self.lateRefund } ?? false
    }
}
