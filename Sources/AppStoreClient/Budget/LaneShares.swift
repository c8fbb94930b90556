package import PurchaseService

/// Which lane gets the next token: interactive, then retry, then sweep; the other lanes' guaranteed shares first.
///
/// A lane with a share earns it, in hundredths of a token, for each token that is handed out while it and another
/// lane wait; with a hundred it is next. So nobody starves, and `unproven`, which is served *only* out of its share
/// while others wait, can never take more than a fifth from them.
package struct LaneShares: Sendable, Equatable {
    private var unproven = 0
    private var retry = 0
    private var sweep = 0

    /// Starts with no claims.
    package init() {}

    /// The share of each lane while several wait, in hundredths; interactive takes what is left, 65 or more.
    package static func share(of lane: RequestLane) -> Int {
        switch lane {
        case .interactive: 0
        case .unproven: 20
        case .retry: 10
        case .sweep: 5
        }
    }

    /// Picks the lane for one token among those that wait; `nil` if none does.
    package mutating func next(waiting: Set<RequestLane>) -> RequestLane? {
        // Alone in the queue: no contention, no claims earned or spent.
        guard waiting.count > 1 else { return waiting.first }
        for lane in waiting {
            // Two tokens' worth is the most that can pile up, when several lanes come due together.
            self[lane] = min(self[lane] + Self.share(of: lane), 200)
        }
        for lane in [RequestLane.unproven, .retry, .sweep] where waiting.contains(lane) && self[lane] >= 100 {
            self[lane] -= 100
            return lane
        }
        return [RequestLane.interactive, .retry, .sweep].first(where: waiting.contains)
    }

    private subscript(lane: RequestLane) -> Int {
        get {
            switch lane {
            case .interactive: 0
            case .unproven: unproven
            case .retry: retry
            case .sweep: sweep
            }
        }
        set {
            switch lane {
            case .interactive: break
            case .unproven: unproven = newValue
            case .retry: retry = newValue
            case .sweep: sweep = newValue
            }
        }
    }
}
