/// Something that goes wrong with a notification on its way.
package struct NotificationFault: Sendable {
    /// What goes wrong.
    package enum Kind: Sendable {
        /// It is never sent; the history has it.
        ///
        /// With `recordedAs`, the history shows one attempt with this result: `success` is a proxy that says 200 and
        /// keeps it to itself.
        case drop(recordedAs: SendAttemptResult? = nil)
        /// Each attempt is made so many times, from 2 to ``NotificationFault/copiesMax``.
        case repeated(copies: Int)
        /// It waits until ``AppStoreSimulator/releaseHeldNotifications(in:shuffled:)``.
        case hold
        /// The first attempt comes so much later.
        case delay(milliseconds: Int64)
        /// This is sent in its place; the history has the genuine one.
        case altered(NotificationAlteration)
    }

    /// The most copies of one attempt.
    package static let copiesMax = 100

    /// What goes wrong.
    package var kind: Kind
    /// Only this environment's notifications; `nil`: both.
    package var environment: SimulatedEnvironment?
    /// Only notifications of this type; `nil`: all.
    package var notificationType: String?
    /// Only notifications about this transaction; `nil`: all.
    package var transactionID: String?
    /// How many notifications it happens to; `nil`: until it is removed.
    package var times: Int?
    /// How likely it is for each notification, from 0 to 1, drawn from the simulator's seed.
    package var probability: Double

    /// A fault; the default happens to the next notification, whatever it is.
    package init(
        _ kind: Kind, environment: SimulatedEnvironment? = nil, notificationType: String? = nil,
        transactionID: String? = nil, times: Int? = 1, probability: Double = 1
    ) {
        self.kind = kind
        self.environment = environment
        self.notificationType = notificationType
        self.transactionID = transactionID
        self.times = times
        self.probability = probability
    }
}

extension NotificationFault.Kind {
    /// The kind's name in the control interface.
    package var name: String {
        switch self {
        case .drop: "drop"
        case .repeated: "repeat"
        case .hold: "hold"
        case .delay: "delay"
        case .altered: "alter"
        }
    }
}

/// The notification faults in force; a new notification meets every one that matches it.
struct NotificationFaultQueue: Sendable {
    static let faultsMax = 10_000

    struct Entry: Sendable {
        let id: Int
        let fault: NotificationFault
        var timesLeft: Int?
        var happenedCount = 0
    }

    private(set) var entries: [Entry] = []
    private var added = 0

    /// Adds a fault; its number.
    mutating func add(_ fault: NotificationFault) throws(SimulatorError) -> Int {
        guard entries.count < Self.faultsMax else {
            throw .full("the simulator holds \(Self.faultsMax) notification faults already; remove some")
        }
        guard fault.times.map({ $0 > 0 }) ?? true else { throw .invalid("times must be positive or null") }
        guard (0...1).contains(fault.probability) else { throw .invalid("probability must be from 0 to 1") }
        switch fault.kind {
        case .repeated(let copies):
            guard (2...NotificationFault.copiesMax).contains(copies) else {
                throw .invalid("copies must be from 2 to \(NotificationFault.copiesMax)")
            }
        case .delay(let milliseconds):
            guard (0...(365 * Milliseconds.day)).contains(milliseconds) else {
                throw .invalid("milliseconds must be from 0 to a year")
            }
        case .drop, .hold, .altered:
            break
        }
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

    /// The faults that a new notification meets, in the order of injection; counted down.
    mutating func take(for notification: NotificationRecord, happens: (Double) -> Bool) -> [NotificationFault.Kind] {
        guard !entries.isEmpty else { return [] }
        var met: [NotificationFault.Kind] = []
        for index in entries.indices {
            let fault = entries[index].fault
            guard fault.environment == nil || fault.environment == notification.environment,
                fault.notificationType == nil || fault.notificationType == notification.kind.notificationType,
                fault.transactionID == nil || fault.transactionID == notification.subject?.transactionID,
                fault.probability >= 1 || happens(fault.probability)
            else { continue }
            met.append(fault.kind)
            entries[index].happenedCount += 1
            if let left = entries[index].timesLeft { entries[index].timesLeft = left - 1 }
        }
        entries.removeAll { $0.timesLeft == 0 }
        return met
    }
}
