/// Looks through the bytes of long texts sixteen at a time: signed texts have some ten thousand, and are looked through
/// several times each.
package enum ByteScan {
    private typealias Block = SIMD16<UInt8>

    /// The first place of a byte at or after `start`; `nil` where there is none.
    package static func firstIndex(
        of byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0
    ) -> Int? {
        firstIndex(in: bytes, from: start, one: { $0 == byte }, any: { Swift.any($0 .== Block(repeating: byte)) })
    }

    /// Where the characters of a JSON string end that stand for themselves: at a quote, a backslash, a control character
    /// (below 0x20), or the end of the bytes.
    package static func endOfPlainJSON(in bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int {
        firstIndex(
            in: bytes, from: start, one: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C },
            any: {
                Swift.any(
                    ($0 .< Block(repeating: 0x20)) .| ($0 .== Block(repeating: 0x22)) .| ($0 .== Block(repeating: 0x5C))
                )
            })
            ?? bytes.count
    }

    /// Whether both have the same bytes.
    package static func equal(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        let pair = (UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
        return switch left.count {
        case 16...: equal(pair, by: Block.self)
        case 8...: equal(pair, by: UInt64.self)
        case 4...: equal(pair, by: UInt32.self)
        default: left.elementsEqual(right)
        }
    }

    /// Compares so many bytes at a time; the last ones overlap those before, so there must be enough for one comparison.
    @inline(__always)
    private static func equal<Piece: Equatable & BitwiseCopyable>(
        _ pair: (UnsafeRawBufferPointer, UnsafeRawBufferPointer), by type: Piece.Type
    ) -> Bool {
        func isEqual(at place: Int) -> Bool {
            pair.0.loadUnaligned(fromByteOffset: place, as: type)
                == pair.1.loadUnaligned(fromByteOffset: place, as: type)
        }
        let last = pair.0.count - MemoryLayout<Piece>.size
        for place in stride(from: 0, to: last, by: MemoryLayout<Piece>.size) {
            guard isEqual(at: place) else { return false }
        }
        return isEqual(at: last)
    }

    @inline(__always)
    private static func firstIndex(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int, one isHit: (UInt8) -> Bool, any hasHit: (Block) -> Bool
    ) -> Int? {
        let raw = UnsafeRawBufferPointer(bytes)
        var place = start
        while place + Block.scalarCount <= bytes.count,
            !hasHit(raw.loadUnaligned(fromByteOffset: place, as: Block.self))
        {
            place += Block.scalarCount
        }
        // At most one block, and what is no whole block at the end.
        while place < bytes.count {
            if isHit(bytes[place]) { return place }
            place += 1
        }
        return nil
    }
}
