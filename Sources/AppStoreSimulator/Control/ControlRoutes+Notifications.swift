import Hummingbird

extension ControlRoutes {
    private static let listMax = 1000

    func addNotifications(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "notification-url", .put) { request throws(SimulatorError) in
            try request.allow(["environment", "url"])
            guard request.body["url"] != nil else { throw .invalid("url is missing; null takes it away") }
            let environment = try ControlRequest.environment(try request.text("environment") ?? "Production")
            try simulator.setNotificationURL(try request.text("url"), in: environment)
            return .json(Self.notificationURLs(of: simulator))
        }
        on(group, "notification-url", .get) { _ throws(SimulatorError) in
            .json(Self.notificationURLs(of: simulator))
        }
        on(group, "notifications", .post) { request throws(SimulatorError) in
            .json(Self.describe(try simulator.notify(try request.notification())), status: 201)
        }
        on(group, "notifications", .get) { request throws(SimulatorError) in
            let environment = request.environment ?? .production
            guard let after = Int(request.query("after") ?? "0"), after >= 0 else {
                throw .invalid("after must be the number of a notification")
            }
            let listed = try simulator.notifications(in: environment, after: after, limit: Self.listMax)
            return .json([
                "count": .integer(Int64(simulator.notificationsCount(in: environment))),
                "notifications": .array(listed.map { .object(Self.describe($0)) }),
            ])
        }
        on(group, "notifications/release", .post) { request throws(SimulatorError) in
            try request.allow(["environment", "shuffled"])
            let environment = try request.text("environment").map(ControlRequest.environment)
            let count = simulator.releaseHeldNotifications(
                in: environment, shuffled: try request.bool("shuffled") ?? false)
            return .json(["released": .integer(Int64(count))])
        }
        on(group, "notifications/expire-tokens", .post) { request throws(SimulatorError) in
            try request.allow([])
            simulator.expirePaginationTokens()
            return .noContent
        }
        on(group, "notifications/{id}", .get) { request throws(SimulatorError) in
            let notification = try simulator.notification(request.id)
            var description = Self.describe(notification)
            description["signedPayload"] = .string(notification.signedPayload)
            return .json(description)
        }
        on(group, "notifications/{id}/altered", .post) { request throws(SimulatorError) in
            let signed = try simulator.signedPayload(
                of: request.id, altered: try ControlRequest.alteration(request.body))
            return .json(["signedPayload": .string(signed)])
        }
        addNotificationFaults(to: group)
    }

    private func addNotificationFaults(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "notification-faults", .post) { request throws(SimulatorError) in
            let id = try simulator.injectNotificationFault(try request.notificationFault())
            return .json(["id": .integer(Int64(id))], status: 201)
        }
        on(group, "notification-faults", .get) { _ throws(SimulatorError) in
            let entries = simulator.withState { state, _ in state.notificationFaults.entries }
            return .json(["faults": .array(entries.map { .object(Self.describe($0)) })])
        }
        on(group, "notification-faults", .delete) { _ throws(SimulatorError) in
            simulator.removeAllNotificationFaults()
            return .noContent
        }
        on(group, "notification-faults/{id}", .delete) { request throws(SimulatorError) in
            guard let id = Int(request.id), simulator.removeNotificationFault(id) else {
                return .failure("there is no notification fault \(request.id)", status: 404)
            }
            return .noContent
        }
    }

    private static func notificationURLs(of simulator: AppStoreSimulator) -> SimulatorJSONObject {
        var urls = SimulatorJSONObject()
        for environment in SimulatedEnvironment.allCases {
            urls[environment.rawValue] =
                simulator.notificationURL(in: environment).map(SimulatorJSON.string) ?? .null
        }
        return urls
    }

    private static func describe(_ notification: SimulatedNotification) -> SimulatorJSONObject {
        [
            "number": .integer(Int64(notification.number)),
            "environment": .string(notification.environment.rawValue),
            "notificationUUID": .string(notification.notificationUUID),
            "notificationType": .string(notification.notificationType),
            "subtype": notification.subtype.map(SimulatorJSON.string) ?? .null,
            "transactionId": notification.transactionID.map(SimulatorJSON.string) ?? .null,
            "signedDate": .integer(notification.createdAt),
            "isDelivered": .bool(notification.isDelivered), "isDropped": .bool(notification.isDropped),
            "isHeld": .bool(notification.isHeld),
            "nextAttemptAt": notification.nextAttemptAt.map(SimulatorJSON.integer) ?? .null,
            "sendAttempts": .array(notification.attempts.map(\.json)),
        ]
    }

    private static func describe(_ entry: NotificationFaultQueue.Entry) -> SimulatorJSONObject {
        [
            "id": .integer(Int64(entry.id)), "kind": .string(entry.fault.kind.name),
            "environment": entry.fault.environment.map { .string($0.rawValue) } ?? .null,
            "notificationType": entry.fault.notificationType.map(SimulatorJSON.string) ?? .null,
            "transactionId": entry.fault.transactionID.map(SimulatorJSON.string) ?? .null,
            "timesLeft": entry.timesLeft.map { .integer(Int64($0)) } ?? .null,
            "happened": .integer(Int64(entry.happenedCount)),
        ]
    }
}
