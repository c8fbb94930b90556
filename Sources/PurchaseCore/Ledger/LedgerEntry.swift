/// One change that an event makes, as an after-image: applying it again changes nothing more.
package enum LedgerEntry: Hashable, Sendable {
    /// The chain's identity became known, or the chain was opened with it.
    case identified(Chain.Identity)
    /// Another chain took this one in; its transactions and claims are there now.
    case absorbed(by: ChainID)
    /// A transaction's state, refusal or purchase, newly recorded or changed.
    case transaction(Transaction)
    /// Verified evidence was added, and how it stands. Its facts are in its own append-only row.
    case evidence(EvidenceID, Standing)
    /// Newer renewal info of the subscription.
    case renewal(RenewalInfo)
    /// A claim, new or changed.
    case claim(Claim)
    /// A dispute, new or changed.
    case claimCase(ClaimCase)
    /// A delivery, new or changed.
    case grant(Grant)
    /// A right, new or changed.
    case entitlement(Entitlement)
    /// A right that ended.
    case entitlementEnded(Entitlement.ID)
    /// Money moved.
    case movement(Movement)
    /// A person asked for a check; the words of the reason are erasable and referred to by number.
    case checkRequested(TransactionID, reasonNumber: Int64)
    /// What a person decided that an account may use, new or ended.
    case staffOverride(Override)
    /// An account is erased; in the account's own chain.
    case accountErased(Erasure)
    /// An account that is being erased has no claim here any more.
    case claimReleased(AccountNumber)

    /// How an item of evidence stands in its purchase's set after the event.
    package enum Standing: String, Hashable, Codable, Sendable, CaseIterable {
        /// It decides.
        case deciding
        /// It counts, and another item decides.
        case stale
        /// The device's word: takes no part in the set.
        case device
        /// Another app's purchase, or a store that is not allowed: stored, counts for nothing.
        case refused
        /// The same id, signed by the other store than before: stored, counts for nothing, alarmed.
        case otherEnvironment = "other_environment"
    }
}

extension LedgerEntry: Codable {
    private enum Key: String, CodingKey { case kind, value, standing, reasonNumber }
    private enum Kind: String, Codable {
        case identified, absorbed, transaction, evidence, renewal, claim
        case claimCase = "case"
        case grant, entitlement
        case entitlementEnded = "entitlement_ended"
        case movement
        case checkRequested = "check_requested"
        case staffOverride = "override"
        case accountErased = "account_erased"
        case claimReleased = "claim_released"
    }

    /// Reads `{kind, value, …}`; this form is the ledger's for ever: old entries must stay readable.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func value<T: Decodable>(_ type: T.Type = T.self) throws -> T { try container.decode(T.self, forKey: .value) }
        switch try container.decode(Kind.self, forKey: .kind) {
        case .identified: self = .identified(try value())
        case .absorbed: self = .absorbed(by: try value())
        case .transaction: self = .transaction(try value())
        case .evidence: self = .evidence(try value(), try container.decode(Standing.self, forKey: .standing))
        case .renewal: self = .renewal(try value())
        case .claim: self = .claim(try value())
        case .claimCase: self = .claimCase(try value())
        case .grant: self = .grant(try value())
        case .entitlement: self = .entitlement(try value())
        case .entitlementEnded: self = .entitlementEnded(try value())
        case .movement: self = .movement(try value())
        case .checkRequested:
            self = .checkRequested(try value(), reasonNumber: try container.decode(Int64.self, forKey: .reasonNumber))
        case .staffOverride: self = .staffOverride(try value())
        case .accountErased: self = .accountErased(try value())
        case .claimReleased: self = .claimReleased(try value())
        }
    }

    /// Writes `{kind, value, …}`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        func write(_ kind: Kind, _ value: some Encodable) throws {
            try container.encode(kind, forKey: .kind)
            try container.encode(value, forKey: .value)
        }
        switch self {
        case .identified(let identity): try write(.identified, identity)
        case .absorbed(let chain): try write(.absorbed, chain)
        case .transaction(let transaction): try write(.transaction, transaction)
        case .evidence(let id, let standing):
            try write(.evidence, id)
            try container.encode(standing, forKey: .standing)
        case .renewal(let renewal): try write(.renewal, renewal)
        case .claim(let claim): try write(.claim, claim)
        case .claimCase(let claimCase): try write(.claimCase, claimCase)
        case .grant(let grant): try write(.grant, grant)
        case .entitlement(let entitlement): try write(.entitlement, entitlement)
        case .entitlementEnded(let id): try write(.entitlementEnded, id)
        case .movement(let movement): try write(.movement, movement)
        case .checkRequested(let id, let number):
            try write(.checkRequested, id)
            try container.encode(number, forKey: .reasonNumber)
        case .staffOverride(let override): try write(.staffOverride, override)
        case .accountErased(let erasure): try write(.accountErased, erasure)
        case .claimReleased(let account): try write(.claimReleased, account)
        }
    }
}

extension Chain.Identity {
    private enum Key: String, CodingKey { case provisional, environment, originalTransactionId, account }

    /// Reads `{provisional}`, `{account}` or `{environment, originalTransactionId}`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let id = try container.decodeIfPresent(TransactionID.self, forKey: .provisional) {
            self = .provisional(id)
        } else if let account = try container.decodeIfPresent(AccountNumber.self, forKey: .account) {
            self = .account(account)
        } else {
            self = .original(
                try container.decode(StoreEnvironment.self, forKey: .environment),
                try container.decode(OriginalTransactionID.self, forKey: .originalTransactionId))
        }
    }

    /// Writes `{provisional}`, `{account}` or `{environment, originalTransactionId}`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .provisional(let id):
            try container.encode(id, forKey: .provisional)
        case .original(let environment, let id):
            try container.encode(environment, forKey: .environment)
            try container.encode(id, forKey: .originalTransactionId)
        case .account(let account):
            try container.encode(account, forKey: .account)
        }
    }
}
