import AppStoreClient
import PurchaseCore

/// The settings as far as they can be read: what a fault spoils is missing, and the rest is examined all the same.
struct DoctorSettings: Sendable {
    /// Everything that `vouch serve` would complain about, by name.
    let faults: [SettingsFault]
    /// Whether the file of `--config`, if one was named, could be read; nothing else is known without it.
    let isReadable: Bool
    /// The database's URI and log level.
    let database: DatabaseSettings?
    /// The app and its key; `appAppleID` is meaningless when a fault names it.
    let app: AppSettings?
    /// How the App Store is reached.
    let appStore: AppStoreSettings
    /// What is sold.
    let entitling: EntitlingSettings
    /// The identity provider; `nil` while none is set up, or its settings are at fault.
    let users: UserSettings?
    /// The allowed environments, also when the rest of the app's settings is spoilt.
    let environments: Set<StoreEnvironment>
    /// The path of the key file, if one is named.
    let keyPath: String?

    /// Reads what can be read; never throws.
    static func load(environment: [String: String], configPath: String?) -> DoctorSettings {
        do throws(SettingsFaults) {
            let file: SettingsFile? = if let configPath { try SettingsFile(path: configPath) } else { nil }
            return DoctorSettings(environment: environment, file: file)
        } catch {
            return DoctorSettings(unreadable: error.faults)
        }
    }

    private init(environment: [String: String], file: SettingsFile?) {
        var reader = SettingsReader(environment: environment, file: file)
        _ = Settings(reading: &reader)
        let found = reader.faults.sorted { ($0.name, $0.problem) < ($1.name, $1.problem) }
        faults = found
        isReadable = true
        // Each part again by itself, since a fault in one takes the whole away.
        var parts = SettingsReader(environment: environment, file: file)
        database = DatabaseSettings(reading: &parts)
        appStore = AppStoreSettings(reading: &parts)
        // Apple's calls don't need the app's number, so its lack need not stand in their way.
        var lenient = environment
        if found.contains(where: { $0.name == SettingName.appAppleID.rawValue }) {
            lenient[SettingName.appAppleID.rawValue] = "1"
        }
        var appParts = SettingsReader(environment: lenient, file: file)
        app = AppSettings(reading: &appParts)
        entitling = EntitlingSettings(reading: &parts, isUnreleased: app?.isUnreleased ?? false)
        users = UserSettings(reading: &parts)
        let named = (parts.list(.appEnvironments) ?? []).compactMap(StoreEnvironment.init(rawValue:))
        environments = app?.environments ?? (named.isEmpty ? Set(StoreEnvironment.allCases) : Set(named))
        keyPath = parts.text(.appPrivateKeyFile)
    }

    private init(unreadable faults: [SettingsFault]) {
        self.faults = faults
        isReadable = false
        database = nil
        app = nil
        appStore = AppStoreSettings()
        entitling = EntitlingSettings()
        users = nil
        environments = Set(StoreEnvironment.allCases)
        keyPath = nil
    }

    /// The faults of one setting.
    func faults(of name: SettingName) -> [SettingsFault] { faults.filter { $0.name == name.rawValue } }

    /// Why something that needs these settings can't be looked at; `nil` when none of them is at fault.
    func obstacle(_ names: [SettingName]) -> String? {
        guard isReadable else { return "not looked at: the file of --config can't be read" }
        let spoilt = names.filter { !faults(of: $0).isEmpty }.map(\.rawValue)
        return spoilt.isEmpty ? nil : "not looked at for want of \(spoilt.joined(separator: ", "))"
    }

    /// Why Apple can't be asked in an environment; `nil` when it can.
    func obstacle(toAsking environment: StoreEnvironment) -> String? {
        let url = environment == .production ? SettingName.appStoreProductionURL : .appStoreSandboxURL
        return obstacle([.appBundleID, .appIssuerID, .appKeyID, .appPrivateKeyFile, url])
    }
}

extension StoreEnvironment {
    /// The check of the key in this environment.
    var tokenCheck: DoctorCheck {
        switch self {
        case .production: .appStoreProduction
        case .sandbox: .appStoreSandbox
        }
    }

    /// The check of the notifications of this environment.
    var notificationsCheck: DoctorCheck {
        switch self {
        case .production: .notificationsProduction
        case .sandbox: .notificationsSandbox
        }
    }
}
