import AppStoreJWS
import AppStoreSimulator
import ArgumentParser
import Crypto
import Foundation
import Postgres
import PurchaseAPI
import PurchaseCore
import PurchaseService
import PurchaseStore

/// One operation of the hot paths by itself.
enum MicroOperation: String, CaseIterable, ExpressibleByArgument {
    /// `decide` on the claim that begins a purchase.
    case decideClaim = "decide-claim"
    /// `decide` on the evidence that settles it.
    case decideEvidence = "decide-evidence"
    /// `decide` on the claim of a purchase that is settled and held: what each repeat of a post asks.
    case decideRepeat = "decide-repeat"
    /// The one SQL statement of the decision that settles a purchase, ready to be sent.
    case buildStatement = "build-statement"
    /// A JWS whose certificates were never seen: chain, signature, payload.
    case verifyCold = "verify-cold"
    /// A JWS whose chain is known; less ``signature`` it is base64, hash and payload.
    case verifyCached = "verify-cached"
    /// The signature of such a JWS alone: a floor that is not ours.
    case signature
    /// A notification whose chain is known: two signatures, envelope and transaction.
    case verifyNotification = "verify-notification"
    /// The same with certificates that were never seen: one chain, since both JWS have the same.
    case verifyNotificationCold = "verify-notification-cold"
    /// The body that a notification comes in, read and judged as JSON: 14 KB, nearly all of it one text.
    case readNotification = "read-notification"
    /// A notification's envelope, decoded and read as JSON without a look at its signature.
    case decodeEnvelope = "decode-envelope"
    /// The same envelope cut behind its header, as it is stored.
    case splitJWS = "split-jws"
    /// 256 reads through the queue of a lane, four to a connection at a time.
    case readQueue = "read-queue"
    /// 256 lookups through the queue, up to 64 at a time.
    case lookupQueue = "lookup-queue"
    /// 256 decisions through the queue of commits, in two transactions.
    case commitQueue = "commit-queue"
    /// One row of an export as CSV.
    case exportCSV = "export-csv"
    /// The same as NDJSON.
    case exportNDJSON = "export-ndjson"
    /// The body of a post, read and judged as JSON.
    case readJSON = "read-json"
    /// An answer with one entitlement, written.
    case writeJSON = "write-json"
    /// The row of a settled purchase read back into its chain.
    case readChain = "read-chain"
    /// The same of a subscription with its purchase and twelve renewals.
    case readLongChain = "read-long-chain"

    /// What is run; everything that is not part of the operation happens before.
    func prepare() async throws -> () async throws -> Void {
        switch self {
        case .decideClaim: try Self.decision(isClaim: true)
        case .decideEvidence: try Self.decision(isClaim: false)
        case .decideRepeat: try Self.repeating()
        case .buildStatement: try Self.statement()
        case .verifyCold: try await Self.verification(isCached: false)
        case .verifyCached: try await Self.verification(isCached: true)
        case .signature: try Self.signatureCheck()
        case .verifyNotification: try Self.notification(isCached: true)
        case .verifyNotificationCold: try Self.notification(isCached: false)
        case .readNotification: Self.readingNotification()
        case .decodeEnvelope: Self.decoding()
        case .splitJWS: Self.splitting()
        case .readQueue: Self.queue { QueueRehearsal.reads($0) }
        case .lookupQueue: Self.queue { QueueRehearsal.lookups($0) }
        case .commitQueue: Self.queue { QueueRehearsal.commits($0) }
        case .exportCSV: Self.exporting(as: .csv(byteOrderMark: false))
        case .exportNDJSON: Self.exporting(as: .ndjson)
        case .readJSON: Self.reading()
        case .writeJSON: Self.writing()
        case .readChain: Self.readingChain(periods: 1)
        case .readLongChain: Self.readingChain(periods: 13)
        }
    }

    private static let id = TransactionID(Workshop.transactionID(1))
    private static let now = Instant(millisecondsSince1970: 1_790_000_000_000)

    private static func record(_ input: Input, upon chain: Chain) throws -> Decision.Recorded {
        guard case .record(let recorded) = decide(chain, input, policy: LedgerLoad.policy, now: now) else {
            throw BenchFailure("nothing was decided")
        }
        return recorded
    }

    private static func decision(isClaim: Bool) throws -> () async throws -> Void {
        let claim = Input.claimed(id, by: AccountNumber(1), at: now)
        let empty = Chain(identity: .provisional(id))
        guard !isClaim else { return { _ = try record(claim, upon: empty) } }
        let claimed = try record(claim, upon: empty).chain
        let evidence = Input.evidenceVerified(LedgerLoad.evidence(of: id, at: now).item, absorbing: nil)
        return { _ = try record(evidence, upon: claimed) }
    }

