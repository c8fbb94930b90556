import CZlib

/// Compresses into one gzip member (RFC 1952).
enum Gzip {
    /// Throws ``SimulatorError/material(_:)`` when zlib refuses.
    static func compress(_ bytes: [UInt8]) throws(SimulatorError) -> [UInt8] {
        // zlib keeps a pointer to it, so it must not move.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard vouch_deflate_gzip(stream) == Z_OK else { throw .material("zlib has no memory") }
        defer { deflateEnd(stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(bytes.count))))
        let status = input.withUnsafeMutableBufferPointer { bytes in
            output.withUnsafeMutableBufferPointer { room in
                stream.pointee.next_in = bytes.baseAddress
                stream.pointee.avail_in = UInt32(bytes.count)
                stream.pointee.next_out = room.baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                return deflate(stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END else { throw .material("zlib could not finish") }
        return Array(output.prefix(output.count - Int(stream.pointee.avail_out)))
    }
}
