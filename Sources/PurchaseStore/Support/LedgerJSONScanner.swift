import PurchaseCore

/// One part of a JSON text: a value, or the name in front of a member's value.
///
/// The tokens of a text stand in its order: behind an object's those of its members, each a name and a value; behind a
/// list's those of its elements.
struct LedgerJSONToken {
    enum Kind: UInt8 {
        case object, list
        case name, escapedName
        case text, escapedText
        case integer
        /// A number with a fraction or an exponent.
        case fraction
        case yes, no, null
    }

    let kind: Kind
    /// Where its bytes begin; those of a name or text behind the quote.
    var start: Int32
    /// How many bytes it has; how many members or elements, if it is an object or a list.
    var count: Int32
    /// The index of the token behind the whole value; for a name, whose value is the next token, its ``fingerprint(of:)``.
    var next: Int32

    /// A number that two different names rarely share: their length and three of their bytes.
    static func fingerprint(of name: UnsafeBufferPointer<UInt8>) -> Int32 {
        guard let first = name.first, let last = name.last else { return 0 }
        let bytes = (UInt32(first), UInt32(name[name.count / 2]), UInt32(last))
        return Int32(bitPattern: UInt32(truncatingIfNeeded: name.count) << 24 | bytes.0 << 16 | bytes.1 << 8 | bytes.2)
    }
}

/// Where a text stops being JSON, in bytes from its start.
struct LedgerJSONFault: Error {
    let offset: Int
}

/// Finds the tokens of a JSON text (RFC 8259), in one pass: nothing is repaired, nothing follows the value, nesting is
/// bounded.
///
/// The readers of requests and of signed payloads make values of all that they read; here a type picks its members, and
/// nothing else becomes a value.
struct LedgerJSONScanner {
    /// The ledger's own rows nest six levels.
    static let depthMax = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0
    private var depth = 0
    private var tokens: [LedgerJSONToken] = []

    private init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        tokens.reserveCapacity(bytes.count / 8 + 4)
    }

    /// The tokens of bytes that must be one value, the value's own first.
    static func tokens(of bytes: UnsafeBufferPointer<UInt8>) throws(LedgerJSONFault) -> [LedgerJSONToken] {
        var scanner = LedgerJSONScanner(bytes)
        guard bytes.count < Int32.max else { throw scanner.fault }
        scanner.skipSpace()
        try scanner.scanValue()
        scanner.skipSpace()
        guard scanner.place == bytes.count else { throw scanner.fault }
        return scanner.tokens
    }

    private var fault: LedgerJSONFault { LedgerJSONFault(offset: place) }

    /// Zero at the end, which no value begins with and none goes on with.
    private var current: UInt8 { place < bytes.count ? bytes[place] : 0 }

    private mutating func skipSpace() {
        while place < bytes.count, bytes[place] <= 0x20 {
            switch bytes[place] {
            case 0x20, 0x09, 0x0A, 0x0D: place += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        place += 1
        return true
    }

    private mutating func append(_ kind: LedgerJSONToken.Kind, from start: Int, to end: Int) {
        tokens.append(
            LedgerJSONToken(
                kind: kind, start: Int32(truncatingIfNeeded: start), count: Int32(truncatingIfNeeded: end - start),
                next: Int32(truncatingIfNeeded: tokens.count + 1)))
    }

    private mutating func scanValue() throws(LedgerJSONFault) {
        switch current {
        case UInt8(ascii: "\""): _ = try scanText(.text, escaped: .escapedText)
        case UInt8(ascii: "{"): try scanObject()
        case UInt8(ascii: "["): try scanList()
        case UInt8(ascii: "t"): try scanWord("true", .yes)
        case UInt8(ascii: "f"): try scanWord("false", .no)
        case UInt8(ascii: "n"): try scanWord("null", .null)
        default: try scanNumber()
        }
    }

    private mutating func scanWord(_ word: StaticString, _ kind: LedgerJSONToken.Kind) throws(LedgerJSONFault) {
        let start = place
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else { throw fault }
        }
        append(kind, from: start, to: place)
    }

    // MARK: Objects and lists

    private mutating func scanObject() throws(LedgerJSONFault) {
        let index = try descend(.object)
        var count: Int32 = 0
        if !take(UInt8(ascii: "}")) {
            repeat {
                skipSpace()
                guard current == UInt8(ascii: "\"") else { throw fault }
                try scanName()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw fault }
                skipSpace()
                try scanValue()
                count += 1
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw fault }
        }
        ascend(index, count)
    }

    private mutating func scanList() throws(LedgerJSONFault) {
        let index = try descend(.list)
        var count: Int32 = 0
        if !take(UInt8(ascii: "]")) {
            repeat {
                skipSpace()
                try scanValue()
                count += 1
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw fault }
        }
        ascend(index, count)
    }

    private mutating func descend(_ kind: LedgerJSONToken.Kind) throws(LedgerJSONFault) -> Int {
        guard depth < Self.depthMax else { throw fault }
        depth += 1
        append(kind, from: place, to: place)
        place += 1
        skipSpace()
        return tokens.count - 1
    }

    private mutating func ascend(_ index: Int, _ count: Int32) {
        depth -= 1
        tokens[index].count = count
        tokens[index].next = Int32(truncatingIfNeeded: tokens.count)
    }

    // MARK: Texts and numbers

    private mutating func scanName() throws(LedgerJSONFault) {
        let bytes = try scanText(.name, escaped: .escapedName)
        let index = tokens.count - 1
        if tokens[index].kind == .name {
            tokens[index].next = LedgerJSONToken.fingerprint(of: bytes)
        } else {
            var name = LedgerJSONDocument.unescaped(bytes)
            tokens[index].next = name.withUTF8 { LedgerJSONToken.fingerprint(of: $0) }
        }
    }

    /// The bytes between the quotes.
    private mutating func scanText(
        _ plain: LedgerJSONToken.Kind, escaped: LedgerJSONToken.Kind
    ) throws(LedgerJSONFault) -> UnsafeBufferPointer<UInt8> {
        let start = place + 1
        var kind = plain
        place = ByteScan.endOfPlainJSON(in: bytes, from: start)
        while take(UInt8(ascii: "\\")) {
            kind = escaped
            guard (try? JSONText.readEscape(in: bytes, at: &place)) != nil else { throw fault }
            place = ByteScan.endOfPlainJSON(in: bytes, from: place)
        }
        guard take(UInt8(ascii: "\"")) else { throw fault }
        append(kind, from: start, to: place - 1)
        return UnsafeBufferPointer(rebasing: bytes[start..<place - 1])
    }

    private mutating func scanNumber() throws(LedgerJSONFault) {
        let start = place
        var kind = LedgerJSONToken.Kind.integer
        _ = take(UInt8(ascii: "-"))
        // A leading zero stands alone.
        if !take(UInt8(ascii: "0")) { try scanDigits() }
        if take(UInt8(ascii: ".")) {
            kind = .fraction
            try scanDigits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            kind = .fraction
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try scanDigits()
        }
        append(kind, from: start, to: place)
    }

    private mutating func scanDigits() throws(LedgerJSONFault) {
        let start = place
        while (0x30...0x39).contains(current) { place += 1 }
        guard place > start else { throw fault }
    }
}