    private static func repeating() throws -> () async throws -> Void {
        let claim = Input.claimed(id, by: AccountNumber(1), at: now)
        let claimed = try record(claim, upon: Chain(identity: .provisional(id))).chain
        let evidence = Input.evidenceVerified(LedgerLoad.evidence(of: id, at: now).item, absorbing: nil)
        let settled = try record(evidence, upon: claimed).chain
        return {
            guard case .nothing(.duplicateClaim) = decide(settled, claim, policy: LedgerLoad.policy, now: now) else {
                throw BenchFailure("a repeat changed something")
            }
        }
    }

    private static func statement() throws -> () async throws -> Void {
        var claimed = try record(.claimed(id, by: AccountNumber(1), at: now), upon: Chain(identity: .provisional(id)))
            .chain
        claimed.id = ChainID(1)
        let (item, body) = LedgerLoad.evidence(of: id, at: now)
        let decision = CommittableDecision(
            recorded: try record(.evidenceVerified(item, absorbing: nil), upon: claimed), before: claimed,
            actor: "bench-app", requestID: nil, recordedAt: now, body: body, process: "bench", lease: nil)
        return {
            guard try DecisionStatement.build(decision, storedHeaders: []).values.count > 100 else {
                throw BenchFailure("no statement")
            }
        }
    }

    private static func verification(isCached: Bool) async throws -> () async throws -> Void {
        let keys = try SimulatorKeys.inMemory()
        let jws = try JWSMint(keys: keys).transaction(Workshop.transactionID(1))
        let roots = try TrustedRoots(certificates: [try keys.rootDER()])
        let known = JWSVerifier(trustedRoots: roots, ocsp: nil)
        let now = Instant(millisecondsSince1970: Payload.now)
        return {
            let verifier = isCached ? known : JWSVerifier(trustedRoots: roots, ocsp: nil)
            guard case .verified = await verifier.verifyTransaction(jws, now: now) else {
                throw BenchFailure("not verified")
            }
        }
    }

    private static func queue(_ run: @escaping (Int) -> Int) -> () async throws -> Void {
        {
            guard run(256) == 256 else { throw BenchFailure("some were lost in the queue") }
        }
    }

    private static func exporting(as format: PaidRecordsFormat) -> () async throws -> Void {
        var record = PaidRecord(
            rowID: "production.purchased.2000000000000001.sale.1.0", kind: .sale, occurredAt: now, recordedAt: now,
            environment: .production, transactionID: Workshop.transactionID(1),
            originalTransactionID: Workshop.transactionID(1), quantity: 1)
        record.bundleID = Payload.bundleID
        record.productID = Payload.productID
        record.type = "Non-Consumable"
        record.amountMilliunits = 4_990
        record.currency = "USD"
        record.storefront = "USA"
        let row = record
        var bytes: [UInt8] = []
        return {
            bytes.removeAll(keepingCapacity: true)
            format.append(row, to: &bytes)
            guard bytes.count > 200 else { throw BenchFailure("not written") }
        }
    }

    private static func signatureCheck() throws -> () async throws -> Void {
        let key = P256.Signing.PrivateKey()
        let message = [UInt8](repeating: 0x41, count: 5_000)
        let signature = try key.signature(for: message)
        let publicKey = key.publicKey
        return {
            guard publicKey.isValidSignature(signature, for: message) else { throw BenchFailure("a bad signature") }
        }
    }

    private static func reading() -> () async throws -> Void {
        let body = Array(#"{"accountId":"bench-1234567","transactionId":"2000000000000001"}"#.utf8)
        return {
            guard case .object(let object) = try JSONReader.value(of: body), object["accountId"] != nil else {
                throw BenchFailure("not read")
            }
        }
    }

    private static func writing() -> () async throws -> Void {
        let since = Instant(millisecondsSince1970: 1_790_000_000_000)
        return {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("accountId", "bench-1234567")
                writer.member("entitlements", 0..<1) { writer, _ in
                    writer.object { writer in
                        writer.member("key", Payload.productID)
                        writer.member("productId", Payload.productID)
                        writer.member("environment", "Production")
                        writer.member("active", true)
                        writer.member("since", since)
                        writer.member("until", Instant?.none)
                        writer.member("reason", "paid")
                        writer.member("transactionId", "2000000000000001")
                        writer.member("originalTransactionId", "2000000000000001")
                        writer.member("overrideId", String?.none)
                    }
                }
            }
            guard writer.bytes.count > 200 else { throw BenchFailure("not written") }
        }
    }
}
