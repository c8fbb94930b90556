/// Every setting by its name, which is the same in the environment and in the file; `docs/configuration.md` explains each.
enum SettingName: String, CaseIterable, Sendable {
    case databaseURL = "VOUCH_DATABASE_URL"
    case httpAddress = "VOUCH_HTTP_ADDRESS"
    case operatorAddress = "VOUCH_OPERATOR_ADDRESS"
    case appBundleID = "VOUCH_APP_BUNDLE_ID"
    case appAppleID = "VOUCH_APP_APPLE_ID"
    case appIssuerID = "VOUCH_APP_ISSUER_ID"
    case appKeyID = "VOUCH_APP_KEY_ID"
    case appPrivateKeyFile = "VOUCH_APP_PRIVATE_KEY_FILE"
    case appEnvironments = "VOUCH_APP_ENVIRONMENTS"
    case appUnreleased = "VOUCH_APP_UNRELEASED"
    case sandboxAccounts = "VOUCH_SANDBOX_ACCOUNTS"
    case appStoreProductionURL = "VOUCH_APP_STORE_PRODUCTION_URL"
    case appStoreSandboxURL = "VOUCH_APP_STORE_SANDBOX_URL"
    case appStoreRequestsPerSecond = "VOUCH_APP_STORE_REQUESTS_PER_SECOND"
    case trustedRootsFile = "VOUCH_TRUSTED_ROOTS_FILE"
    case ocsp = "VOUCH_OCSP"
    case ocspHosts = "VOUCH_OCSP_HOSTS"
    case answerWithin = "VOUCH_ANSWER_WITHIN"
    case recheckFirst = "VOUCH_RECHECK_FIRST"
    case recheckMax = "VOUCH_RECHECK_MAX"
    case notFoundDeadline = "VOUCH_NOT_FOUND_DEADLINE"
    case freshFor = "VOUCH_FRESH_FOR"
    case accountTokenRule = "VOUCH_ACCOUNT_TOKEN_RULE"
    case accountTokenNamespace = "VOUCH_ACCOUNT_TOKEN_NAMESPACE"
    case renewalLeeway = "VOUCH_RENEWAL_LEEWAY"
    case catalogue = "VOUCH_CATALOGUE"
    case userIssuer = "VOUCH_USER_ISSUER"
    case userAudience = "VOUCH_USER_AUDIENCE"
    case userJWKS = "VOUCH_USER_JWKS"
    case trustedProxies = "VOUCH_TRUSTED_PROXIES"
    case logLevel = "VOUCH_LOG_LEVEL"

    /// Names in the environment that start like ours and belong to building and testing.
    static func isForDevelopment(_ name: String) -> Bool {
        name.hasPrefix("VOUCH_TEST_") || name == "VOUCH_TARGETS"
    }

    /// The setting whose name is closest to a misspelt one, if one is close.
    static func nearest(to name: String) -> SettingName? {
        let upper = name.uppercased()
        if let exact = SettingName(rawValue: upper) { return exact }
        // Half a word too much or too little is the most common mistake: VOUCH_APP_PRIVATE_KEY, VOUCH_LOG.
        let byPrefix = allCases.filter { $0.rawValue.hasPrefix(upper) || upper.hasPrefix($0.rawValue) }
        if upper.utf8.count > "VOUCH_".utf8.count, byPrefix.count == 1 { return byPrefix.first }
        let ranked = allCases.map { ($0, editDistance($0.rawValue, upper)) }.min { $0.1 < $1.1 }
        guard let (best, distance) = ranked, distance <= 3 else { return nil }
        return best
    }

    private static func editDistance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8.prefix(64)), Array(right.utf8.prefix(64)))
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                current.append(
                    min(previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
