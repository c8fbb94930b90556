/// The calls that the simulated App Store received: an exact count, and the newest ones in full.
struct CallLog: Sendable {
    static let entriesMax = 10_000
    /// How many different ids are counted one by one; calls about further ids count in the totals alone.
    static let countedIDsMax = 1_000_000

    struct Entry: Sendable {
        let number: Int
        let method: String
        let path: String
        let environment: SimulatedEnvironment
        let endpoint: StoreEndpointName
        let transactionID: String?
        /// Milliseconds since 1970 UTC.
        let at: Int64
        /// `nil` while the answer isn't decided.
        var status: Int?
        /// The fault that the call met, or why its token was refused.
        var note: String?
    }

    private struct Counted: Hashable, Sendable {
        let environment: SimulatedEnvironment
        let transactionID: String
    }

    private var ring: [Entry] = []
    private var firstInRing = 0
    private var total = 0
    private var totals: [SimulatedEnvironment: Int] = [:]
    private var counts: [Counted: Int] = [:]

    /// Writes down a call; its number.
    mutating func record(_ call: StoreCall, at now: Int64) -> Int {
        total += 1
        totals[call.environment, default: 0] += 1
        if let id = call.endpoint.transactionID {
            let counted = Counted(environment: call.environment, transactionID: id)
            if counts[counted] != nil || counts.count < Self.countedIDsMax { counts[counted, default: 0] += 1 }
        }
        let entry = Entry(
            number: total, method: call.method, path: String(call.path.prefix(512)), environment: call.environment,
            endpoint: call.endpoint.name, transactionID: call.endpoint.transactionID, at: now)
        if ring.count < Self.entriesMax {
            ring.append(entry)
        } else {
            ring[firstInRing] = entry
            firstInRing = (firstInRing + 1) % Self.entriesMax
        }
        return total
    }

    /// Adds how a call ended, if it is still in the list.
    mutating func finish(_ number: Int, status: Int?, note: String?) {
        guard let oldest = ring.isEmpty ? nil : ring[firstInRing].number, number >= oldest else { return }
        let index = (firstInRing + number - oldest) % ring.count
        guard ring[index].number == number else { return }
        ring[index].status = status
        ring[index].note = note
    }

    /// How many calls there were, since the start or the last ``removeAll()``.
    func count(transactionID: String?, environment: SimulatedEnvironment?) -> Int {
        switch (transactionID, environment) {
        case (nil, nil): total
        case (nil, let environment?): totals[environment, default: 0]
        case (let id?, let environment?):
            counts[Counted(environment: environment, transactionID: id), default: 0]
        case (let id?, nil):
            SimulatedEnvironment.allCases.reduce(0) {
                $0 + counts[Counted(environment: $1, transactionID: id), default: 0]
            }
        }
    }

    /// The newest calls in the order of their arrival, at most `limit`.
    func entries(transactionID: String?, environment: SimulatedEnvironment?, limit: Int) -> [Entry] {
        let ordered = ring[firstInRing...] + ring[..<firstInRing]
        let matching = ordered.filter { entry in
            (transactionID == nil || entry.transactionID == transactionID)
                && (environment == nil || entry.environment == environment)
        }
        return Array(matching.suffix(limit))
    }

    mutating func removeAll() {
        self = CallLog()
    }
}
