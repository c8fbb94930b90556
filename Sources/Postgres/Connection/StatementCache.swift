/// Which statements one connection has prepared: a bounded LRU keyed by SQL text and parameter types.
///
/// Pure bookkeeping. A statement counts as prepared when the server has confirmed it; one whose prepare failed or was
/// skipped is forgotten, so the next use prepares it again. Names are never reused, so the order on the wire alone
/// decides what a name means.
struct StatementCache {
    struct Key: Hashable {
        let text: String
        let types: [UInt32]
    }

    /// How to run a statement now.
    enum Use: Equatable {
        case execute(name: String)
        /// Prepare it first; confirm with `prepareSucceeded` or `prepareFailed`.
        case prepare(name: String)
        /// Everything in the cache is unconfirmed: run it without preparing.
        case unprepared
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
        var isConfirmed = false
        var columns: ResultColumns?
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var keys: [String: Key] = [:]
    private var clock: UInt64 = 0
    private var namesGiven: UInt64 = 0
    /// Evicted names the server still holds.
    private(set) var condemned: [String] = []

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { entries.count }

    /// Looks a statement up and marks it used; makes room by condemning the least recently used confirmed one.
    mutating func use(_ key: Key) -> Use {
        clock += 1
        if entries[key] != nil {
            entries[key]?.lastUse = clock
            return .execute(name: entries[key]?.name ?? "")
        }
        if entries.count >= capacity {
            let victim = entries.filter(\.value.isConfirmed).min { $0.value.lastUse < $1.value.lastUse }
            guard let victim else { return .unprepared }
            forget(victim.value.name)
        }
        namesGiven += 1
        let name = "s\(namesGiven)"
        entries[key] = Entry(name: name, lastUse: clock)
        keys[name] = key
        return .prepare(name: name)
    }

    mutating func prepareSucceeded(_ name: String) {
        guard let key = keys[name] else { return }
        entries[key]?.isConfirmed = true
    }

    mutating func prepareFailed(_ name: String) {
        guard let key = keys.removeValue(forKey: name) else { return }
        entries[key] = nil
    }

    /// Drops a statement that the server no longer accepts (26000, or 0A000 after a change of the table).
    mutating func forget(_ name: String) {
        guard let key = keys.removeValue(forKey: name), let entry = entries.removeValue(forKey: key) else { return }
        if entry.isConfirmed { condemned.append(name) }
    }

    /// Hands over the names to deallocate.
    mutating func takeCondemned() -> [String] {
        defer { condemned = [] }
        return condemned
    }

    /// A prepared statement's columns can't change, so they are read from its first result only.
    func columns(of name: String) -> ResultColumns? { keys[name].flatMap { entries[$0]?.columns } }

    mutating func remember(_ columns: ResultColumns, of name: String) {
        guard let key = keys[name] else { return }
        entries[key]?.columns = columns
    }
}
