import AppStoreClient
import AppStoreJWS
import FoundationEssentials
import Logging
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore

extension DoctorExamination {
    /// The key, the clock and the notifications, in each allowed environment at the same time.
    func appStoreFindings(client: PostgresClient?) async -> [DoctorFinding] {
        let budget = DoctorBudget(shared: client.map { RequestBudgetStore(client: $0) }, time: time)
        let stores = settings.environments.sorted().map { environment in
            (environment, appStoreClient(in: environment, budget: budget))
        }
        var answers: [StoreEnvironment: DoctorTokenAnswer] = [:]
        await withTaskGroup(of: (StoreEnvironment, DoctorTokenAnswer).self) { group in
            for (environment, store) in stores {
                group.addTask { (environment, await tokenAnswer(in: environment, store)) }
            }
            for await (environment, answer) in group { answers[environment] = answer }
        }
        let skews = stores.compactMap { $0.1?.clockSkew }
        let facts = DoctorTokenFacts(
            answers: answers, isUnreleased: settings.app?.isUnreleased ?? false, skew: skews.first,
            isNamedLikeAPIKey: settings.keyPath?.split(separator: "/").last?.hasPrefix("AuthKey_") ?? false)
        var findings = facts.findings + [.clockAppStore(skews: skews)]
        await withTaskGroup(of: DoctorFinding.self) { group in
            for (environment, store) in stores {
                let answer = answers[environment]
                group.addTask {
                    .notifications(
                        environment,
                        await notificationAnswer(in: environment, store, tokenAnswer: answer, client: client))
                }
            }
            for await finding in group { findings.append(finding) }
        }
        return findings
    }

    /// A client of its own for each environment, since each keeps the time of its newest answer.
    private func appStoreClient(in environment: StoreEnvironment, budget: DoctorBudget) -> AppStoreClient? {
        guard settings.obstacle(toAsking: environment) == nil, let app = settings.app else { return nil }
        return AppStoreClient(
            configuration: AppStoreClientConfiguration(
                productionURL: settings.appStore.productionURL, sandboxURL: settings.appStore.sandboxURL,
                issuerID: app.issuerID, keyID: app.keyID, key: app.key, bundleID: app.bundleID,
                requestsPerSecond: settings.appStore.requestsPerSecond, version: Vouch.version),
            httpClient: httpClient, budget: budget, time: time, logger: logger)
    }

    private func tokenAnswer(in environment: StoreEnvironment, _ store: AppStoreClient?) async -> DoctorTokenAnswer {
        guard let store else {
            return .notAsked(settings.obstacle(toAsking: environment) ?? "not looked at for want of settings")
        }
        return DoctorTokenAnswer(
            await store.subscriptionStatuses(
                of: TransactionID("1"), in: environment, lane: .interactive, deadline: limits.call))
    }

    // MARK: Notifications

    private func notificationAnswer(
        in environment: StoreEnvironment, _ store: AppStoreClient?, tokenAnswer: DoctorTokenAnswer?,
        client: PostgresClient?
    ) async -> DoctorNotificationAnswer {
        guard let store else {
            return .notAsked(settings.obstacle(toAsking: environment) ?? "not looked at for want of settings")
        }
        guard tokenAnswer == .accepted else {
            if tokenAnswer == .unauthorized, environment == .production, settings.app?.isUnreleased == true {
                return .notDue("not asked: Production answers nothing before the app's first release")
            }
            return .notAsked("not asked: \(environment.rawValue) has not accepted the key, or could not be asked")
        }
        let request = await store.requestTestNotification(
            in: environment, lane: .interactive, deadline: limits.call)
        switch request {
        case .answered(let requested):
            return await outcome(of: requested.testNotificationToken, in: environment, store, client: client)
        case .refusedRequest(404, 4_040_007), .notFound(4_040_007): return .noURL
        case .notFound, .unauthorized, .refusedRequest, .throttled, .unavailable, .malformed:
            return .refused(DoctorTokenAnswer(request))
        }
    }

    /// Asks until Apple reports an attempt, for as long as the limit says.
    private func outcome(
        of token: String, in environment: StoreEnvironment, _ store: AppStoreClient, client: PostgresClient?
    ) async -> DoctorNotificationAnswer {
        let endsAt = time.monotonic() + limits.attempt
        while true {
            let left = endsAt - time.monotonic()
            guard left > .zero else { return .noAttempt }
            let reply = await store.testNotificationStatus(token, in: environment, lane: .interactive, deadline: left)
            switch reply {
            case .answered(let sent):
                if let result = Self.decidingResult(of: sent.sendAttempts) {
                    return .attempted(await judged(sent.signedPayload, result, in: environment, client: client))
                }
            case .notFound, .unavailable(.serverError), .unavailable(.notFoundRetryable), .throttled: break
            case .unavailable(.timedOut), .unavailable(.budgetExhausted): return .noAttempt
            case .unauthorized, .refusedRequest, .unavailable, .malformed: return .refused(DoctorTokenAnswer(reply))
            }
            do { try await time.sleep(limits.pause) } catch { return .noAttempt }
        }
    }

    /// A success if there was one, else the newest attempt's word.
    static func decidingResult(of attempts: [SentNotification.Attempt]) -> DoctorAttemptResult? {
        let words = attempts.sorted { ($0.attemptDate ?? .distantPast) < ($1.attemptDate ?? .distantPast) }
            .compactMap(\.sendAttemptResult)
        let results = words.map { DoctorAttemptResult(appleValue: $0) }
        return results.contains(.success) ? .success : results.last
    }

    private func judged(
        _ signedPayload: String, _ result: DoctorAttemptResult, in environment: StoreEnvironment,
        client: PostgresClient?
    ) async -> DoctorNotificationAnswer.Attempted {
        var attempted = DoctorNotificationAnswer.Attempted(result: result)
        let report = await JWSVerifier(trustedRoots: settings.appStore.trustedRoots, ocsp: nil)
            .report(on: signedPayload, as: .notification, now: time.wall())
        if case .invalid(let failure) = report.conclusion {
            attempted.refusal = "\(failure.step.rawValue)/\(failure.code.rawValue)"
        }
        guard let payload = report.evidence?.payload,
            let facts = try? JSONDecoder().decode(TestPayload.self, from: Data(payload.utf8))
        else { return attempted }
        if let named = facts.data?.bundleId, let app = settings.app, named != app.bundleID.rawValue {
            attempted.otherBundleID = named
        }
        // Sandbox payloads carry no appAppleId.
        if let named = facts.data?.appAppleId, let app = settings.app, named != app.appAppleID,
            settings.faults(of: .appAppleID).isEmpty
        {
            attempted.otherAppAppleID = named
        }
        if let uuid = facts.notificationUUID { attempted.arrived = await arrived(uuid, client) }
        return attempted
    }

    private func arrived(_ notificationUUID: String, _ client: PostgresClient?) async -> Bool? {
        guard let client else { return nil }
        let answer = await withLimit(limits.arrival, time: time) {
            try? await DatabaseExamination(client: client).wasDelivered(notificationUUID: notificationUUID)
        }
        return answer ?? nil
    }

    private struct TestPayload: Decodable {
        struct Inner: Decodable {
            let bundleId: String?
            let appAppleId: Int64?
        }
        let notificationUUID: String?
        let data: Inner?
    }
}

extension Instant {
    fileprivate static var distantPast: Instant { Instant(millisecondsSince1970: .min) }
}
