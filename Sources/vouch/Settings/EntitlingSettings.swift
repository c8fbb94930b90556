import PurchaseCore

/// What is sold, and who is entitled by it.
struct EntitlingSettings: Equatable, Sendable {
    /// The most accounts that can be listed for the Sandbox.
    static let sandboxAccountsMax = 10_000

    /// Whom Sandbox purchases entitle.
    var sandboxAccounts = SandboxAccounts.listed([])
    /// What a mismatch of the appAccountToken means.
    var accountTokenRule = AccountTokenRule.matchWhenPresent
    /// The namespace in which an account's token is the UUIDv5 of its id; lower case.
    var accountTokenNamespace: AppAccountToken?
    /// The catalogue: the file's products, or none.
    var catalogue = Catalogue()
    /// Whether the file has a `products` section; the database's catalogue doesn't count then.
    var catalogueIsFromFile = false

    /// The defaults.
    init() {}

    /// Reads everything.
    init(reading reader: inout SettingsReader, isUnreleased: Bool) {
        sandboxAccounts = Self.sandboxAccounts(from: &reader, isUnreleased: isUnreleased)
        accountTokenRule = reader.choice(.accountTokenRule, default: .matchWhenPresent)
        accountTokenNamespace = Self.namespace(from: &reader)
        catalogue.unknownProducts = reader.choice(.catalogue, default: .lenient)
        if let section = reader.products {
            catalogueIsFromFile = true
            var products = CatalogueReader()
            products.read(section)
            catalogue.products = products.products
            for fault in products.faults { reader.fault(fault) }
        }
    }

    private static func sandboxAccounts(
        from reader: inout SettingsReader, isUnreleased: Bool
    ) -> SandboxAccounts {
        guard let entries = reader.list(.sandboxAccounts) else { return isUnreleased ? .all : .listed([]) }
        if entries == ["all"] { return .all }
        guard entries.count <= sandboxAccountsMax else {
            reader.fault(.sandboxAccounts, "more than \(sandboxAccountsMax) accounts", "list fewer, or use all")
            return .listed([])
        }
        var accounts: Set<AccountID> = []
        for entry in entries {
            if entry == "all" {
                reader.fault(.sandboxAccounts, "all, and accounts beside it", "use either all or a list")
            } else if let account = AccountID(validating: entry) {
                accounts.insert(account)
            } else {
                reader.fault(
                    .sandboxAccounts, "\(Printable.quote(entry)) is no account id",
                    "use 1 to 128 of A-Z a-z 0-9 . _ : @ ~ - and |")
            }
        }
        return .listed(accounts)
    }

    private static func namespace(from reader: inout SettingsReader) -> AppAccountToken? {
        guard let text = reader.text(.accountTokenNamespace) else { return nil }
        if let namespace = AppAccountToken(validating: text) { return namespace }
        reader.fault(
            .accountTokenNamespace, "\(Printable.quote(text)) is no UUID, or all zero",
            "use the namespace in which your app makes UUIDv5 tokens from account ids, or remove it")
        return nil
    }
}
