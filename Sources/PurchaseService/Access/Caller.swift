package import PurchaseCore

/// What a caller may do; an operation lists the roles that may call it.
package enum Role: String, Hashable, Sendable, CaseIterable {
    /// The app's backend: may name any account.
    case app
    /// A publishable key inside an app: posts, and reads back what it posted.
    case device
    /// A signed-in end user: posts and reads their own.
    case user
    /// Sees customers and changes what support may change; no totals.
    case support
    /// Sees money, changes nothing.
    case finance
    /// Keys, catalogue, settings; not implicitly the others.
    case admin
}

/// A key of this deployment, without its text.
package struct AccessKey: Hashable, Sendable {
    /// The database's number.
    package var id: Int64
    /// One person or system: the "who" of the ledger.
    package var name: String
    /// What it may do.
    package var roles: Set<Role>

    /// Takes every column.
    package init(id: Int64, name: String, roles: Set<Role>) {
        self.id = id
        self.name = name
        self.roles = roles
    }
}

/// Who calls, after authentication.
package struct Caller: Hashable, Sendable {
    /// What every user is called in the ledger; no key can have this name.
    ///
    /// The ledger outlives every account: an event's claim says whose it is, by a number whose text can be erased.
    package static let userName = "user"

    /// The key's name, or ``userName``: the "who" of the ledger.
    package var name: String
    /// What the caller may do.
    package var roles: Set<Role>
    /// The one account that a `user` may name; `nil` for keys.
    package var ownAccount: AccountID?
    /// The key's number; `nil` for users.
    package var keyID: Int64?
    /// The network that the request came from, in one form for each; `nil` when it is not known or doesn't matter.
    package var network: String?

    /// Takes every part.
    package init(
        name: String, roles: Set<Role>, ownAccount: AccountID? = nil, keyID: Int64? = nil, network: String? = nil
    ) {
        self.name = name
        self.roles = roles
        self.ownAccount = ownAccount
        self.keyID = keyID
        self.network = network
    }

    /// A signed-in user.
    package init(user account: AccountID) {
        self.init(name: Self.userName, roles: [.user], ownAccount: account)
    }

    /// Whether the caller sees other people's accounts: by role `app` or `support`.
    package var seesAllAccounts: Bool { roles.contains(.app) || roles.contains(.support) }
}
