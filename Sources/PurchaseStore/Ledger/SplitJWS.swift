import Crypto

/// A JWS cut behind its header: the header, with its three certificates, is the same for every JWS of one leaf.
struct SplitJWS {
    /// The first segment.
    let header: String
    /// Its SHA-256.
    let headerSHA256: [UInt8]
    /// Payload and signature, with the dot between them.
    let rest: String

    /// `nil` for text without a dot.
    init?(_ jws: String) {
        guard let dot = jws.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        header = String(jws[..<dot])
        rest = String(jws[jws.utf8.index(after: dot)...])
        headerSHA256 = Array(SHA256.hash(data: Array(header.utf8)))
    }
}
