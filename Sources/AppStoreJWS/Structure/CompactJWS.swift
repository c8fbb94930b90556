import PurchaseCore

/// The three segments of a compact JWS (RFC 7515 §3.1), split and strictly decoded, and nothing more.
struct CompactJWS: Sendable {
    /// Bytes that a JWS may have: the largest body that a notification is accepted in.
    static let bytesMax = 256 * 1024
    /// Bytes that a header segment may have; Apple's, with its three certificates, has about 4,400.
    static let headerBytesMax = 32 * 1024
    /// Bytes of an ES256 signature: r and s, 32 bytes each, nothing around them.
    static let signatureBytes = 64

    /// The whole text, as it came.
    let bytes: [UInt8]
    /// The header segment, still encoded: the key of the chain cache, and decoded only when that misses.
    let headerSegment: ArraySlice<UInt8>
    /// The decoded payload: not to be interpreted before the signature has been checked.
    let payload: [UInt8]
    /// r and s.
    let signature: [UInt8]

    /// What the signature is over: both first segments and the dot between them, as they came.
    let signingInput: ArraySlice<UInt8>

    /// Splits and decodes a text; fails with the codes of the step ``VerificationStep/structure``.
    init(_ text: String) throws(VerificationFailure) {
        // Counted before it is copied: a large input costs nothing.
        let count = text.utf8.count
        guard count <= Self.bytesMax else {
            throw VerificationFailure(.tooLarge, "\(count) bytes; at most \(Self.bytesMax) are read")
        }
        let bytes = Array(text.utf8)
        let dots = Self.dots(in: bytes)
        guard dots.count == 2 else {
            throw VerificationFailure(.segmentCount, "\(dots.count + 1) segments; a compact JWS has 3")
        }
        let header = bytes[..<dots.first]
        guard !header.isEmpty, header.count <= Self.headerBytesMax else {
            throw VerificationFailure(
                .headerSize, "a header of \(header.count) characters; 1 to \(Self.headerBytesMax) are read")
        }
        guard let payload = Base64.decode(url: bytes[(dots.first + 1)..<dots.last]) else {
            throw VerificationFailure(.notBase64URL, "the payload segment is not unpadded base64url")
        }
        guard let signature = Base64.decode(url: bytes[(dots.last + 1)...]) else {
            throw VerificationFailure(.notBase64URL, "the signature segment is not unpadded base64url")
        }
        self.bytes = bytes
        self.headerSegment = header
        self.payload = payload
        self.signature = signature
        self.signingInput = bytes[..<dots.last]
    }

    private static func dots(in bytes: [UInt8]) -> (first: Int, last: Int, count: Int) {
        bytes.withUnsafeBufferPointer { bytes in
            var dots = (first: 0, last: 0, count: 0)
            var place = 0
            while let dot = ByteScan.firstIndex(of: UInt8(ascii: "."), in: bytes, from: place) {
                if dots.count == 0 { dots.first = dot }
                dots.last = dot
                dots.count += 1
                place = dot + 1
            }
            return dots
        }
    }
}
