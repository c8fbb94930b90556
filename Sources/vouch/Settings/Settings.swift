import AppStoreClient
import AppStoreJWS
import Logging
import PurchaseCore

/// Everything that `vouch serve` needs to know, checked.
struct Settings: Sendable {
    /// libpq's connection URI; holds the password, so it is never shown.
    var databaseURL: String
    /// Where the API listens.
    var httpAddress = ListenAddress(host: "127.0.0.1", port: 8080)
    /// Where the health checks for operators are served.
    var operatorAddress = ListenAddress(host: "127.0.0.1", port: 9090)
    /// Addresses whose `X-Forwarded-*` headers are believed.
    var trustedProxies: [IPNetwork] = []
    /// What is logged.
    var logLevel = Logger.Level.info
    /// The one app.
    var app: AppSettings
    /// How the App Store is reached and what is believed of it.
    var appStore = AppStoreSettings()
    /// Who is entitled by what.
    var entitling: EntitlingSettings
    /// Waits and deadlines.
    var times = TimeSettings()
    /// The identity provider; `nil` turns the role `user` off.
    var users: UserSettings?

    /// Reads and checks everything; throws all faults at once.
    static func load(environment: [String: String], configPath: String?) throws(SettingsFaults) -> Settings {
        var reader = try SettingsReader(environment: environment, configPath: configPath)
        let settings = Settings(reading: &reader)
        return try reader.finish(settings)
    }

    /// Reads everything; `nil` only after a fault.
    init?(reading reader: inout SettingsReader) {
        let database = DatabaseSettings(reading: &reader)
        let httpAddress = Self.address(.httpAddress, 8080, from: &reader)
        let operatorAddress = Self.address(.operatorAddress, 9090, from: &reader)
        if httpAddress == operatorAddress, httpAddress.port != 0 {
            reader.fault(.operatorAddress, "the same as VOUCH_HTTP_ADDRESS", "use another port")
        }
        let trustedProxies = Self.proxies(from: &reader)
        let app = AppSettings(reading: &reader)
        let appStore = AppStoreSettings(reading: &reader)
        let entitling = EntitlingSettings(reading: &reader, isUnreleased: app?.isUnreleased ?? false)
        let times = TimeSettings(reading: &reader)
        let users = UserSettings(reading: &reader)
        guard let database, let app else { return nil }
        self.databaseURL = database.databaseURL
        self.logLevel = database.logLevel
        self.httpAddress = httpAddress
        self.operatorAddress = operatorAddress
        self.trustedProxies = trustedProxies
        self.app = app
        self.appStore = appStore
        self.entitling = entitling
        self.times = times
        self.users = users
    }

    private static func address(
        _ name: SettingName, _ port: Int, from reader: inout SettingsReader
    ) -> ListenAddress {
        let fallback = ListenAddress(host: "127.0.0.1", port: port)
        guard let text = reader.text(name) else { return fallback }
        if let address = ListenAddress(text) { return address }
        reader.fault(
            name, "\(Printable.quote(text)) is not of the form HOST:PORT",
            "use \(fallback), or 0.0.0.0:\(port) and [::]:\(port) for every interface")
        return fallback
    }

    private static func proxies(from reader: inout SettingsReader) -> [IPNetwork] {
        var networks: [IPNetwork] = []
        for entry in reader.list(.trustedProxies) ?? [] {
            if let network = IPNetwork(entry) {
                networks.append(network)
            } else {
                reader.fault(
                    .trustedProxies, "\(Printable.quote(entry)) is neither an address nor a network",
                    "use forms such as 10.0.0.10, 10.0.0.0/24 or 2001:db8::/32")
            }
        }
        return networks
    }
}

/// What the commands that only need the database read.
struct DatabaseSettings: Sendable {
    /// libpq's connection URI; holds the password, so it is never shown.
    var databaseURL: String
    /// What is logged.
    var logLevel: Logger.Level

