import HTTPTypes

extension HTTPField.Name {
    /// Names an exchange, in both directions.
    static let requestID = named("X-Request-Id")
    /// Proves to be the poster of a claim.
    static let claimToken = named("Vouch-Claim-Token")

    private static func named(_ text: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(text)") else { preconditionFailure("\(text) is not a field name") }
        return name
    }
}
