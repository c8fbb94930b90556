import AppStoreJWS
import PurchaseCore

extension NotificationIntake {
    /// Why a notification is refused, as its trace keeps it.
    struct Refusal {
        var refusal: String
        var step: String
        var code: String
        var detail: String

        init(refusal: String, step: String, code: String, detail: String) {
            self.refusal = refusal
            self.step = step
            self.code = code
            self.detail = detail
        }

        init(_ failure: VerificationFailure, of part: String) {
            self.init(
                refusal: failure.refusal.rawValue, step: failure.step.rawValue, code: failure.code.rawValue,
                detail: "\(part): \(failure.detail)")
        }

        /// What Apple signed contradicts itself.
        static func mismatch(_ code: String, _ detail: String) -> Self {
            Self(refusal: "transaction_mismatch", step: "claims", code: code, detail: detail)
        }
    }

    // MARK: The envelope

    /// A notification whose envelope Apple signed.
    struct Envelope {
        var claims: ResponseBodyV2DecodedPayload
        /// As it would be stored; its outcome is not decided yet.
        var record: NotificationRecord
        /// Whether the signature is to be trusted can't be told now.
        var isDoubtful: Bool
        var leafNotAfter: Instant
    }

    enum EnvelopeReading {
        case open(Envelope)
        case refused(Refusal)
    }

    func readEnvelope(_ arrival: Arrival) async -> EnvelopeReading {
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyNotification(arrival.jws, now: now) {
        case .invalid(let failure):
            return .refused(Refusal(failure, of: "signedPayload"))
        case .verified(let verified):
            return .open(
                Envelope(
                    claims: verified.claims, record: record(of: verified.claims, verified.sha256, arrival),
                    isDoubtful: false, leafNotAfter: verified.leafNotAfter))
        case .undetermined(_, let unconfirmed):
            return .open(
                Envelope(
                    claims: unconfirmed.claims, record: record(of: unconfirmed.claims, unconfirmed.sha256, arrival),
                    isDoubtful: true, leafNotAfter: unconfirmed.leafNotAfter))
        }
    }

    private func record(
        of claims: ResponseBodyV2DecodedPayload, _ sha256: [UInt8], _ arrival: Arrival
    ) -> NotificationRecord {
        var record = NotificationRecord(
            uuid: claims.notificationUUID.storable(128), environment: claims.storeEnvironment,
            notificationType: claims.notificationType.storable(64), subtype: claims.subtype?.storable(64),
            // A date that no database holds must not cost the notification.
            signedDate: TransactionFacts.storable(claims.signedDate) ?? arrival.receivedAt,
            receivedAt: arrival.receivedAt, origin: arrival.origin, outcome: .kept, jws: arrival.jws, sha256: sha256)
        if record.notificationType.isEmpty { record.notificationType = "?" }
        if record.subtype?.isEmpty == true { record.subtype = nil }
        if record.notificationType == "CONSUMPTION_REQUEST" {
            record.respondBy = record.signedDate + Self.consumptionDeadline
        }
        return record
    }

    /// Notes which transaction the content names, read without trust, so that the text is found when an account is erased,
    /// also where nothing is decided upon it.
    func nameTransaction(in record: inout NotificationRecord, by claims: ResponseBodyV2DecodedPayload) {
        for jws in [claims.data?.signedTransactionInfo, claims.data?.signedRenewalInfo] {
            guard let jws else { continue }
            let named = NamedTransaction(in: jws)
            if record.transactionID == nil { record.transactionID = named.id }
            if record.originalTransactionID == nil { record.originalTransactionID = named.original }
        }
    }

    /// How long Apple waits for consumption information (App Store Server API, Send Consumption Information).
    static let consumptionDeadline = Span.hours(12)

    /// Whether nothing says that the notification is about another app; shapes that are not known may name none.
    private func isAboutOurApp(_ claims: ResponseBodyV2DecodedPayload) -> Bool {
        claims.claimedBundleID.map { $0 == dependencies.policy.bundleID } ?? true
    }

    /// Whether the app's number is the configured one; a bundle of ours with another number means a wrong setting.
    ///
    /// In the sandbox Apple leaves the number out.
    private func hasOurNumber(_ claims: ResponseBodyV2DecodedPayload) -> Bool {
        guard claims.storeEnvironment == .production, let own = configuration.appAppleID,
            let claimed = claims.appAppleID
        else { return true }
        return own == claimed
    }

    // MARK: The content

    enum Content {
        /// About no transaction.
        case none
        case transaction(SignedContent)
        case doubtful
        case refused(Refusal)
    }

    /// What a notification says about a transaction, all of it verified.
    struct SignedContent {
        var evidence: Evidence
        var body: EvidenceBody
        var renewal: SignedRenewal?
        var leafNotAfter: Instant
    }

    /// What can be said of an envelope and what is in it without the ledger.
    enum Finding {
        /// Genuine, and another app's.
        case otherApp
        /// Whether the envelope's signature is to be trusted can't be told now.
        case doubtful
        /// It names no store: a shape that Apple has added since, perhaps.
        case nameless
        /// Of a store that this deployment does not serve.
        case notAllowed
        /// Our bundle id with another app number: a wrong setting.
        case otherNumber
        case content(Content)
    }

