/// One append-only row of the ledger, as replay reads it.
package struct LedgerEvent: Hashable, Sendable {
    /// The chain.
    package let chainID: ChainID
    /// The chain's version after this event: 1, 2, 3 … without gaps.
    package let chainVersion: Int64
    /// What it changed, in order.
    package let entries: [LedgerEntry]

    /// Takes the three columns that replay needs.
    package init(chainID: ChainID, chainVersion: Int64, entries: [LedgerEntry]) {
        self.chainID = chainID
        self.chainVersion = chainVersion
        self.entries = entries
    }
}

/// Why a chain's events do not replay.
package enum ReplayFault: Error, Hashable, Sendable {
    /// A version is missing or doubled.
    case versionOutOfOrder(expected: Int64, found: Int64)
    /// An event refers to evidence that has no row.
    case evidenceMissing(EvidenceID)
    /// The first event does not say what the chain is.
    case unidentified
}

extension Chain {
    /// Rebuilds a chain from its events and its evidence rows alone; equals the stored chain's ``replayable`` part.
    package static func replay(
        _ events: [LedgerEvent], evidence: [EvidenceID: Evidence]
    ) throws(ReplayFault) -> Chain {
        guard let first = events.first, case .identified(let identity)? = first.entries.first else {
            throw .unidentified
        }
        var chain = Chain(identity: identity)
        chain.id = first.chainID
        for event in events {
            guard event.chainVersion == chain.version + 1 else {
                throw .versionOutOfOrder(expected: chain.version + 1, found: event.chainVersion)
            }
            for case .evidence(let id, _) in event.entries where chain.evidence[id] == nil {
                guard let item = evidence[id] else { throw .evidenceMissing(id) }
                chain.evidence[id] = item
            }
            for entry in event.entries { chain.apply(entry) }
            chain.version = event.chainVersion
        }
        return chain
    }

    /// Makes one change; evidence itself is added by the caller, who has its facts.
    mutating func apply(_ entry: LedgerEntry) {
        switch entry {
        case .identified(let identity):
            self.identity = identity
        case .absorbed(let chain):
            absorbedBy = chain
            transactions = [:]
            claims = [:]
            checks = [:]
        case .transaction(let transaction):
            transactions[transaction.id] = transaction
        case .evidence, .checkRequested:
            break
        case .renewal(let newer):
            renewal = newer
        case .claim(let claim):
            claims[claim.account] = claim
        case .claimCase(let claimCase):
            cases[claimCase.id] = claimCase
        case .grant(let grant):
            grants[grant.id] = grant
        case .entitlement(let entitlement):
            entitlements[entitlement.id] = entitlement
        case .entitlementEnded(let id):
            entitlements[id] = nil
        case .staffOverride(let override):
            overrides[override.id] = override
        case .accountErased(let made):
            erasure = made
        case .claimReleased(let account):
            claims[account] = nil
        case .movement(let movement):
            if !movements.contains(where: { $0.rowID == movement.rowID }) { movements.append(movement) }
        }
    }
}
