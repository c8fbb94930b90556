/// The body of a Get Notification History call, checked as Apple documents it.
struct NotificationHistoryQuery: Sendable {
    /// How far back the history goes.
    static func horizon(in environment: SimulatedEnvironment) -> Int64 {
        switch environment {
        case .production: 180 * Milliseconds.day
        case .sandbox: 30 * Milliseconds.day
        }
    }

    private let startDate: Int64
    private let endDate: Int64
    private let kind: NotificationKind?
    private let transactionID: String?
    private let onlyFailures: Bool

    /// Reads the body; `sentTypes` are types that the filter accepts besides Apple's documented ones.
    init(
        _ body: [UInt8], in environment: SimulatedEnvironment, now: Int64, sentTypes: (String) -> Bool
    ) throws(StoreFailure) {
        guard let object = (try? SimulatorJSON(parsing: body))?.objectValue else { throw .store(.generalBadRequest) }
        guard let startDate = object["startDate"]?.integerValue else { throw .store(.invalidStartDate) }
        guard let endDate = object["endDate"]?.integerValue else { throw .store(.invalidEndDate) }
        guard startDate >= now - Self.horizon(in: environment) else { throw .store(.startDateTooFarInPast) }
        guard startDate < endDate else { throw .store(.startDateAfterEndDate) }
        let type = try Self.text(object["notificationType"], else: .invalidNotificationType)
        let subtype = try Self.text(object["notificationSubtype"], else: .invalidNotificationType)
        transactionID = try Self.text(object["transactionId"], else: .invalidTransactionID)
        if type != nil || subtype != nil, transactionID != nil { throw .store(.multipleFiltersSupplied) }
        if let transactionID, !transactionID.isTransactionID { throw .store(.invalidTransactionID) }
        if let type, !NotificationKind.knownTypes.contains(type), !sentTypes(type) {
            throw .store(.invalidNotificationType)
        }
        if type == nil, subtype != nil { throw .store(.invalidNotificationType) }
        switch object["onlyFailures"] {
        case nil, .null: onlyFailures = false
        case .bool(let value): onlyFailures = value
        default: throw .store(.generalBadRequest)
        }
        kind = type.map { NotificationKind($0, subtype) }
        (self.startDate, self.endDate) = (startDate, endDate)
    }

    /// Whether a notification belongs into the answer; `customer` is whose transaction the filter names.
    func allows(_ record: NotificationRecord, customer: String?) -> Bool {
        guard startDate <= record.createdAt, record.createdAt < endDate else { return false }
        if let kind {
            guard kind.notificationType == record.kind.notificationType,
                kind.subtype == nil || kind.subtype == record.kind.subtype
            else { return false }
        }
        if transactionID != nil {
            guard let subject = record.subject, subject.appTransactionID == customer else { return false }
        }
        return !onlyFailures || record.isUndelivered
    }

    /// The customer whom the filter names; `nil`: no filter by transaction, or nobody's.
    func customer(in book: TransactionBook, environment: SimulatedEnvironment) -> String? {
        transactionID.flatMap { book.transactions[TransactionKey(environment: environment, id: $0)]?.appTransactionID }
    }

    /// What must be the same in each call of a sequence of pages.
    private var canonicalText: String {
        let parts = [
            String(startDate), String(endDate), kind?.notificationType ?? "", kind?.subtype ?? "", transactionID ?? "",
            String(onlyFailures),
        ]
        return parts.joined(separator: ",")
    }

    /// The token of the page after the notification `number`.
    func token(after number: Int, epoch: Int64) -> String {
        Base64.url(Array("notifications|\(epoch)|\(number)|\(canonicalText)".utf8))
    }

    /// The notification after which the page begins that a token names; 0 without a token.
    func number(of tokens: [String], epoch: Int64) throws(StoreFailure) -> Int {
        guard let token = tokens.first else { return 0 }
        guard tokens.count == 1, let bytes = Base64.decodeURL(token) else { throw .store(.invalidPaginationToken) }
        let parts = String(decoding: bytes, as: UTF8.self)
            .split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "notifications", let tokenEpoch = Int64(parts[1]),
            let number = Int(parts[2]), parts[3] == canonicalText
        else { throw .store(.invalidPaginationToken) }
        guard tokenEpoch == epoch else { throw .store(.paginationTokenExpired) }
        return number
    }

    private static func text(_ value: SimulatorJSON?, else error: StoreError) throws(StoreFailure) -> String? {
        switch value {
        case nil, .null: nil
        case .string(let text): text
        default: throw .store(error)
        }
    }
}
