/// One call to the App Store Server API, free of HTTP types.
struct StoreCall: Sendable {
    let method: String
    let environment: SimulatedEnvironment
    /// Without the environment's base path and the query.
    let path: String
    let query: [(name: String, value: String)]
    /// The `Authorization` header.
    let authorization: String?
    let endpoint: StoreEndpoint
    /// The request's body.
    let body: [UInt8]

    init(
        method: String, environment: SimulatedEnvironment, path: String, query: [(name: String, value: String)] = [],
        authorization: String? = nil, body: [UInt8] = []
    ) {
        self.method = method
        self.environment = environment
        self.path = path
        self.query = query
        self.authorization = authorization
        self.endpoint = StoreEndpoint(method: method, path: path)
        self.body = body
    }

    /// All values of a query parameter.
    func values(_ name: String) -> [String] {
        query.filter { $0.name == name }.map(\.value)
    }
}

/// What the simulated store answers, and how it gets over the wire.
struct StoreAnswer: Sendable {
    enum Delivery: Hashable, Sendable {
        case whole
        case slow(bytesPerSecond: Int)
        case cut
        case hangs
        /// The `Date` header states this time: seconds since 1970 UTC.
        case skewedDate(Int64)
        /// `body` comes first, then filler, then the end of the JSON text.
        case oversized(bytes: Int)
    }

    var status: Int
    var contentType: String?
    var body: [UInt8]
    /// Milliseconds since 1970 UTC.
    var retryAfter: Int64?
    var delayMilliseconds: Int64 = 0
    var delivery = Delivery.whole
    /// For the list of calls alone.
    var note: String?

    init(status: Int, contentType: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    static func json(_ object: SimulatorJSONObject, status: Int = 200) -> StoreAnswer {
        StoreAnswer(status: status, contentType: "application/json", body: object.bytes)
    }

    static func text(_ text: String, status: Int, contentType: String = "text/plain") -> StoreAnswer {
        StoreAnswer(status: status, contentType: contentType, body: Array(text.utf8))
    }

    /// The 401 of Apple's gateway: plain text and no error code.
    static func unauthenticated(note: String) -> StoreAnswer {
        var answer = text("Unauthenticated", status: 401)
        answer.note = note
        return answer
    }

    static func error(_ error: StoreError) -> StoreAnswer {
        self.error(code: error.rawValue, message: error.message)
    }

    /// An error in Apple's form; the status is the code's first three digits.
    static func error(code: Int64, message: String, status: Int? = nil) -> StoreAnswer {
        json(["errorCode": .integer(code), "errorMessage": .string(message)], status: status ?? Int(code / 10_000))
    }
}

/// The error codes of Apple's that the simulator answers with by itself.
enum StoreError: Int64 {
    case generalBadRequest = 4_000_000
    case invalidRequestRevision = 4_000_005
    case invalidTransactionID = 4_000_006
    case startDateTooFarInPast = 4_000_012
    case invalidPaginationToken = 4_000_014
    case invalidStartDate = 4_000_015
    case invalidEndDate = 4_000_016
    case startDateAfterEndDate = 4_000_013
    case paginationTokenExpired = 4_000_017
    case invalidNotificationType = 4_000_018
    case multipleFiltersSupplied = 4_000_019
    case invalidTestNotificationToken = 4_000_020
    case invalidSort = 4_000_021
    case invalidProductType = 4_000_022
    case invalidInAppOwnershipType = 4_000_026
    case invalidRevoked = 4_000_030
    case invalidStatus = 4_000_031
    case appTransactionIDNotSupported = 4_000_048
    case serverNotificationURLNotFound = 4_040_007
    case testNotificationNotFound = 4_040_008
    case transactionIDNotFound = 4_040_010
    case rateLimitExceeded = 4_290_000
    case generalInternal = 5_000_000
    case generalInternalRetryable = 5_000_001

    var message: String {
        switch self {
        case .generalBadRequest: "Bad request."
        case .invalidRequestRevision: "Invalid request revision."
        case .invalidTransactionID: "Invalid transaction id."
        case .startDateTooFarInPast: "Invalid request. The start date is earlier than the allowed start date."
        case .invalidPaginationToken: "Invalid request. The pagination token is invalid."
        case .paginationTokenExpired: "Invalid request. The pagination token has expired."
        case .invalidNotificationType: "Invalid request. The notification type or subtype is invalid."
        case .multipleFiltersSupplied: "Invalid request. Supply either a transaction id or a notification type."
        case .invalidStartDate: "Invalid start date."
        case .invalidEndDate: "Invalid end date."
        case .startDateAfterEndDate: "Invalid request. The start date is after the end date."
        case .invalidTestNotificationToken: "Invalid test notification token."
        case .invalidSort: "Invalid request. The sort query parameter is invalid."
        case .invalidProductType: "Invalid request. The productType query parameter is invalid."
        case .invalidInAppOwnershipType: "Invalid request. The inAppOwnershipType query parameter is invalid."
        case .invalidRevoked: "Invalid request. The revoked query parameter is invalid."
        case .invalidStatus: "Invalid request. The status query parameter is invalid."
        case .appTransactionIDNotSupported: "Invalid request. The app transaction id is not supported."
        case .serverNotificationURLNotFound: "No App Store Server Notification URL found for provided app."
        case .testNotificationNotFound: "Either the test notification token is expired or it is not yet available."
        case .transactionIDNotFound: "Transaction id not found."
        case .rateLimitExceeded: "Rate limit exceeded."
        case .generalInternal: "An unknown error occurred."
        case .generalInternalRetryable: "An unknown error occurred. Please try again."
        }
    }

    /// Apple's wording of a code that a fault names, or a plain one.
    static func message(for code: Int64) -> String {
        StoreError(rawValue: code)?.message ?? "Simulated error \(code)."
    }
}
