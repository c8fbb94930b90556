import PurchaseCore
package import PurchaseService

/// What a request about money says, in a query of the API or a form of the console.
package enum PaidRecordsRequest {
    /// The names of what ``query(_:)`` reads.
    package static let periodParameters = ["from", "to", "tz", "asOf", "environment"]

    /// The names of what ``format(_:)`` reads.
    package static let formatParameters = ["format", "bom"]

    /// The period, the position and the store; `nil` only after a fault.
    package static func query(_ parameters: inout some FieldReader) -> PaidRecordsQuery? {
        let form = "Must be a day such as 2026-11-01, or an RFC 3339 instant such as 2026-11-01T00:00:00Z."
        let from = parameters.value("from", isRequired: true, rule: form) { PeriodBoundary($0) }
        let to = parameters.value("to", isRequired: true, rule: form) { PeriodBoundary($0) }
        let zone = parameters.value("tz", rule: "Must be an IANA time zone, such as Europe/Berlin or UTC.") { text in
            PaidRecordsQuery.isTimeZoneName(text) ? text : nil
        }
        let asOf = parameters.value(
            "asOf", rule: "Must be a ledger position: a whole number of at most 19 digits."
        ) { text in
            text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
        }
        let environment = parameters.value("environment", rule: "Must be Production or Sandbox.") { text in
            StoreEnvironment(rawValue: text)
        }
        guard let from, let to else { return nil }
        return PaidRecordsQuery(
            from: from, to: to, timeZone: zone ?? "UTC", asOf: asOf, environment: environment ?? .production)
    }

    /// How an export is written; CSV without a byte order mark unless something else is said.
    package static func format(_ parameters: inout some FieldReader) -> PaidRecordsFormat {
        let isCSV = parameters.value("format", rule: "Must be csv or ndjson.") { ["csv": true, "ndjson": false][$0] }
        let mark = parameters.value("bom", rule: "Must be true or false.") { ["true": true, "false": false][$0] }
        if isCSV == false, mark == true { parameters.blame("bom", "Is for CSV alone; leave it out.") }
        return isCSV ?? true ? .csv(byteOrderMark: mark ?? false) : .ndjson
    }
}
