import AppStoreSimulator
import Crypto
import Foundation

/// Signs what Apple would sign, as fast as the signature itself allows: the certificates are encoded once.
struct JWSMint: Sendable {
    private let header: String
    private let key: P256.Signing.PrivateKey

    /// The simulator's certificate authority issues a chain; throws when it can't.
    init(keys: SimulatorKeys) throws {
        let chain = try keys.authority.issueChain(now: Date())
        guard case .p256(let key) = chain.leafKey else { throw BenchFailure("the signing chain's leaf is not P-256") }
        self.key = key
        let certificates = chain.x5c.map { "\"\($0)\"" }.joined(separator: ",")
        header = Self.base64URL(Array(#"{"alg":"ES256","x5c":[\#(certificates)]}"#.utf8))
    }

    /// A JWS over a payload.
    func sign(_ payload: String) throws -> String {
        let signed = header + "." + Self.base64URL(Array(payload.utf8))
        let signature = try key.signature(for: Array(signed.utf8))
        return signed + "." + Self.base64URL(Array(signature.rawRepresentation))
    }

    /// A paid non-consumable, bought and signed now.
    func transaction(_ id: String) throws -> String { try sign(Payload.transaction(id, at: Payload.now)) }

    /// The notification of such a purchase, both JWS signed.
    func notification(about id: String, uuid: String) throws -> String {
        let inner = try transaction(id)
        return try sign(Payload.notification(uuid: uuid, signedTransactionInfo: inner, at: Payload.now))
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Base64url without padding (RFC 4648, section 5).
    static func base64URL(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var bits = UInt32(bytes[index]) << 16
            if count > 1 { bits |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { bits |= UInt32(bytes[index + 2]) }
            for place in 0...count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)]) }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The payloads of the made-up purchases, with the members that Apple's have.
enum Payload {
    static let bundleID = "com.example.app"
    static let appAppleID = 1_234_567_890
    static let productID = "com.example.app.pro"

    /// Milliseconds since 1970 UTC.
    static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    /// A non-consumable; `at` is when it was bought, and signed unless `signedAt` says otherwise.
    static func transaction(_ id: String, at: Int64, signedAt: Int64? = nil) -> String {
        #"{"transactionId":"\#(id)","originalTransactionId":"\#(id)","bundleId":"\#(bundleID)","#
            + #""productId":"\#(productID)","purchaseDate":\#(at),"originalPurchaseDate":\#(at),"quantity":1,"#
            + #""type":"Non-Consumable","inAppOwnershipType":"PURCHASED","signedDate":\#(signedAt ?? at),"#
            + #""environment":"Production","transactionReason":"PURCHASE","storefront":"USA","storefrontId":"143441","#
            + #""price":4990,"currency":"USD","appTransactionId":"704\#(id)"}"#
    }

    /// A notification about such a purchase.
    static func notification(uuid: String, signedTransactionInfo: String, at: Int64) -> String {
        #"{"notificationType":"ONE_TIME_CHARGE","notificationUUID":"\#(uuid)","#
            + #""data":{"appAppleId":\#(appAppleID),"bundleId":"\#(bundleID)","bundleVersion":"1","#
            + #""environment":"Production","signedTransactionInfo":"\#(signedTransactionInfo)"},"#
            + #""version":"2.0","signedDate":\#(at)}"#
    }
}
