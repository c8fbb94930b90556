import PurchaseCore

/// One entry of each kind, and the form in which the ledger has kept it since the first version.
///
/// This form is for ever: rows that were written once are never rewritten. A change here that is not an added,
/// optional member breaks every deployed ledger, so the expected text is only ever appended to.
enum GoldenEntries {
    static let evidence = EvidenceID(
        sha256: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", source: .appStore)
    static let purchase = PurchaseID("production.purchased.1001")

    static var paid: Transaction {
        var transaction = Transaction(id: TransactionID("1001"), recordedAt: Instant(millisecondsSince1970: 1_000))
        transaction.state = .paid(.confirmed, deciding: evidence)
        transaction.purchaseID = purchase
        transaction.updatedAt = Instant(millisecondsSince1970: 2_000)
        return transaction
    }

    static var refused: Transaction {
        var transaction = Transaction(id: TransactionID("1002"), recordedAt: Instant(millisecondsSince1970: 1_000))
        transaction.state = .pending(.notFoundYet)
        transaction.refusal = .notFound
        return transaction
    }

    static var refunded: Transaction {
        var transaction = paid
        transaction.state = .refunded(.prorated, deciding: evidence)
        return transaction
    }

    static var claim: Claim {
        var claim = Claim(
            account: AccountNumber(7), transactionID: TransactionID("1001"),
            claimedAt: Instant(millisecondsSince1970: 1_000))
        claim.status = .conflict
        claim.tokenComparison = .notComparable
        claim.caseID = CaseID("case-production-1001-7")
        return claim
    }

    static var refusedClaim: Claim {
        var claim = Claim(
            account: AccountNumber(8), transactionID: TransactionID("1001"),
            claimedAt: Instant(millisecondsSince1970: 1_000))
        claim.status = .refused
        claim.refusal = .accountTokenMismatch
        claim.tokenComparison = .mismatch
        return claim
    }

    static let grant = Grant(
        id: GrantID("production.purchased.1001.grant.1"), kind: .grant, status: .open, account: AccountNumber(7),
        purchaseID: purchase, transactionID: TransactionID("1001"), productID: ProductID("coins"), amount: 100,
        environment: .production, createdAt: Instant(millisecondsSince1970: 2_000))

    static let entitlement = Entitlement(
        id: Entitlement.ID(transactionID: TransactionID("1001"), key: "pro"), account: AccountNumber(7),
        productID: ProductID("unlock"), environment: .production, originalTransactionID: OriginalTransactionID("1001"),
        state: .paid, rule: .paid, since: Instant(millisecondsSince1970: 500),
        until: Instant(millisecondsSince1970: 9_000))

    static var inGrace: Entitlement {
        var copy = entitlement
        copy.extended = Entitlement.Extended(reason: .gracePeriod, from: Instant(millisecondsSince1970: 8_000))
        return copy
    }

    static var renewal: RenewalInfo {
        var facts = RenewalFacts(
            originalTransactionID: OriginalTransactionID("1001"), environment: .production,
            signedDate: Instant(millisecondsSince1970: 4_000))
        facts.productID = ProductID("monthly")
        facts.autoRenewProductID = ProductID("yearly")
        facts.autoRenewStatus = 1
        facts.expirationIntent = 2
        facts.isInBillingRetryPeriod = true
        facts.gracePeriodExpiresDate = Instant(millisecondsSince1970: 9_000)
        facts.priceIncreaseStatus = 0
        facts.renewalDate = Instant(millisecondsSince1970: 8_000)
        return RenewalInfo(id: evidence, facts: facts, seenAt: Instant(millisecondsSince1970: 5_000))
    }

    static let movement = Movement(
        rowID: "production.purchased.1001.refund_adjustment.1.2", kind: .refundAdjustment, purchaseID: purchase,
        generation: 1, step: 2, transactionID: TransactionID("1001"), occurredAt: Instant(millisecondsSince1970: 500),
        amountMilliunits: -4_990, currency: "EUR", evidence: evidence)

    static let unpriced = Movement(
        rowID: "production.purchased.1001.sale.1.0", kind: .sale, purchaseID: purchase, generation: 1, step: 0,
        transactionID: TransactionID("1001"), occurredAt: Instant(millisecondsSince1970: 500), amountMilliunits: nil,
        currency: nil, evidence: evidence)

    static var entries: [(name: String, entry: LedgerEntry, json: String)] { first + staff }

    private static var first: [(name: String, entry: LedgerEntry, json: String)] {
        [
            (
                "identified, provisional", .identified(.provisional(TransactionID("1001"))),
                #"{"kind":"identified","value":{"provisional":"1001"}}"#
            ),
            (
                "identified, original", .identified(.original(.sandbox, OriginalTransactionID("1001"))),
                #"{"kind":"identified","value":{"environment":"Sandbox","originalTransactionId":"1001"}}"#
            ),
            ("absorbed", .absorbed(by: ChainID(42)), #"{"kind":"absorbed","value":42}"#),
            (
                "transaction, new",
                .transaction(Transaction(id: TransactionID("1001"), recordedAt: Instant(millisecondsSince1970: 1_000))),
                #"{"kind":"transaction","value":{"createdAt":1000,"id":"1001","state":{"name":"received","reason":"new"},"updatedAt":1000}}"#
            ),
            (
                "transaction, paid", .transaction(paid),
                #"{"kind":"transaction","value":{"createdAt":1000,"id":"1001","purchaseID":"production.purchased.1001","state":{"deciding":{"sha256":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","source":"app_store"},"name":"paid","reason":"confirmed"},"updatedAt":2000}}"#
            ),
            (
                "transaction, refunded", .transaction(refunded),
                #"{"kind":"transaction","value":{"createdAt":1000,"id":"1001","purchaseID":"production.purchased.1001","state":{"deciding":{"sha256":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","source":"app_store"},"name":"refunded","reason":"refund_prorated"},"updatedAt":2000}}"#
            ),
            (
                "transaction, refused", .transaction(refused),
                #"{"kind":"transaction","value":{"createdAt":1000,"id":"1002","refusal":"not_found","state":{"name":"pending","reason":"not_found_yet"},"updatedAt":1000}}"#
            ),
            (
                "evidence", .evidence(evidence, .otherEnvironment),
                #"{"kind":"evidence","standing":"other_environment","value":{"sha256":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","source":"app_store"}}"#
            ),
            (
                "renewal", .renewal(renewal),
                #"{"kind":"renewal","value":{"facts":{"autoRenewProductId":"yearly","autoRenewStatus":1,"environment":"Production","expirationIntent":2,"gracePeriodExpiresDate":9000,"isInBillingRetryPeriod":true,"originalTransactionId":"1001","priceIncreaseStatus":0,"productId":"monthly","renewalDate":8000,"signedDate":4000},"id":{"sha256":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","source":"app_store"},"seenAt":5000}}"#
            ),
            (
                "entitlement in grace", .entitlement(inGrace),
                #"{"kind":"entitlement","value":{"account":7,"environment":"Production","extended":{"from":8000,"reason":"grace_period"},"id":{"key":"pro","transactionID":"1001"},"originalTransactionID":"1001","productID":"unlock","rule":"paid","since":500,"state":"paid","until":9000}}"#
            ),
            (
                "claim in conflict", .claim(claim),
                #"{"kind":"claim","value":{"account":7,"caseID":"case-production-1001-7","claimedAt":1000,"status":"conflict","tokenComparison":"not_comparable","transactionID":"1001"}}"#
            ),
            (
                "claim refused", .claim(refusedClaim),
                #"{"kind":"claim","value":{"account":8,"claimedAt":1000,"refusal":"account_token_mismatch","status":"refused","tokenComparison":"mismatch","transactionID":"1001"}}"#
            ),
            (
                "case",
                .claimCase(
                    ClaimCase(
                        id: CaseID("case-production-1001-7"), account: AccountNumber(7), status: .open,
                        openedAt: Instant(millisecondsSince1970: 3_000))),
                #"{"kind":"case","value":{"account":7,"id":"case-production-1001-7","openedAt":3000,"status":"open"}}"#
            ),
            (
                "grant", .grant(grant),
                #"{"kind":"grant","value":{"account":7,"amount":100,"createdAt":2000,"environment":"Production","id":"production.purchased.1001.grant.1","kind":"grant","productID":"coins","purchaseID":"production.purchased.1001","status":"open","transactionID":"1001"}}"#
            ),
            (
                "entitlement", .entitlement(entitlement),
                #"{"kind":"entitlement","value":{"account":7,"environment":"Production","id":{"key":"pro","transactionID":"1001"},"originalTransactionID":"1001","productID":"unlock","rule":"paid","since":500,"state":"paid","until":9000}}"#
            ),
            (
                "entitlement ended", .entitlementEnded(entitlement.id),
                #"{"kind":"entitlement_ended","value":{"key":"pro","transactionID":"1001"}}"#
            ),
            (
                "movement", .movement(movement),
                #"{"kind":"movement","value":{"amountMilliunits":-4990,"currency":"EUR","evidence":{"sha256":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","source":"app_store"},"generation":1,"kind":"refund_adjustment","occurredAt":500,"purchaseID":"production.purchased.1001","rowID":"production.purchased.1001.refund_adjustment.1.2","step":2,"transactionID":"1001"}}"#
            ),
            (
                "movement without a price", .movement(unpriced),
                #"{"kind":"movement","value":{"evidence":{"sha256":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","source":"app_store"},"generation":1,"kind":"sale","occurredAt":500,"purchaseID":"production.purchased.1001","rowID":"production.purchased.1001.sale.1.0","step":0,"transactionID":"1001"}}"#
            ),
            (
                "check requested", .checkRequested(TransactionID("1001"), reasonNumber: 12),
                #"{"kind":"check_requested","reasonNumber":12,"value":"1001"}"#
            ),
        ]
    }

    /// Since support resolves cases and overrides what accounts may use.
    private static var staff: [(name: String, entry: LedgerEntry, json: String)] {
        let dispute = ClaimCase(
            id: CaseID("case-production-1001-7"), account: AccountNumber(7), status: .resolved,
            openedAt: Instant(millisecondsSince1970: 3_000),
            resolution: ClaimCase.Resolution(
                outcome: .transferred, reasonNumber: 12, resolvedAt: Instant(millisecondsSince1970: 4_000),
                takenFrom: AccountNumber(8)))
        let override = Override(
            id: OverrideID("override-7-1"), account: AccountNumber(7),
            terms: Override.Terms(
                key: "pro", effect: .grant, environment: .production, until: Instant(millisecondsSince1970: 9_000)),
            since: Instant(millisecondsSince1970: 5_000), reasonNumber: 13)
        var ended = override
        ended.terms.effect = .withhold
        ended.terms.until = nil
        ended.ending = Override.Ending(endedAt: Instant(millisecondsSince1970: 6_000), reasonNumber: 14)
        return [
            (
                "identified, account", .identified(.account(AccountNumber(7))),
                #"{"kind":"identified","value":{"account":7}}"#
            ),
            (
                "case, transferred", .claimCase(dispute),
                #"{"kind":"case","value":{"account":7,"id":"case-production-1001-7","openedAt":3000,"resolution":{"outcome":"transferred","reasonNumber":12,"resolvedAt":4000,"takenFrom":8},"status":"resolved"}}"#
            ),
            (
                "override", .staffOverride(override),
                #"{"kind":"override","value":{"account":7,"id":"override-7-1","reasonNumber":13,"since":5000,"terms":{"effect":"grant","environment":"Production","key":"pro","until":9000}}}"#
            ),
            (
                "override, ended", .staffOverride(ended),
                #"{"kind":"override","value":{"account":7,"ending":{"endedAt":6000,"reasonNumber":14},"id":"override-7-1","reasonNumber":13,"since":5000,"terms":{"effect":"withhold","environment":"Production","key":"pro"}}}"#
            ),
            (
                "account erased",
                .accountErased(
                    Erasure(
                        account: AccountNumber(7), requestedAt: Instant(millisecondsSince1970: 7_000), reasonNumber: 15)
                ),
                #"{"kind":"account_erased","value":{"account":7,"reasonNumber":15,"requestedAt":7000}}"#
            ),
            ("claim released", .claimReleased(AccountNumber(7)), #"{"kind":"claim_released","value":7}"#),
        ]
    }

    /// What every item of evidence has said since the first version; the append-only row keeps this text.
    static var facts: TransactionFacts {
        var facts = Sample("monthly", signed: 2).refunded(at: 1, "REFUND_PRORATED", percentage: 40_000).facts
        facts.storefront = "DEU"
        facts.offerType = 1
        facts.isUpgraded = true
        return facts
    }

    static let factsJSON =
        #"{"bundleId":"com.example.app","currency":"EUR","environment":"Production","expiresDate":1769817600000,"inAppOwnershipType":"PURCHASED","isUpgraded":true,"offerType":1,"originalPurchaseDate":1767225600000,"originalTransactionId":"1001","price":4990,"productId":"monthly","purchaseDate":1767225600000,"quantity":1,"revocationDate":1767225660000,"revocationPercentage":40000,"revocationReason":0,"revocationType":"REFUND_PRORATED","signedDate":1767225720000,"storefront":"DEU","transactionId":"1001","type":"Auto-Renewable Subscription","webOrderLineItemId":"77"}"#
}
