/// Which notification is due next: a binary heap, ordered by time and then by who was scheduled first.
///
/// Nothing is taken out when a notification's plans change; who pops an entry asks whether it still holds.
struct DeliverySchedule: Sendable {
    struct Entry: Sendable {
        /// Milliseconds since 1970 UTC.
        let at: Int64
        let order: Int
        /// The notification's number.
        let number: Int

        func precedes(_ other: Entry) -> Bool { (at, order) < (other.at, other.order) }
    }

    private var heap: [Entry] = []
    private var scheduledCount = 0

    /// The earliest entry.
    var first: Entry? { heap.first }

    mutating func add(_ number: Int, at time: Int64) {
        scheduledCount += 1
        heap.append(Entry(at: time, order: scheduledCount, number: number))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest entry out.
    mutating func popFirst() -> Entry? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].precedes(heap[least]) { least = child }
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
