import PurchaseCore
import PurchaseService

extension ParameterReader {
    /// The names of what ``paidRecordsQuery()`` reads.
    static let periodParameters = ["from", "to", "tz", "asOf", "environment"]

    /// The period, the position and the store of a finance query; `nil` only after a fault.
    mutating func paidRecordsQuery() -> PaidRecordsQuery? {
        let form = "Must be a day such as 2026-11-01, or an RFC 3339 instant such as 2026-11-01T00:00:00Z."
        let from = value("from", isRequired: true, rule: form) { PeriodBoundary($0) }
        let to = value("to", isRequired: true, rule: form) { PeriodBoundary($0) }
        let zone = value("tz", rule: "Must be an IANA time zone, such as Europe/Berlin or UTC.") { text in
            PaidRecordsQuery.isTimeZoneName(text) ? text : nil
        }
        let asOf = value("asOf", rule: "Must be a ledger position: a whole number of at most 19 digits.") { text in
            text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
        }
        let environment = value("environment", rule: "Must be Production or Sandbox.") { text in
            StoreEnvironment(rawValue: text)
        }
        guard let from, let to else { return nil }
        return PaidRecordsQuery(
            from: from, to: to, timeZone: zone ?? "UTC", asOf: asOf, environment: environment ?? .production)
    }
}
