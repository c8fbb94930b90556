import Logging
import PurchaseCore

/// What `vouch products import` reads: the database, and two settings that the policy in force may not tell.
struct ProductsSettings: Sendable {
    /// The database.
    var database: DatabaseSettings
    /// Strict or lenient, where `VOUCH_CATALOGUE` is set; else as it is in force.
    var unknownProducts: Catalogue.UnknownProducts?
    /// Whom Sandbox purchases entitle, where `VOUCH_SANDBOX_ACCOUNTS` is set; else as it is in force.
    var sandboxAccounts: SandboxAccounts?
    /// Whether the settings file carries the products, so that the database's catalogue doesn't count.
    var fileHasProducts: Bool

    /// Reads and checks them; throws all faults at once.
    static func load(environment: [String: String], configPath: String?) throws(SettingsFaults) -> ProductsSettings {
        var reader = try SettingsReader(environment: environment, configPath: configPath)
        let settings = ProductsSettings(reading: &reader)
        return try reader.finish(settings)
    }

    /// Reads them; `nil` only after a fault.
    init?(reading reader: inout SettingsReader) {
        let database = DatabaseSettings(reading: &reader)
        let entitling = EntitlingSettings(reading: &reader, isUnreleased: false)
        unknownProducts = reader.text(.catalogue) == nil ? nil : entitling.catalogue.unknownProducts
        sandboxAccounts = reader.list(.sandboxAccounts) == nil ? nil : entitling.sandboxAccounts
        fileHasProducts = entitling.catalogueIsFromFile
        guard let database else { return nil }
        self.database = database
    }
}