    /// Judges an envelope, and verifies its content where that counts.
    func judge(_ envelope: Envelope) async -> Finding {
        guard isAboutOurApp(envelope.claims) else { return .otherApp }
        guard !envelope.isDoubtful else { return .doubtful }
        guard envelope.claims.claimedEnvironment != nil else { return .nameless }
        guard let store = envelope.record.environment, dependencies.policy.allowedEnvironments.contains(store) else {
            return .notAllowed
        }
        guard hasOurNumber(envelope.claims) else { return .otherNumber }
        return .content(await readContent(of: envelope, from: store))
    }

    /// Verifies each JWS inside on its own, and that all of them speak of one app, store and subscription.
    private func readContent(of envelope: Envelope, from store: StoreEnvironment) async -> Content {
        let claims = envelope.claims
        if let odd = claims.oddFields.first(where: { $0.contains("signed") }) {
            return .refused(.mismatch("inner_unreadable", "the notification's \(odd.prefix(64)) can't be read"))
        }
        if let appTransaction = claims.appData?.signedAppTransactionInfo {
            switch await check(appTransaction: appTransaction, from: store) {
            case .none: break
            case let other: return other
            }
        }
        let renewal: SignedRenewal?
        switch await readRenewal(claims.data?.signedRenewalInfo, envelope.record.origin.source, from: store) {
        case .absent: renewal = nil
        case .verified(let signed): renewal = signed
        case .doubtful: return .doubtful
        case .refused(let refusal):
            // It must not cost the refund beside it, and statuses are asked for in its place; by delivery it is Apple's to
            // send again.
            guard envelope.record.origin == .history, claims.data?.signedTransactionInfo != nil else {
                return .refused(refusal)
            }
            renewal = nil
        }
        guard let jws = claims.data?.signedTransactionInfo else { return .none }
        return await readTransaction(jws, envelope: envelope, renewal: renewal, from: store)
    }

    private func readTransaction(
        _ jws: String, envelope: Envelope, renewal: SignedRenewal?, from store: StoreEnvironment
    ) async -> Content {
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyTransaction(jws, now: now) {
        case .invalid(let failure): return .refused(Refusal(failure, of: "signedTransactionInfo"))
        case .undetermined: return .doubtful
        case .verified(let verified):
            guard let facts = TransactionFacts(verified.claims), facts.environment == store else {
                return .refused(
                    .mismatch("inner_environment", "the signed transaction names another environment, or none"))
            }
            if let bundle = facts.bundleID, bundle != dependencies.policy.bundleID {
                return .refused(.mismatch("inner_bundle", "the signed transaction is another app's"))
            }
            if let renewal, renewal.info.facts.originalTransactionID != facts.originalTransactionID {
                return .refused(
                    .mismatch("inner_original", "transaction and renewal are of different subscriptions"))
            }
            let evidence = Evidence(
                id: EvidenceID(sha256: verified.sha256Text, source: envelope.record.origin.source), facts: facts,
                notificationType: envelope.record.notificationType, seenAt: now)
            let leafNotAfter = min(verified.leafNotAfter, renewal?.leafNotAfter ?? verified.leafNotAfter)
            return .transaction(
                SignedContent(
                    evidence: evidence, body: EvidenceBody(verified), renewal: renewal, leafNotAfter: leafNotAfter))
        }
    }

    private enum Renewal {
        case absent
        case verified(SignedRenewal)
        case doubtful
        case refused(Refusal)
    }

    private func readRenewal(
        _ jws: String?, _ source: EvidenceSource, from store: StoreEnvironment
    ) async -> Renewal {
        guard let jws else { return .absent }
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyRenewalInfo(jws, now: now) {
        case .invalid(let failure): return .refused(Refusal(failure, of: "signedRenewalInfo"))
        case .undetermined: return .doubtful
        case .verified(let verified):
            guard let signed = SignedRenewal(verified, from: store, as: source, seenAt: now) else {
                return .refused(.mismatch("inner_environment", "the signed renewal names another environment"))
            }
            return .verified(signed)
        }
    }

    private func check(appTransaction jws: String, from store: StoreEnvironment) async -> Content {
        switch await dependencies.verifier.verifyAppTransaction(jws, now: dependencies.clock.now()) {
        case .invalid(let failure): return .refused(Refusal(failure, of: "signedAppTransactionInfo"))
        case .undetermined: return .doubtful
        case .verified(let verified):
            guard verified.claims.claimedBundleID.map({ $0 == dependencies.policy.bundleID }) ?? true,
                verified.claims.claimedEnvironment.map({ $0 == store.rawValue }) ?? true
            else {
                return .refused(
                    .mismatch("inner_app", "the signed app transaction is another app's or environment's"))
            }
            return .none
        }
    }
}

extension String {
    /// At most so many characters, as PostgreSQL counts them.
    fileprivate func storable(_ count: Int) -> String {
        utf8.count <= count ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(count)))
    }
}
