import CZlib

/// Inflates a gzip file (RFC 1952) piece by piece, also one of several members; used by one task.
final class GzipInflater {
    /// What is wrong with the compressed bytes.
    enum Fault: Error, Equatable {
        /// They are no gzip, or damaged: the checksum is gzip's own.
        case damaged
        /// zlib has no memory.
        case memory
    }

    /// Inflated bytes that are handed over at once.
    private static let pieceBytes = 64 << 10

    /// zlib keeps a pointer to it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: pieceBytes)

    /// Whether the bytes so far are whole members.
    private(set) var isComplete = false

    /// Begins a file; `begin` is zlib's own way, unless a test wants another.
    init(begin: (UnsafeMutablePointer<z_stream>) -> Int32 = { vouch_inflate_gzip($0) }) throws(Fault) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Everything has its value, so `deinit` runs also when this throws; zlib ends a stream that never began.
        guard begin(stream) == Z_OK else { throw .memory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates the next bytes, and hands over what comes out in pieces.
    func inflate(_ input: ArraySlice<UInt8>, to body: (ArraySlice<UInt8>) throws -> Void) throws {
        var input = Array(input)
        var offset = 0
        while offset < input.count {
            if isComplete {
                // Another member follows.
                guard inflateReset(stream) == Z_OK else { throw Fault.damaged }
                isComplete = false
            }
            let (status, taken, made) = step(&input, from: offset)
            offset += taken
            if made > 0 { try body(output[..<made]) }
            switch status {
            case Z_STREAM_END: isComplete = true
            case Z_OK: break
            // Nothing could be done: fine at the end of the input alone.
            case Z_BUF_ERROR where taken > 0 || made > 0: break
            case Z_MEM_ERROR: throw Fault.memory
            default: throw Fault.damaged
            }
        }
        try drain(to: body)
    }

    /// What zlib still holds back although it has all the input.
    private func drain(to body: (ArraySlice<UInt8>) throws -> Void) throws {
        while !isComplete {
            var none: [UInt8] = []
            let (status, _, made) = step(&none, from: 0)
            if made > 0 { try body(output[..<made]) }
            switch status {
            case Z_STREAM_END: isComplete = true
            case Z_OK where made > 0: break
            case Z_OK, Z_BUF_ERROR: return
            default: throw Fault.damaged
            }
        }
    }

    private func step(_ input: inout [UInt8], from offset: Int) -> (status: Int32, taken: Int, made: Int) {
        let available = input.count - offset
        return input.withUnsafeMutableBufferPointer { bytes in
            output.withUnsafeMutableBufferPointer { room in
                stream.pointee.next_in = bytes.baseAddress.map { $0 + offset }
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = room.baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                let status = CZlib.inflate(stream, Z_NO_FLUSH)
                return (
                    status, available - Int(stream.pointee.avail_in), room.count - Int(stream.pointee.avail_out)
                )
            }
        }
    }
}
