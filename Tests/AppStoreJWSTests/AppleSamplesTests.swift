import AppStoreJWS
import PurchaseCore
import Testing

@Suite("What Apple signed")
struct AppleSamplesTests {
    private let verifier = JWSVerifier(ocsp: nil)

    @Test("a transaction verifies against the built-in root, long after its leaf has expired")
    func transaction() async throws {
        let jws = try Fixture.transaction()
        let verified = try #require(await verifier.verifyTransaction(jws, now: Moment.later).verified)
        let claims = verified.claims
        #expect(verified.jws == jws)
        #expect(verified.sha256.count == 32)
        #expect(verified.signedDate == Instant(millisecondsSince1970: 1_739_161_772_561))
        // 2025-10-11T19:51:52Z
        #expect(verified.leafNotAfter == Instant(millisecondsSince1970: 1_760_212_312_000))
        #expect(verified.ocspChecked == .off)
        #expect(claims.transactionID == TransactionID("2000000847061981"))
        #expect(claims.originalTransactionID == OriginalTransactionID("2000000847061981"))
        #expect(claims.bundleID == BundleID("com.goodheartapp"))
        #expect(claims.productID == ProductID("gh_super_good_ticket_1"))
        #expect(claims.type == "Consumable")
        #expect(claims.price == 230_000)
        #expect(claims.currency == "JPY")
        #expect(claims.quantity == 1)
        #expect(claims.inAppOwnershipType == .purchased)
        #expect(claims.storeEnvironment == .sandbox)
        #expect(claims.revocationDate == nil)
        #expect(claims.storefrontID == "143462")
        #expect(claims.oddFields.isEmpty)
    }

    @Test("a TEST notification verifies, and has neither transaction nor appAppleId")
    func notification() async throws {
        let verified = try #require(
            await verifier.verifyNotification(try Fixture.notification(), now: Moment.later).verified)
        #expect(verified.claims.notificationType == "TEST")
        #expect(verified.claims.notificationUUID == "592751ef-c1b8-47fc-929e-d62dee66df4c")
        #expect(verified.claims.data?.bundleID == BundleID("com.loki-project.loki-messenger"))
        #expect(verified.claims.data?.signedTransactionInfo == nil)
        #expect(verified.claims.appAppleID == nil)
        #expect(verified.claims.storeEnvironment == .sandbox)
        #expect(verified.claims.oddFields.isEmpty)
    }

    @Test("a changed price is refused")
    func tampered() async throws {
        let result = await verifier.verifyTransaction(try Fixture.tampered(), now: Moment.later)
        #expect(result.failure == .signatureMismatch)
    }

    @Test(
        "a kind is not taken for another", arguments: [SignedPayloadKind.renewalInfo, .notification, .appTransaction])
    func otherKind(kind: SignedPayloadKind) async throws {
        let jws = try Fixture.transaction()
        let failure: VerificationFailureCode? =
            switch kind {
            case .transaction: nil
            case .renewalInfo: await verifier.verifyRenewalInfo(jws, now: Moment.later).failure
            case .notification: await verifier.verifyNotification(jws, now: Moment.later).failure
            case .appTransaction: await verifier.verifyAppTransaction(jws, now: Moment.later).failure
            }
        #expect(failure == .payloadKind)
    }

    @Test("Apple's other roots don't make it valid", arguments: ["AppleRootCA-G2.cer", "AppleIncRootCertificate.cer"])
    func otherRoots(file: String) async throws {
        let roots = try TrustedRoots(file: try Fixture.bytes(file))
        let result = await JWSVerifier(trustedRoots: roots, ocsp: nil)
            .verifyTransaction(try Fixture.transaction(), now: Moment.later)
        #expect(result.failure == .rootUntrusted)
    }

    @Test("the built-in root is Apple Root CA - G3, byte for byte")
    func builtInRoot() throws {
        let file = try TrustedRoots(file: try Fixture.bytes("AppleRootCA-G3.cer"))
        #expect(file.isBuiltIn)
        #expect(
            TrustedRoots.appleRootCAG3.fingerprints == [
                "63:34:3A:BF:B8:9A:6A:03:EB:B5:7E:9B:3F:5F:A7:BE:7C:4F:5C:75:6F:30:17:B3:A8:C4:88:C3:65:3E:91:79"
            ])
    }
}
