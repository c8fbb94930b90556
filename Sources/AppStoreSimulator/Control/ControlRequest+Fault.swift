extension ControlRequest {
    /// The fault that the body describes: `{"fault": {"kind": …}, "transactionId": …, "times": …}`.
    func fault() throws(SimulatorError) -> SimulatedFault {
        try allow(["fault", "transactionId", "environment", "endpoint", "times", "probability"])
        guard let options = body["fault"]?.objectValue else { throw .invalid("fault must be an object") }
        guard let name = try options.text("kind") else { throw .invalid("fault.kind is missing") }
        var fault = SimulatedFault(try Self.kind(name, options))
        for name in ["delayMilliseconds", "milliseconds"] {
            if let delay = try options.integer(name) { fault.delayMilliseconds = delay }
        }
        fault.transactionID = try text("transactionId")
        if let name = try text("environment") { fault.environment = try Self.environment(name) }
        if let name = try text("endpoint") {
            guard let endpoint = StoreEndpointName(rawValue: name) else {
                let known = StoreEndpointName.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("endpoint must be one of: \(known)")
            }
            fault.endpoint = endpoint
        }
        if body["times"] != nil { fault.times = try integer("times").map { Int(clamping: $0) } }
        if let probability = try probability() { fault.probability = probability }
        return fault
    }

    /// The `probability` of a fault; `nil` when absent or `null`.
    func probability() throws(SimulatorError) -> Double? {
        switch body["probability"] {
        case nil, .null: nil
        case .number(let value): value
        case .integer(let value): Double(value)
        default: throw .invalid("probability must be a number")
        }
    }

    private static func kind(
        _ name: String, _ options: SimulatorJSONObject
    ) throws(SimulatorError) -> SimulatedFault.Kind {
        func allow(_ names: Set<String>) throws(SimulatorError) {
            try options.allow(names.union(["kind", "delayMilliseconds"]))
        }
        func number(_ name: String, in range: ClosedRange<Int64>, else fallback: Int64) throws(SimulatorError) -> Int64
        {
            let number = try options.integer(name) ?? fallback
            guard range.contains(number) else {
                throw .invalid("\(name) must be from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        let errorCodes: ClosedRange<Int64> = 4_000_000...5_999_999
        switch name {
        case "unauthorized":
            try allow([])
            return .unauthorized
        case "notFound":
            try allow(["errorCode"])
            return .notFound(errorCode: try number("errorCode", in: errorCodes, else: 4_040_010))
        case "throttled":
            try allow(["retryAfterMilliseconds"])
            if options["retryAfterMilliseconds"] == .null { return .throttled(retryAfterMilliseconds: nil) }
            return .throttled(
                retryAfterMilliseconds: try number(
                    "retryAfterMilliseconds", in: (-Milliseconds.day)...(365 * Milliseconds.day),
                    else: Milliseconds.second))
        case "serverError":
            try allow(["errorCode", "status"])
            let status = Int(try number("status", in: 500...599, else: 500))
            guard options["errorCode"] != nil else {
                return .serverError(errorCode: options["status"] == nil ? 5_000_001 : nil, status: status)
            }
            return .serverError(errorCode: try number("errorCode", in: errorCodes, else: 5_000_001), status: status)
        case "timeout":
            try allow([])
            return .timeout
        case "delay":
            try allow(["milliseconds"])
            return .delay
        case "slowBody":
            try allow(["bytesPerSecond"])
            return .slowBody(bytesPerSecond: Int(try number("bytesPerSecond", in: 1...1_000_000_000, else: 100)))
        case "cutBody":
            try allow([])
            return .cutBody
        default:
            return try contentKind(name, options, allow: allow, number: number)
        }
    }

    private static func contentKind(
        _ name: String, _ options: SimulatorJSONObject,
        allow: (Set<String>) throws(SimulatorError) -> Void,
        number: (String, ClosedRange<Int64>, Int64) throws(SimulatorError) -> Int64
    ) throws(SimulatorError) -> SimulatedFault.Kind {
        switch name {
        case "wrongTransaction":
            try allow(["transactionId"])
            return .wrongTransaction(transactionID: try options.text("transactionId"))
        case "stale":
            try allow(["oldSignedDate"])
            return .stale(oldSignedDate: try options.bool("oldSignedDate") ?? false)
        case "forged":
            try allow(["forge"])
            return .forged(try forgery(try options.text("forge") ?? SimulatedForgery.signature.rawValue))
        case "notJSON":
            try allow([])
            return .notJSON
        case "emptyBody":
            try allow([])
            return .emptyBody
        case "oversizedBody":
            try allow(["bytes"])
            return .oversizedBody(bytes: Int(try number("bytes", 0...Int64(SimulatedFault.bodyBytesMax), 2 << 20)))
        case "status":
            try allow(["status", "body", "contentType"])
            return .status(
                Int(try number("status", 200...599, 418)), body: try options.text("body") ?? "",
                contentType: try options.text("contentType") ?? "text/plain")
        case "badDate":
            try allow(["seconds"])
            return .badDate(skewSeconds: try number("seconds", -4_000_000_000...4_000_000_000, 3600))
        default:
            throw .invalid(
                "there is no fault \"\(name)\"; the kinds are unauthorized, notFound, throttled, serverError, timeout, "
                    + "delay, slowBody, cutBody, wrongTransaction, stale, forged, notJSON, emptyBody, oversizedBody, "
                    + "status, badDate")
        }
    }
}
