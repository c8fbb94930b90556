import NIOHTTP1
import PurchaseCore
import PurchaseService

/// One request of the App Store Server API: what goes on the wire, which of Apple's limits it counts against, and
/// which of Apple's codes are definitive for it.
struct AppStoreEndpoint: Sendable {
    /// A stable name for metrics and logs; never an id.
    let name: String
    /// GET or POST.
    let method: HTTPMethod
    /// Begins with a slash and is put behind the base URL; built from checked characters only.
    let path: String
    /// Percent-encoded when it is written out.
    let query: [(name: String, value: String)]
    /// JSON, or none.
    let body: [UInt8]?
    /// Which budget.
    let endpointClass: EndpointClass
    /// Apple's codes that mean "there is no such thing here" for this request, each with the status of its first digits.
    let notFoundCodes: Set<Int64>

    init(
        name: String, method: HTTPMethod = .GET, path: String, query: [(name: String, value: String)] = [],
        body: [UInt8]? = nil, endpointClass: EndpointClass = .standard, notFoundCodes: Set<Int64> = []
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.endpointClass = endpointClass
        self.notFoundCodes = notFoundCodes
    }

    /// Path and query as they follow the base URL.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?"
            + query.map { "\($0.name)=\(Self.percentEncoded($0.value))" }.joined(separator: "&")
    }

    /// Encodes everything but the unreserved characters of RFC 3986.
    static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}

extension AppStoreEndpoint {
    /// Get Transaction Info; `nil` unless the id is 1–32 digits, so that nothing a client sent shapes the path.
    static func transactionInfo(_ id: TransactionID) -> AppStoreEndpoint? {
        guard let checked = TransactionID(validating: id.rawValue) else { return nil }
        return AppStoreEndpoint(
            name: "transaction_info", path: "/inApps/v1/transactions/\(checked.rawValue)",
            notFoundCodes: [
                AppStoreErrorCode.transactionIDNotFound, AppStoreErrorCode.invalidTransactionID,
                AppStoreErrorCode.appTransactionIDNotSupported,
            ])
    }
}
