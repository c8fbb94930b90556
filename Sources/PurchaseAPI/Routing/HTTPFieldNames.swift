import HTTPTypes

extension HTTPField.Name {
    /// Names an exchange, in both directions.
    static let requestID = named("X-Request-Id")
    /// Proves to be the poster of a claim.
    static let claimToken = named("Vouch-Claim-Token")
    /// Who a proxy got the request from, and who that one got it from; believed only as far as trusted proxies wrote it.
    static let forwardedFor = named("X-Forwarded-For")

    private static func named(_ text: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(text)") else { preconditionFailure("\(text) is not a field name") }
        return name
    }
}
