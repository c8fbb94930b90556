import HTTPTypes
import PurchaseCore
import Synchronization

/// Names exchanges: the caller's own name where it sends a harmless one, else a fresh one.
///
/// A fresh one is 32 hexadecimal digits: 64 random bits of this source, and a count, spread over 64 bits. Two are never the
/// same, and none takes a call of the system. They are names, no secrets.
struct RequestIDs: ~Copyable, Sendable {
    /// The most bytes of an id.
    static let bytesMax = 64

    private let source = UInt64.random(in: .min ... .max)
    private let count = Atomic<UInt64>(0)

    /// The name of an exchange.
    ///
    /// A caller's own is taken over when it is short and harmless, so that two systems' logs can be joined; anything else
    /// would let a caller write into our logs.
    func id(of headers: HTTPFields) -> String {
        if let sent = headers[.requestID], Syntax.isToken(sent, maximumBytes: Self.bytesMax, also: "._-") {
            return sent
        }
        return fresh()
    }

    private func fresh() -> String {
        // An odd factor maps the counts one to one, and neighbours far apart (2^64 divided by the golden ratio).
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9E37_79B9_7F4A_7C15
        let words = [source, number]
        return Hexadecimal.text(
            (0..<16).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (56 - 8 * ($0 % 8))) })
    }
}
