import AppStoreJWS
import PurchaseCore
import Testing

@Suite("Claims are read leniently, after the signature")
struct PayloadTests {
    private let chain: MintedChain
    private let verifier: JWSVerifier

    init() throws {
        chain = try MintedChain()
        verifier = try chain.verifier()
    }

    private func transaction(_ members: [String]) async throws -> JWSTransactionDecodedPayload {
        let jws = try chain.jws(Payload.transaction(adding: members))
        return try #require(await verifier.verifyTransaction(jws, now: Moment.now).verified).claims
    }

    private func failure(_ payload: String) async throws -> VerificationFailureCode? {
        await verifier.verifyTransaction(try chain.jws(payload), now: Moment.now).failure
    }

    @Test("every field of a transaction is read")
    func everything() async throws {
        let claims = try await transaction([
            #""previousOriginalTransactionId":"17""#, #""webOrderLineItemId":"2000000012345678""#,
            #""appTransactionId":"704000000000000000""#, #""subscriptionGroupIdentifier":"20900001""#,
            #""expiresDate":1782863990000"#, #""price":4990"#, #""currency":"USD""#, #""storefront":"USA""#,
            #""storefrontId":"143441""#, #""appAccountToken":"7E3FB20B-4CDB-47CC-936D-99D65F608138""#,
            #""transactionReason":"RENEWAL""#, #""revocationDate":1780272000500"#, #""revocationReason":1"#,
            #""revocationType":"REFUND_PRORATED""#, #""revocationPercentage":67932"#, #""isUpgraded":true"#,
            #""offerType":2"#, #""offerIdentifier":"spring""#, #""offerDiscountType":"PAY_UP_FRONT""#,
            #""offerPeriod":"P1Y""#, #""billingPlanType":"MONTHLY""#,
            #""commitmentInfo":{"billingPeriodNumber":2,"totalBillingPeriods":12,"commitmentPrice":59880,"commitmentExpiresDate":1811807990000}"#,
            #""advancedCommerceInfo": {"items" : [{"SKU":"é"}]}"#,
        ])
        #expect(claims.previousOriginalTransactionID == OriginalTransactionID("17"))
        #expect(claims.webOrderLineItemID == WebOrderLineItemID("2000000012345678"))
        #expect(claims.appTransactionID == "704000000000000000")
        #expect(claims.subscriptionGroupIdentifier == "20900001")
        #expect(claims.expiresDate == Instant(millisecondsSince1970: 1_782_863_990_000))
        #expect(claims.price == 4_990)
        #expect(claims.currency == "USD")
        #expect(claims.storefront == "USA")
        #expect(claims.storefrontID == "143441")
        #expect(claims.appAccountToken?.rawValue == "7e3fb20b-4cdb-47cc-936d-99d65f608138")
        #expect(claims.transactionReason == "RENEWAL")
        #expect(claims.revocationDate == Instant(millisecondsSince1970: 1_780_272_000_500))
        #expect(claims.revocationReason == 1)
        #expect(claims.revocationType == "REFUND_PRORATED")
        #expect(claims.revocationPercentage == 67_932)
        #expect(claims.isUpgraded == true)
        #expect(claims.offerType == 2)
        #expect(claims.offerIdentifier == "spring")
        #expect(claims.offerDiscountType == "PAY_UP_FRONT")
        #expect(claims.offerPeriod == "P1Y")
        #expect(claims.billingPlanType == "MONTHLY")
        var commitment = TransactionCommitmentInfo()
        commitment.billingPeriodNumber = 2
        commitment.totalBillingPeriods = 12
        commitment.commitmentPrice = 59_880
        commitment.commitmentExpiresDate = Instant(millisecondsSince1970: 1_811_807_990_000)
        #expect(claims.commitmentInfo == commitment)
        #expect(claims.advancedCommerceInfo == #"{"items" : [{"SKU":"é"}]}"#)
        #expect(claims.oddFields.isEmpty)
    }

