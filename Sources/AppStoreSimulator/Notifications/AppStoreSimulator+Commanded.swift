extension AppStoreSimulator.State {
    /// Makes the notification that somebody asked for; its environment and number.
    mutating func announce(
        _ request: SimulatedNotificationRequest, now: Int64
    ) throws(SimulatorError) -> (SimulatedEnvironment, Int) {
        let environment = request.environment ?? .production
        switch request.content {
        case .transaction(let id, let renewalInfo, let data):
            let key = try book.find(id, in: request.environment)
            if !renewalInfo.isEmpty { try book.updateRenewal(of: key, renewalInfo) }
            guard let number = announce(request.kind, about: key, data: data, now: now) else {
                throw .unknownTransaction(id)
            }
            return (key.environment, number)
        case .none:
            return (environment, announceWithout(request.kind, in: environment, now: now))
        case .summary(let fields):
            var member = app.identity(in: environment)
            member["requestIdentifier"] = .string(book.ids.uuid())
            member["productId"] = "pro"
            member["succeededCount"] = 1
            member["failedCount"] = 0
            member.apply(fields)
            return (
                environment,
                announce(request.kind, in: environment, memberName: "summary", member: member, now: now)
            )
        case .externalPurchaseToken(let fields):
            var member = app.identity(in: environment)
            // This member has no environment: the token's first letters say it.
            member["environment"] = nil
            member["externalPurchaseId"] = .string((environment == .sandbox ? "SANDBOX_" : "") + book.ids.uuid())
            member["tokenCreationDate"] = .integer(now)
            member.apply(fields)
            return (
                environment,
                announce(request.kind, in: environment, memberName: "externalPurchaseToken", member: member, now: now)
            )
        case .appData(let fields):
            var member = app.identity(in: environment)
            member.apply(fields)
            let inner = NotificationContent.Inner(
                name: "signedAppTransactionInfo", payload: appTransaction(in: environment, now: now))
            return (
                environment,
                announce(
                    request.kind, in: environment, memberName: "appData", member: member, inner: [inner], now: now)
            )
        }
    }

    /// A notification whose `data` names the app alone.
    mutating func announceWithout(
        _ kind: NotificationKind, in environment: SimulatedEnvironment, now: Int64
    ) -> Int {
        announce(kind, in: environment, memberName: "data", member: app.identity(in: environment), now: now)
    }

    /// The download of an app, as the App Store signs it; it has `receiptType` in the place of `environment`.
    private mutating func appTransaction(in environment: SimulatedEnvironment, now: Int64) -> SimulatorJSONObject {
        var payload = app.identity(in: environment)
        payload["environment"] = nil
        payload["receiptType"] = .string(environment.rawValue)
        payload["appTransactionId"] = .string(book.ids.appTransactionID())
        payload["applicationVersion"] = "1"
        payload["originalApplicationVersion"] = "1"
        payload["originalPlatform"] = "iOS"
        payload["originalPurchaseDate"] = .integer(now)
        payload["receiptCreationDate"] = .integer(now)
        return payload
    }
}
