import Crypto
import PurchaseCore
import Synchronization

/// A JWS cut behind its header: the header, with its three certificates, is the same for every JWS of one leaf.
package struct SplitJWS: Sendable {
    /// The first segment.
    package let header: String
    /// Its SHA-256, 32 bytes.
    package let headerSHA256: [UInt8]
    /// Payload and signature, with the dot between them.
    package let rest: String

    /// Cuts at the first dot; `nil` for text without one.
    package init?(_ jws: String) {
        var jws = jws
        let parts = jws.withUTF8 { text -> (LastHeader.Header, String)? in
            guard let dot = ByteScan.firstIndex(of: UInt8(ascii: "."), in: text) else { return nil }
            let header = UnsafeBufferPointer(rebasing: text[..<dot])
            return (Self.lastHeader.header(header), String(decoding: text[(dot + 1)...], as: UTF8.self))
        }
        guard let (header, rest) = parts else { return nil }
        self.header = header.text
        self.headerSHA256 = header.sha256
        self.rest = rest
    }

    private static let lastHeader = LastHeader()
}

/// The header that was met last, with its digest: nearly always it is the next one as well, and comparing 4 KB takes a
/// twentieth of hashing them and copying them into a text.
private final class LastHeader: Sendable {
    struct Header: Sendable {
        let text: String
        let sha256: [UInt8]
        let bytes: [UInt8]
    }

    private let last = Mutex<Header?>(nil)

    func header(_ bytes: UnsafeBufferPointer<UInt8>) -> Header {
        if let last = last.withLock({ $0 }), last.bytes.withUnsafeBufferPointer({ ByteScan.equal($0, bytes) }) {
            return last
        }
        let header = Header(
            text: String(decoding: bytes, as: UTF8.self), sha256: Array(SHA256.hash(data: Array(bytes))),
            bytes: Array(bytes))
        last.withLock { $0 = header }
        return header
    }
}
