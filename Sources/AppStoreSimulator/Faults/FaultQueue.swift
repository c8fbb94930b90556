/// The faults in force, in the order in which they were injected.
///
/// A call meets the first one that matches it.
struct FaultQueue: Sendable {
    static let faultsMax = 10_000

    struct Entry: Sendable {
        let id: Int
        let fault: SimulatedFault
        var timesLeft: Int?
        var happenedCount = 0
    }

    private(set) var entries: [Entry] = []
    private var added = 0

    /// Adds a fault; its number.
    mutating func add(_ fault: SimulatedFault) throws(SimulatorError) -> Int {
        guard entries.count < Self.faultsMax else {
            throw .full("the simulator holds \(Self.faultsMax) faults already; remove some")
        }
        guard (0...SimulatedFault.delayMillisecondsMax).contains(fault.delayMilliseconds) else {
            throw .invalid("delayMilliseconds must be from 0 to \(SimulatedFault.delayMillisecondsMax)")
        }
        guard fault.times.map({ $0 > 0 }) ?? true else { throw .invalid("times must be positive or null") }
        guard (0...1).contains(fault.probability) else { throw .invalid("probability must be from 0 to 1") }
        added += 1
        entries.append(Entry(id: added, fault: fault, timesLeft: fault.times))
        return added
    }

    /// Removes a fault; whether there was one of this number.
    mutating func remove(_ id: Int) -> Bool {
        let before = entries.count
        entries.removeAll { $0.id == id }
        return entries.count < before
    }

    mutating func removeAll() {
        entries.removeAll()
    }

    /// The fault that a call meets; counted down.
    mutating func take(
        for call: StoreCall, happens: (Double) -> Bool
    ) -> SimulatedFault? {
        for index in entries.indices {
            let fault = entries[index].fault
            guard fault.transactionID == nil || fault.transactionID == call.endpoint.transactionID,
                fault.environment == nil || fault.environment == call.environment,
                fault.endpoint == nil || fault.endpoint == call.endpoint.name,
                fault.probability >= 1 || happens(fault.probability)
            else { continue }
            entries[index].happenedCount += 1
            if let left = entries[index].timesLeft {
                if left <= 1 { entries.remove(at: index) } else { entries[index].timesLeft = left - 1 }
            }
            return fault
        }
        return nil
    }
}
