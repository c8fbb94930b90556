/// The notifications of one environment: what was made, what is due, and what became of it.
struct NotificationOutbox: Sendable {
    let environment: SimulatedEnvironment
    /// How many are kept; beyond, the oldest are forgotten, whether delivered or not.
    let notificationsMax: Int
    /// What an hour of Apple's retry schedule is on the simulator's clock.
    let retryHourMilliseconds: Int64

    private var records: [Int: NotificationRecord] = [:]
    private var first = 1
    /// How many were ever made: the number of the newest.
    private(set) var count = 0
    private var schedule = DeliverySchedule()
    private var held: [Int] = []

    init(environment: SimulatedEnvironment, notificationsMax: Int, retryHourMilliseconds: Int64) {
        self.environment = environment
        self.notificationsMax = notificationsMax
        self.retryHourMilliseconds = retryHourMilliseconds
    }

    /// Takes up a new notification, to be sent as the faults say; its number.
    @discardableResult
    mutating func add(_ record: NotificationRecord, meeting faults: [NotificationFault.Kind]) -> Int {
        count += 1
        var record = record
        record.number = count
        for fault in faults {
            switch fault {
            case .drop(let result):
                record.progress = .dropped
                if let result { record.attempts = [SendAttempt(attemptDate: record.createdAt, result: result)] }
            case .repeated(let copies):
                record.copies = copies
            case .hold:
                if record.isPending { record.progress = .held }
            case .delay(let milliseconds):
                if case .scheduled(let time) = record.progress { record.progress = .scheduled(at: time + milliseconds) }
            case .altered(let alteration):
                record.alteration = alteration
            }
        }
        switch record.progress {
        case .scheduled(let time): schedule.add(count, at: time)
        case .held: held.append(count)
        case .inFlight, .delivered, .givenUp, .dropped: break
        }
        records[count] = record
        while records.count > notificationsMax {
            records[first] = nil
            first += 1
        }
        return count
    }

    /// A notification that is still kept.
    subscript(number: Int) -> NotificationRecord? { records[number] }

    /// The numbers of the notifications that are still kept, from after `number` on.
    func numbers(after number: Int) -> Range<Int> {
        let start = max(first, number + 1)
        return start..<max(start, count + 1)
    }

    /// The newest notification of this UUID.
    func find(_ notificationUUID: String) -> NotificationRecord? {
        for number in numbers(after: 0).reversed() {
            if let record = records[number], record.notificationUUID == notificationUUID { return record }
        }
        return nil
    }

    /// Keeps signatures that were made outside of the lock; those that were there before stay.
    mutating func keep(_ signatures: [String], for number: Int) {
        if records[number]?.signatures == nil { records[number]?.signatures = signatures }
    }

    /// When the next attempt is due: milliseconds since 1970 UTC.
    mutating func nextAttemptAt() -> Int64? {
        while let entry = schedule.first {
            if holds(entry) { return entry.at }
            _ = schedule.popFirst()
        }
        return nil
    }

    /// Takes what is due by now, in order; each is in flight until ``finish(_:with:)``.
    mutating func takeDue(now: Int64, limit: Int) -> [NotificationRecord] {
        var due: [NotificationRecord] = []
        while due.count < limit, let time = nextAttemptAt(), time <= now, let entry = schedule.popFirst() {
            records[entry.number]?.progress = .inFlight
            if let record = records[entry.number] { due.append(record) }
        }
        return due
    }

    /// Writes down how an attempt went, and plans the next one if there is one.
    mutating func finish(_ delivery: NotificationDelivery, with result: SendAttemptResult) {
        guard !delivery.isRepeat, var record = records[delivery.number], case .inFlight = record.progress,
            record.notificationUUID == delivery.notificationUUID
        else { return }
        record.attempts.append(SendAttempt(attemptDate: delivery.attemptDate, result: result))
        if result == .success {
            record.progress = .delivered
        } else if let hours = RetrySchedule.hours(afterAttempts: record.attempts.count, in: environment) {
            let time = delivery.attemptDate + hours * retryHourMilliseconds
            record.progress = .scheduled(at: time)
            schedule.add(delivery.number, at: time)
        } else {
            record.progress = .givenUp
        }
        records[delivery.number] = record
    }

    /// Makes held notifications due, in the order in which `arrange` puts them; how many there were.
    mutating func release(now: Int64, arrange: ([Int]) -> [Int]) -> Int {
        let released = arrange(held.filter { records[$0] != nil })
        held.removeAll()
        for number in released {
            records[number]?.progress = .scheduled(at: now)
            schedule.add(number, at: now)
        }
        return released.count
    }

    private func holds(_ entry: DeliverySchedule.Entry) -> Bool {
        guard case .scheduled(let time) = records[entry.number]?.progress else { return false }
        return time == entry.at
    }
}