    /// Reads and checks both; throws all faults at once.
    static func load(environment: [String: String], configPath: String?) throws(SettingsFaults) -> DatabaseSettings {
        var reader = try SettingsReader(environment: environment, configPath: configPath)
        let settings = DatabaseSettings(reading: &reader)
        return try reader.finish(settings)
    }

    /// Reads both; `nil` only after a fault.
    init?(reading reader: inout SettingsReader) {
        logLevel = reader.choice(.logLevel, default: Logger.Level.info)
        let example = "postgresql://USER@HOST/DATABASE"
        guard let text = reader.required(.databaseURL, "use a libpq URI such as \(example)") else { return nil }
        // Nothing of the text is ever shown: it may hold a password, in any form of it.
        guard let schemeEnd = text.firstRange(of: "://"),
            ["postgresql", "postgres"].contains(text[..<schemeEnd.lowerBound]), schemeEnd.upperBound < text.endIndex,
            text.unicodeScalars.allSatisfy({ Printable.isPrintable($0) && $0 != " " })
        else {
            reader.fault(.databaseURL, "not a libpq URI", "use the form \(example), special characters as %XX")
            return nil
        }
        guard Self.hasSoundEscapes(text) else {
            reader.fault(.databaseURL, "a % is not followed by two hexadecimal digits", "write % itself as %25")
            return nil
        }
        guard Self.hasSoundAuthority(text[schemeEnd.upperBound...]) else {
            reader.fault(
                .databaseURL, "user, password, hosts and ports can't be told apart",
                "write @ / ? : of a password as %40 %2F %3F %3A, and ports as numbers")
            return nil
        }
        databaseURL = text
    }

    /// Whether libpq would read the parts as they were meant: it takes a stray `@` or `/` of a password for an end, and
    /// then names the rest of the password in its messages as a host or a port.
    private static func hasSoundAuthority(_ rest: Substring) -> Bool {
        let beforeQuery = rest.prefix { $0 != "?" }
        guard beforeQuery.count(where: { $0 == "@" }) <= 1 else { return false }
        let authority = beforeQuery.prefix { $0 != "/" }
        guard authority.contains("@") || !beforeQuery.contains("@") else { return false }
        let hosts = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return hosts.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { host in
            let isBracketed = host.hasPrefix("[")
            let afterHost = isBracketed ? host.drop { $0 != "]" }.dropFirst() : host.drop { $0 != ":" }
            if isBracketed, !host.contains("]") { return false }
            guard let colon = afterHost.first else { return true }
            let port = afterHost.dropFirst()
            return colon == ":" && (port.isEmpty || UInt16(port) != nil && port.allSatisfy(\.isNumber))
        }
    }

    private static func hasSoundEscapes(_ text: String) -> Bool {
        text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy { part in
            part.utf8.count >= 2 && part.prefix(2).allSatisfy { $0.isASCII && $0.isHexDigit } && !part.hasPrefix("00")
        }
    }
}

/// What `vouch verify` reads.
struct VerifySettings: Sendable {
    /// The roots that a chain may end in.
    var trustedRoots: TrustedRoots

    /// Reads and checks it.
    static func load(environment: [String: String], configPath: String?) throws(SettingsFaults) -> VerifySettings {
        var reader = try SettingsReader(environment: environment, configPath: configPath)
        let roots = AppStoreSettings.trustedRoots(from: &reader)
        return try reader.finish(VerifySettings(trustedRoots: roots))
    }
}

// The database's URI holds its password: neither a log line nor `dump` may show it by accident.

extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A placeholder.
    var description: String { "Settings(redacted)" }
    /// A placeholder.
    var debugDescription: String { description }
    /// Nothing inside.
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension DatabaseSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A placeholder.
    var description: String { "DatabaseSettings(redacted)" }
    /// A placeholder.
    var debugDescription: String { description }
    /// Nothing inside.
    var customMirror: Mirror { Mirror(self, children: []) }
}
