/// The settings and the catalogue that decisions are made under; the same policy and evidence always decide the same.
package struct Policy: Equatable, Sendable {
    /// Fingerprint of everything below; written into every event.
    package var version: PolicyVersion
    /// The one app of this deployment.
    package var bundleID: BundleID
    /// The stores whose evidence counts; never empty.
    package var allowedEnvironments: Set<StoreEnvironment>
    /// What a mismatch of the app account token means.
    package var accountTokenRule: AccountTokenRule
    /// Who may be entitled by sandbox purchases.
    package var sandboxAccounts: SandboxAccounts
    /// What the app sells.
    package var catalogue: Catalogue
    /// When an unsettled transaction is asked about again.
    package var recheck: RecheckSchedule
    /// How long access lasts beyond a paid period while it is not known whether the subscription was renewed
    /// (`VOUCH_RENEWAL_LEEWAY`).
    package var renewalLeeway: Span

    /// Takes every part; there is no default for a policy.
    package init(
        version: PolicyVersion, bundleID: BundleID, allowedEnvironments: Set<StoreEnvironment>,
        accountTokenRule: AccountTokenRule, sandboxAccounts: SandboxAccounts, catalogue: Catalogue,
        recheck: RecheckSchedule, renewalLeeway: Span
    ) {
        self.version = version
        self.bundleID = bundleID
        self.allowedEnvironments = allowedEnvironments
        self.accountTokenRule = accountTokenRule
        self.sandboxAccounts = sandboxAccounts
        self.catalogue = catalogue
        self.recheck = recheck
        self.renewalLeeway = renewalLeeway
    }
}

/// What to make of the appAccountToken in a purchase (`VOUCH_ACCOUNT_TOKEN_RULE`).
package enum AccountTokenRule: String, Sendable, CaseIterable {
    /// Never compare.
    case ignore
    /// Refuse a claim whose account is known to have another token.
    case matchWhenPresent = "match_when_present"
    /// Also refuse a claim on a purchase that carries no token; family shares never do and are exempt.
    case require
}

/// Which accounts sandbox purchases entitle (`VOUCH_SANDBOX_ACCOUNTS`).
package enum SandboxAccounts: Equatable, Sendable {
    /// Every account: an app that is not released yet.
    case all
    /// These accounts; an empty set means none.
    case listed(Set<AccountID>)

    /// Whether a sandbox purchase may entitle this account; an erased account never.
    package func includes(_ account: AccountID?) -> Bool {
        switch self {
        case .all: true
        case .listed(let accounts): account.map(accounts.contains) ?? false
        }
    }
}

/// What the app sells and what each product entitles to.
package struct Catalogue: Equatable, Sendable {
    /// What an unlisted product means.
    package enum UnknownProducts: String, Sendable, CaseIterable {
        /// It entitles to its own productId.
        case lenient
        /// It entitles to nothing; the money is recorded all the same.
        case strict
    }

    /// Listed products.
    package var products: [ProductID: Product]
    /// What an unlisted product means.
    package var unknownProducts: UnknownProducts

    /// Takes the listed products and the rule for all others.
    package init(products: [ProductID: Product] = [:], unknownProducts: UnknownProducts = .lenient) {
        self.products = products
        self.unknownProducts = unknownProducts
    }

    /// One product's rules.
    package struct Product: Equatable, Sendable {
        /// What a prorated refund does to access.
        package enum ProratedRefund: String, Sendable, CaseIterable {
            /// Access ends.
            case revoke
            /// Access stays; the money record shows the refund all the same.
            case keep
        }

        /// What kind of product it is; it beats Apple's `type` where the two differ.
        package var kind: ProductType
        /// The keys an account gains; not used for consumables.
        package var entitlements: [String]
        /// Units delivered per quantity of a consumable; at least 1.
        package var units: Int64
        /// Length of a non-renewing subscription; `nil` lasts until refunded.
        package var duration: CalendarDuration?
        /// Whether family members are entitled.
        package var familySharing: Bool
        /// How long a verified purchase waits before it is confirmed again and paid.
        package var settlementHold: Span
        /// What a prorated refund does to access.
        package var onProratedRefund: ProratedRefund

        /// Takes a kind; the rest has design's defaults.
        package init(
            kind: ProductType, entitlements: [String], units: Int64 = 1, duration: CalendarDuration? = nil,
            familySharing: Bool = true, settlementHold: Span = .zero, onProratedRefund: ProratedRefund = .revoke
        ) {
            self.kind = kind
            self.entitlements = entitlements
            self.units = units
            self.duration = duration
            self.familySharing = familySharing
            self.settlementHold = settlementHold
            self.onProratedRefund = onProratedRefund
        }
    }

    /// The rules for a product: the listed ones, else the lenient default, else `nil` (strict and unknown).
    package func rules(for product: ProductID, type: ProductType?) -> Product? {
        if let listed = products[product] { return listed }
        switch unknownProducts {
        case .strict: return nil
        case .lenient: return Product(kind: type ?? .unknown(""), entitlements: [product.rawValue])
        }
    }
}
