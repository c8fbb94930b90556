import Postgres
import PurchaseCore
import PurchaseService

/// JSON as the ledger keeps it: keys sorted, so that equal values are equal text.
enum LedgerJSON {
    static func text(_ value: some Encodable) throws(LedgerError) -> String {
        let writer = LedgerJSONWriter()
        do {
            try writer.write(value)
        } catch {
            throw LedgerError(.refused, "a \(type(of: value)) can't be written as JSON")
        }
        return writer.text.string
    }

    static func value<T: Decodable>(_ text: String, as type: T.Type = T.self) throws(LedgerError) -> T {
        do {
            return try LedgerJSONReader.read(text, as: T.self)
        } catch {
            throw LedgerError(.unreadable, "a stored \(type) can't be read")
        }
    }
}

extension LedgerError {
    /// The ledger's view of a database error: its message carries the code, the SQLSTATE and the constraint, no values.
    init(_ error: PostgresError) {
        switch error.code {
        case .queueFull, .poolExhausted: self.init(.overloaded, error.description)
        case .commitOutcomeUnknown, .connectionLost: self.init(.outcomeUnknown, error.description)
        case .server where !error.retryable && error.sqlState?.hasPrefix("57") != true:
            self.init(.refused, error.description)
        case .decodingFailed: self.init(.unreadable, error.description)
        case .statementInvalid, .transactionLeftOpen: self.init(.refused, error.description)
        default: self.init(.unavailable, error.description)
        }
    }
}

extension PostgresTimestamp {
    /// A timestamptz of an instant.
    init(_ instant: Instant) {
        let (microseconds, overflow) = instant.millisecondsSince1970.multipliedReportingOverflow(by: 1_000)
        self.init(
            microsecondsSinceUnixEpoch: overflow ? (instant.millisecondsSince1970 > 0 ? .max : .min) : microseconds)
    }

    /// The instant, rounded down to the millisecond.
    var instant: Instant {
        Instant(millisecondsSince1970: microsecondsSinceUnixEpoch.flooredMilliseconds)
    }
}

extension Int64 {
    fileprivate var flooredMilliseconds: Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: 1_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
