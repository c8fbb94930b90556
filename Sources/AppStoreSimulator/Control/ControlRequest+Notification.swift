extension ControlRequest {
    /// The notification that the body describes: a type, and at most one of `transactionId`, `summary`,
    /// `externalPurchaseToken` and `appData`.
    func notification() throws(SimulatorError) -> SimulatedNotificationRequest {
        try allow([
            "notificationType", "subtype", "environment", "transactionId", "renewalInfo", "data", "summary",
            "externalPurchaseToken", "appData",
        ])
        guard let type = try text("notificationType") else { throw .invalid("notificationType is missing") }
        var request = SimulatedNotificationRequest(type, subtype: try text("subtype"))
        request.environment = try text("environment").map(Self.environment)
        let transactionID = try text("transactionId")
        let contents = ["transactionId", "summary", "externalPurchaseToken", "appData"].filter { body[$0] != nil }
        guard contents.count <= 1 else {
            throw .invalid("a notification has one content, not \(contents.joined(separator: " and "))")
        }
        guard transactionID != nil || (body["renewalInfo"] == nil && body["data"] == nil) else {
            throw .invalid("renewalInfo and data need a transactionId")
        }
        if let transactionID {
            request.content = .transaction(
                transactionID, renewalInfo: try body.object("renewalInfo"), data: try body.object("data"))
        } else if body["summary"] != nil {
            request.content = .summary(try body.object("summary"))
        } else if body["externalPurchaseToken"] != nil {
            request.content = .externalPurchaseToken(try body.object("externalPurchaseToken"))
        } else if body["appData"] != nil {
            request.content = .appData(try body.object("appData"))
        }
        return request
    }

    /// The notification fault that the body describes: `{"fault": {"kind": …}, "notificationType": …, "times": …}`.
    func notificationFault() throws(SimulatorError) -> NotificationFault {
        try allow(["fault", "environment", "notificationType", "transactionId", "times", "probability"])
        guard let options = body["fault"]?.objectValue else { throw .invalid("fault must be an object") }
        guard let name = try options.text("kind") else { throw .invalid("fault.kind is missing") }
        var fault = NotificationFault(try Self.notificationFaultKind(name, options))
        fault.environment = try text("environment").map(Self.environment)
        fault.notificationType = try text("notificationType")
        fault.transactionID = try text("transactionId")
        if body["times"] != nil { fault.times = try integer("times").map { Int(clamping: $0) } }
        if let probability = try probability() { fault.probability = probability }
        return fault
    }

    private static func notificationFaultKind(
        _ name: String, _ options: SimulatorJSONObject
    ) throws(SimulatorError) -> NotificationFault.Kind {
        switch name {
        case "drop":
            try options.allow(["kind", "recordedAs"])
            guard let result = try options.text("recordedAs") else { return .drop() }
            guard let known = SendAttemptResult(rawValue: result) else {
                let results = SendAttemptResult.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("recordedAs must be one of: \(results)")
            }
            return .drop(recordedAs: known)
        case "repeat":
            try options.allow(["kind", "copies"])
            return .repeated(copies: Int(clamping: try options.integer("copies") ?? 2))
        case "hold":
            try options.allow(["kind"])
            return .hold
        case "delay":
            try options.allow(["kind", "milliseconds"])
            guard let milliseconds = try options.integer("milliseconds") else {
                throw .invalid("milliseconds is missing")
            }
            return .delay(milliseconds: milliseconds)
        case "alter":
            var fields = options
            fields["kind"] = nil
            return .altered(try alteration(fields))
        default:
            throw .invalid("there is no notification fault \"\(name)\"; the kinds are drop, repeat, hold, delay, alter")
        }
    }

    /// What is to be wrong with a notification.
    static func alteration(_ fields: SimulatorJSONObject) throws(SimulatorError) -> NotificationAlteration {
        try fields.allow([
            "forgeEnvelope", "forgeTransaction", "forgeRenewal", "stale", "oldSignedDate", "envelopeFields",
            "memberFields", "transactionFields", "renewalFields",
        ])
        var alteration = NotificationAlteration()
        alteration.envelopeForgery = try fields.text("forgeEnvelope").map(forgery)
        alteration.transactionForgery = try fields.text("forgeTransaction").map(forgery)
        alteration.renewalForgery = try fields.text("forgeRenewal").map(forgery)
        alteration.isStale = try fields.bool("stale") ?? false
        alteration.keepsStaleDate = try fields.bool("oldSignedDate") ?? false
        alteration.envelopeFields = try fields.object("envelopeFields")
        alteration.memberFields = try fields.object("memberFields")
        alteration.transactionFields = try fields.object("transactionFields")
        alteration.renewalFields = try fields.object("renewalFields")
        return alteration
    }
}