    @Test("values that Apple adds later are kept")
    func unknownValues() async throws {
        let claims = try await transaction([
            #""transactionReason":"GIFT""#, #""revocationType":"REFUND_STRANGE""#, #""offerType":9"#,
            #""billingPlanType":"WEEKLY""#, #""newField":{"a":[1,2]}"#,
        ])
        #expect(claims.transactionReason == "GIFT")
        #expect(claims.revocationType == "REFUND_STRANGE")
        #expect(claims.offerType == 9)
        #expect(claims.billingPlanType == "WEEKLY")
        #expect(claims.oddFields.isEmpty)
        let jws = try chain.jws(
            #"{"transactionId":"1","inAppOwnershipType":"LENT","environment":"Moon","signedDate":1780272000000}"#)
        let odd = try #require(await verifier.verifyTransaction(jws, now: Moment.now).verified).claims
        #expect(odd.inAppOwnershipType == .unknown("LENT"))
        #expect(odd.environment == "Moon")
        #expect(odd.storeEnvironment == nil)
    }

    @Test(
        "one odd field is recorded and costs nothing else",
        arguments: [
            (#""price":"4990""#, "price"), (#""price":4.99"#, "price"), (#""price":9223372036854775808"#, "price"),
            (#""offerType":[1]"#, "offerType"), (#""isUpgraded":"yes""#, "isUpgraded"),
            (#""isUpgraded":1"#, "isUpgraded"),
            (#""expiresDate":"2026-01-01""#, "expiresDate"), (#""expiresDate":1e99"#, "expiresDate"),
            (#""currency":840"#, "currency"), (#""currency":"\u0000""#, "currency"),
            (#""webOrderLineItemId":17"#, "webOrderLineItemId"), (#""webOrderLineItemId":"""#, "webOrderLineItemId"),
            (#""appAccountToken":"not-a-uuid""#, "appAccountToken"), (#""appAccountToken":5"#, "appAccountToken"),
            (#""commitmentInfo":"x""#, "commitmentInfo"),
            (#""advancedCommerceInfo":{"a":"\u0000"}"#, "advancedCommerceInfo"),
            (#""commitmentInfo":{"billingPeriodNumber":"two"}"#, "commitmentInfo.billingPeriodNumber"),
        ])
    func oddField(member: String, path: String) async throws {
        let claims = try await transaction([member])
        #expect(claims.oddFields == [path])
        #expect(claims.productID == ProductID("coins.100"))
        #expect(claims.price == nil)
        #expect(claims.isUpgraded == nil)
        #expect(claims.appAccountToken == nil)
    }

    @Test("null is absent", arguments: ["price", "revocationDate", "appAccountToken", "commitmentInfo", "isUpgraded"])
    func null(name: String) async throws {
        let claims = try await transaction(["\"\(name)\":null"])
        #expect(claims.oddFields.isEmpty)
        #expect(claims.price == nil)
        #expect(claims.revocationDate == nil)
        #expect(claims.commitmentInfo == nil)
    }

    @Test(
        "an empty or all-zero account token is absent, and not odd",
        arguments: ["", "00000000-0000-0000-0000-000000000000"])
    func emptyToken(token: String) async throws {
        let claims = try await transaction([#""appAccountToken":"\#(token)""#])
        #expect(claims.appAccountToken == nil)
        #expect(claims.oddFields.isEmpty)
    }

    @Test(
        "dates may be fractional or written as floating point",
        arguments: [
            ("1697679936049.7297", Int64(1_697_679_936_049)), ("1.697679936049e12", 1_697_679_936_049), ("0", 0),
            ("-1.5", -2), ("-62135596800000", -62_135_596_800_000), ("253402300799999", 253_402_300_799_999),
        ])
    func fractionalDates(text: String, milliseconds: Int64) async throws {
        let claims = try await transaction(["\"expiresDate\":\(text)"])
        #expect(claims.expiresDate == Instant(millisecondsSince1970: milliseconds))
        #expect(claims.oddFields.isEmpty)
    }

    @Test(
        "dates that no calendar has are odd",
        arguments: ["-62135596800001", "253402300800000", "9223372036854775807", "1e400"])
    func impossibleDates(text: String) async throws {
        #expect(try await transaction(["\"expiresDate\":\(text)"]).oddFields == ["expiresDate"])
    }

    @Test(
        "whole numbers are exact, however they are written",
        arguments: [
            ("9223372036854775807", Int64.max), ("-1", -1), ("5.0", 5), ("5e3", 5_000),
            ("9007199254740993", 9_007_199_254_740_993),
        ])
    func integers(text: String, value: Int64) async throws {
        #expect(try await transaction(["\"price\":\(text)"]).price == value)
    }

    @Test(
        "a revocationDate that can't be read is never taken for its absence",
        arguments: [
            "\"2026-06-01\"", "true", "{}", "1e99", "\"\"", "\"1780272000500\"",
        ])
    func unreadableRevocation(value: String) async throws {
        #expect(try await failure(Payload.transaction(adding: ["\"revocationDate\":\(value)"])) == .fieldUnreadable)
    }

    @Test(
        "a transaction needs an id of 1 to 32 digits",
        arguments: [
            (#""""#, VerificationFailureCode.fieldUnreadable), (#""12a""#, .fieldUnreadable), ("17", .fieldUnreadable),
            (#""\#(String(repeating: "1", count: 33))""#, .fieldUnreadable), (#""../../refund""#, .fieldUnreadable),
            (#""٣""#, .fieldUnreadable), (#""1 ""#, .fieldUnreadable), ("null", .fieldMissing),
        ])
    func transactionID(value: String, code: VerificationFailureCode) async throws {
        let date = #""signedDate":1780272000000"#
        #expect(try await failure(#"{"transactionId":\#(value),\#(date)}"#) == code)
        let second = #"{"transactionId":"1","originalTransactionId":\#(value),\#(date)}"#
        #expect(try await failure(second) == (code == .fieldMissing ? nil : code))
    }

    @Test("ids of 32 digits are read")
    func longID() async throws {
        let id = String(repeating: "9", count: 32)
        let jws = try chain.jws(Payload.transaction(id: id))
        #expect(
            await verifier.verifyTransaction(jws, now: Moment.now).verified?.claims.transactionID == TransactionID(id))
    }

    @Test(
        "a signed payload that isn't one strict JSON object is malformed",
        arguments: [
            ("", VerificationFailureCode.payloadMalformed), ("[]", .payloadMalformed),
            ("{\"transactionId\":\"1\"", .payloadMalformed),
            (#"{"transactionId":"1","transactionId":"2","signedDate":1}"#, .payloadDuplicateName),
            (#"{"transactionId":"1","data":{"a":1,"a":2},"signedDate":1}"#, .payloadDuplicateName),
            ("{}", .payloadKind),
        ])
    func malformed(payload: String, code: VerificationFailureCode) async throws {
        #expect(try await failure(payload) == code)
    }

    @Test("payload that isn't UTF-8 is malformed")
    func notUTF8() async throws {
        let input =
            base64URL(try chain.header().utf8) + "." + base64URL(Array("{\"a\":\"".utf8) + [0xFF] + Array("\"}".utf8))
        let jws = try input + "." + base64URL(chain.signature(over: input))
        #expect(await verifier.verifyTransaction(jws, now: Moment.now).failure == .payloadMalformed)
    }
}

@Suite("Other payloads")
struct OtherPayloadTests {
    private let chain: MintedChain
    private let verifier: JWSVerifier

    init() throws {
        chain = try MintedChain()
        verifier = try chain.verifier()
    }

    @Test("renewal info")
    func renewalInfo() async throws {
        let jws = try chain.jws(
            """
            {"originalTransactionId":"2000000000000001","productId":"gold.month","autoRenewProductId":"gold.year",
             "autoRenewStatus":1,"expirationIntent":2,"isInBillingRetryPeriod":true,"gracePeriodExpiresDate":1780272000001,
             "priceIncreaseStatus":0,"renewalDate":1780272000002,"recentSubscriptionStartDate":1780272000003,
             "signedDate":1780272000000,"renewalPrice":9990,"currency":"EUR","offerType":4,"offerIdentifier":"back",
             "offerDiscountType":"FREE_TRIAL","offerPeriod":"P1M","eligibleWinBackOfferIds":["a","b"],
             "appAccountToken":"7e3fb20b-4cdb-47cc-936d-99d65f608138","appTransactionId":"7","environment":"Production",
             "renewalBillingPlanType":"MONTHLY","commitmentInfo":{"commitmentRenewalPrice":1},"advancedCommerceInfo":{}}
            """)
        let claims = try #require(await verifier.verifyRenewalInfo(jws, now: Moment.now).verified).claims
        #expect(claims.originalTransactionID == OriginalTransactionID("2000000000000001"))
        #expect(claims.productID == ProductID("gold.month"))
        #expect(claims.autoRenewProductID == ProductID("gold.year"))
        #expect(claims.autoRenewStatus == 1)
        #expect(claims.expirationIntent == 2)
        #expect(claims.isInBillingRetryPeriod == true)
        #expect(claims.gracePeriodExpiresDate == Moment.signed + Span(milliseconds: 1))
        #expect(claims.priceIncreaseStatus == 0)
        #expect(claims.renewalDate == Moment.signed + Span(milliseconds: 2))
        #expect(claims.recentSubscriptionStartDate == Moment.signed + Span(milliseconds: 3))
        #expect(claims.renewalPrice == 9_990)
        #expect(claims.currency == "EUR")
        #expect(claims.eligibleWinBackOfferIDs == ["a", "b"])
        #expect(claims.appAccountToken != nil)
        #expect(claims.appTransactionID == "7")
        #expect(claims.storeEnvironment == .production)
        #expect(claims.renewalBillingPlanType == "MONTHLY")
        #expect(claims.commitmentInfo == #"{"commitmentRenewalPrice":1}"#)
        #expect(claims.advancedCommerceInfo == "{}")
        #expect(claims.claimedBundleID == nil)
        #expect(claims.oddFields.isEmpty)
    }

    @Test("a notification's envelope, with its inner JWS as they are")
    func notification() async throws {
        let jws = try chain.jws(
            Payload.notification([
                #""subtype":"X""#,
                #""data":{"environment":"Production","appAppleId":1234567890,"bundleId":"com.example.app","bundleVersion":"7","signedTransactionInfo":"not.a.jws","signedRenewalInfo":"neither","status":1,"consumptionRequestReason":"OTHER"}"#,
            ]))
        let claims = try #require(await verifier.verifyNotification(jws, now: Moment.now).verified).claims
        #expect(claims.notificationType == "REFUND")
        #expect(claims.subtype == "X")
        #expect(claims.version == "2.0")
        #expect(claims.data?.signedTransactionInfo == "not.a.jws")
        #expect(claims.data?.signedRenewalInfo == "neither")
        #expect(claims.data?.status == 1)
        #expect(claims.data?.bundleVersion == "7")
        #expect(claims.data?.consumptionRequestReason == "OTHER")
        #expect(claims.appAppleID == 1_234_567_890)
        #expect(claims.claimedBundleID == BundleID("com.example.app"))
        #expect(claims.storeEnvironment == .production)
    }

    @Test("the other contents of a notification")
    func otherContents() async throws {
        let jws = try chain.jws(
            Payload.notification([
                #""summary":{"environment":"Sandbox","bundleId":"a","productId":"p","requestIdentifier":"r","storefrontCountryCodes":["USA"],"succeededCount":2,"failedCount":1}"#,
                #""externalPurchaseToken":{"externalPurchaseId":"SANDBOX_1","tokenCreationDate":5,"tokenExpirationDate":6,"tokenType":"SERVICES","appAppleId":3,"bundleId":"b"}"#,
                #""appData":{"environment":"Production","appAppleId":4,"bundleId":"c","signedAppTransactionInfo":"x"}"#,
            ]))
        let claims = try #require(await verifier.verifyNotification(jws, now: Moment.now).verified).claims
        #expect(claims.summary?.storefrontCountryCodes == ["USA"])
        #expect(claims.summary?.succeededCount == 2)
        #expect(claims.summary?.failedCount == 1)
        #expect(claims.externalPurchaseToken?.environment == "Sandbox")
        #expect(claims.externalPurchaseToken?.tokenType == "SERVICES")
        #expect(claims.appData?.signedAppTransactionInfo == "x")
        #expect(claims.claimedBundleID == BundleID("a"))
    }

    @Test("a notification type that nobody knows is kept, and odd content costs only itself")
    func unknownNotification() async throws {
        let jws = try chain.jws(
            #"{"notificationType":"BRAND_NEW","notificationUUID":"u","signedDate":1780272000000,"data":{"status":"one","bundleId":"com.example.app"},"summary":3}"#
        )
        let claims = try #require(await verifier.verifyNotification(jws, now: Moment.now).verified).claims
        #expect(claims.notificationType == "BRAND_NEW")
        #expect(claims.data?.bundleID == BundleID("com.example.app"))
        #expect(claims.oddFields == ["data.status", "summary"])
    }

    @Test("an app transaction is dated by its receiptCreationDate")
    func appTransaction() async throws {
        let jws = try chain.jws(
            #"{"receiptType":"Sandbox","bundleId":"com.example.app","applicationVersion":"3","receiptCreationDate":1780272000000,"originalPurchaseDate":1,"originalApplicationVersion":"1","originalPlatform":"iOS","appTransactionId":"8","versionExternalIdentifier":5}"#
        )
        let verified = try #require(await verifier.verifyAppTransaction(jws, now: Moment.now).verified)
        #expect(verified.signedDate == Moment.signed)
        #expect(verified.claims.storeEnvironment == .sandbox)
        #expect(verified.claims.originalPlatform == "iOS")
        #expect(verified.claims.versionExternalIdentifier == 5)
        let undated = try chain.jws(#"{"receiptType":"Sandbox","signedDate":1780272000000}"#)
        #expect(await verifier.verifyAppTransaction(undated, now: Moment.now).failure == .fieldMissing)
    }

    @Test("a kind isn't taken for another, although the same key signed it")
    func kinds() async throws {
        let renewal = try chain.jws(#"{"originalTransactionId":"1","autoRenewStatus":1,"signedDate":1780272000000}"#)
        #expect(await verifier.verifyTransaction(renewal, now: Moment.now).failure == .payloadKind)
        let transaction = try chain.jws()
        #expect(await verifier.verifyRenewalInfo(transaction, now: Moment.now).failure == .payloadKind)
        let mixed = try chain.jws(
            #"{"notificationType":"X","notificationUUID":"u","transactionId":"1","signedDate":1780272000000}"#)
        #expect(await verifier.verifyTransaction(mixed, now: Moment.now).failure == .payloadKind)
        // A retention request: signed by the same keys, of no kind that is read.
        let other = try chain.jws(#"{"originalTransactionId":"1","userLocale":"en","signedDate":1780272000000}"#)
        #expect(await verifier.verifyRenewalInfo(other, now: Moment.now).failure == .payloadKind)
    }
}
