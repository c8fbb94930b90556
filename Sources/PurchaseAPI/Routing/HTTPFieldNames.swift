package import HTTPTypes

extension HTTPField.Name {
    /// Names an exchange, in both directions.
    static let requestID = named("X-Request-Id")
    /// Proves to be the poster of a claim.
    static let claimToken = named("Vouch-Claim-Token")
    /// Who a proxy got the request from, and who that one got it from; believed only as far as trusted proxies wrote it.
    package static let forwardedFor = named("X-Forwarded-For")

    /// The ledger position that an answer is as of.
    static let asOf = named("Vouch-As-Of")
    /// The beginning of the period, as an instant.
    static let periodFrom = named("Vouch-From")
    /// The end of the period, as an instant.
    static let periodTo = named("Vouch-To")
    /// How many rows the body has.
    static let rowCount = named("Vouch-Row-Count")
    /// How many of them have no amount.
    static let unpricedRowCount = named("Vouch-Unpriced-Row-Count")
    /// The sums by currency.
    static let totals = named("Vouch-Totals")
    /// From when Apple's notifications are complete.
    static let coverageFrom = named("Vouch-Coverage-From")
    /// Up to when Apple's notifications are complete.
    static let coverageThrough = named("Vouch-Coverage-Through")

    private static func named(_ text: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(text)") else { preconditionFailure("\(text) is not a field name") }
        return name
    }
}
