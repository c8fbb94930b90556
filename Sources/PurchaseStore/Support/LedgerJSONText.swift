import PurchaseCore

/// JSON text under way: what ``LedgerJSONWriter`` knows of it.
///
/// A value of its own, since Swift checks each access to a variable of a class for exclusiveness: so it is one for each
/// step.
struct LedgerJSONText {
    private var bytes: [UInt8] = []
    private var shape = Shape.nothing
    /// Those of every object under way, of the innermost one last.
    private var members: [Member] = []

    /// What the value that is being written has turned out to be.
    enum Shape {
        case nothing
        case single
        case list(count: Int)
        /// Its members are those from there on.
        case object(firstMember: Int)
    }

    /// Where one begins, with its name in quotes, and where that name ends.
    private struct Member {
        var start: Int
        var nameEnd: Int
    }

    init() { bytes.reserveCapacity(1_024) }

    /// What was written, complete once the outermost value has ended.
    var string: String { String(decoding: bytes, as: UTF8.self) }

    // MARK: Values

    /// Begins one inside another, and returns what that has been so far.
    mutating func beginValue() -> Shape {
        defer { shape = .nothing }
        return shape
    }

    mutating func endValue(within outer: Shape) {
        switch shape {
        // Foundation's answer to a value that says nothing of itself.
        case .nothing: bytes.append(contentsOf: "{}".utf8)
        case .single: break
        case .list: bytes.append(UInt8(ascii: "]"))
        case .object(let firstMember): closeObject(from: firstMember)
        }
        shape = outer
    }

    mutating func beginObject() {
        guard case .nothing = shape else { return }
        bytes.append(UInt8(ascii: "{"))
        shape = .object(firstMember: members.count)
    }

    mutating func beginList() {
        guard case .nothing = shape else { return }
        bytes.append(UInt8(ascii: "["))
        shape = .list(count: 0)
    }

    mutating func beginSingle() { shape = .single }

    /// Elements of the list so far.
    var elementCount: Int { if case .list(let count) = shape { count } else { 0 } }

    mutating func beginElement() {
        guard case .list(let count) = shape else { preconditionFailure("an element is written out of turn") }
        if count > 0 { bytes.append(UInt8(ascii: ",")) }
        shape = .list(count: count + 1)
    }

    mutating func beginMember(_ name: String) {
        guard case .object(let firstMember) = shape else { preconditionFailure("a member is written out of turn") }
        if members.count > firstMember { bytes.append(UInt8(ascii: ",")) }
        let start = bytes.count
        append(name)
        members.append(Member(start: start, nameEnd: bytes.count))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func appendNull() { bytes.append(contentsOf: "null".utf8) }

    mutating func append(_ value: Bool) { bytes.append(contentsOf: (value ? "true" : "false").utf8) }

    mutating func append(_ value: some BinaryInteger) {
        if let value = Int64(exactly: value) {
            DecimalDigits.append(value, to: &bytes)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    mutating func append(_ value: String) { JSONText.append(value, controls: .lettered, to: &bytes) }

    // MARK: The order of members

    private mutating func closeObject(from firstMember: Int) {
        let inOrder = (members.indices.dropFirst(firstMember + 1)).allSatisfy {
            !precedes(members[$0], members[$0 - 1])
        }
        if !inOrder { sortMembers(from: firstMember) }
        members.removeSubrange(firstMember...)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Types write their members in the order of their declaration.
    private mutating func sortMembers(from firstMember: Int) {
        let own = members[firstMember...]
        guard let first = own.first else { return }
        var sorted: [UInt8] = []
        sorted.reserveCapacity(bytes.count - first.start)
        for index in own.indices.sorted(by: { precedes(own[$0], own[$1]) }) {
            // Up to the comma in front of the next.
            let end = index + 1 < own.endIndex ? own[index + 1].start - 1 : bytes.count
            if !sorted.isEmpty { sorted.append(UInt8(ascii: ",")) }
            sorted.append(contentsOf: bytes[own[index].start..<end])
        }
        bytes.replaceSubrange(first.start..., with: sorted)
    }

    /// By the names' bytes; the quote at the end comes before whatever a longer name goes on with.
    private func precedes(_ left: Member, _ right: Member) -> Bool {
        bytes[left.start..<left.nameEnd].lexicographicallyPrecedes(bytes[right.start..<right.nameEnd])
    }
}
