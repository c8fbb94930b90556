import HTTPTypes
import Hummingbird
import NIOCore

/// The control interface: what a test or an operator does to the simulated store, over HTTP.
struct ControlRoutes: Sendable {
    typealias Context = SimulatorRequestContext
    typealias Action = @Sendable (ControlRequest) throws(SimulatorError) -> ControlAnswer

    let simulator: AppStoreSimulator

    func add(to group: RouterGroup<Context>) {
        addTransactions(to: group)
        addRenewals(to: group)
        addSelfRunning(to: group)
        addFaults(to: group)
        addNotifications(to: group)
        addSalesReports(to: group)
        addTheRest(to: group)
    }

    private func addTransactions(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "purchases", .post) { request throws(SimulatorError) in
            .json(Self.receipt(try simulator.purchase(try request.purchase())), status: 201)
        }
        on(group, "transactions/{id}/refund", .post) { request throws(SimulatorError) in
            let refund = try request.refund()
            return .json(Self.receipt(try simulator.refund(request.id, refund, in: request.environment)))
        }
        on(group, "transactions/{id}/reverse-refund", .post) { request throws(SimulatorError) in
            try request.allow([])
            return .json(Self.receipt(try simulator.reverseRefund(request.id, in: request.environment)))
        }
        on(group, "transactions/{id}/restore", .post) { request throws(SimulatorError) in
            try request.allow(["transactionId"])
            let receipt = try simulator.restore(
                request.id, in: request.environment, newTransactionID: try request.text("transactionId"))
            return .json(Self.receipt(receipt), status: 201)
        }
        on(group, "transactions/{id}/family-share", .post) { request throws(SimulatorError) in
            try request.allow(["transactionId"])
            let receipt = try simulator.shareWithFamily(
                request.id, in: request.environment, newTransactionID: try request.text("transactionId"))
            return .json(Self.receipt(receipt), status: 201)
        }
        on(group, "transactions/{id}/renew", .post) { request throws(SimulatorError) in
            try request.allow(["transactionId", "price"])
            let receipt = try simulator.renew(
                request.id, in: request.environment, price: try request.integer("price"),
                newTransactionID: try request.text("transactionId"))
            return .json(Self.receipt(receipt), status: 201)
        }
        on(group, "transactions/{id}/upgrade", .post) { request throws(SimulatorError) in
            try request.allow(["transactionId", "price", "productId", "periodMilliseconds", "offer", "isRefunded"])
            let receipt = try simulator.upgrade(
                request.id, try request.upgrade(), in: request.environment,
                newTransactionID: try request.text("transactionId"))
            return .json(Self.receipt(receipt), status: 201)
        }
        on(group, "transactions/{id}", .patch) { request throws(SimulatorError) in
            try simulator.setFields(request.body, of: request.id, in: request.environment)
            return .json(try simulator.payload(of: request.id, in: request.environment))
        }
        on(group, "transactions/{id}", .get) { request throws(SimulatorError) in
            .json(try simulator.payload(of: request.id, in: request.environment))
        }
        on(group, "transactions/{id}/signed", .get) { request throws(SimulatorError) in
            let signed = try simulator.signedTransaction(
                request.id, in: request.environment, forgery: try request.forgery())
            return .json(["signedTransaction": .string(signed)])
        }
        on(group, "subscriptions/{id}", .patch) { request throws(SimulatorError) in
            try simulator.setRenewalFields(request.body, of: request.id, in: request.environment)
            return .noContent
        }
    }

    private func addFaults(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "faults", .post) { request throws(SimulatorError) in
            .json(["id": .integer(Int64(try simulator.inject(try request.fault())))], status: 201)
        }
        on(group, "faults", .get) { _ throws(SimulatorError) in
            let entries = simulator.withState { state, _ in state.faults.entries }
            return .json(["faults": .array(entries.map { .object(Self.describe($0)) })])
        }
        on(group, "faults", .delete) { _ throws(SimulatorError) in
            simulator.removeAllFaults()
            return .noContent
        }
        on(group, "faults/{id}", .delete) { request throws(SimulatorError) in
            guard let id = Int(request.id), simulator.removeFault(id) else {
                return .failure("there is no fault \(request.id)", status: 404)
            }
            return .noContent
        }
        on(group, "outage", .post) { request throws(SimulatorError) in
            try request.allow(["on"])
            guard let isOut = try request.bool("on") else { throw .invalid("on is missing") }
            simulator.setOutage(isOut)
            return .json(["on": .bool(isOut)])
        }
    }

    private func addTheRest(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "calls", .get) { request throws(SimulatorError) in
            let (id, environment) = (request.query("transactionId"), request.environment)
            let (count, entries) = simulator.withState { state, _ in
                (
                    state.calls.count(transactionID: id, environment: environment),
                    state.calls.entries(transactionID: id, environment: environment, limit: 1000)
                )
            }
            return .json(["count": .integer(Int64(count)), "calls": .array(entries.map { .object(Self.describe($0)) })])
        }
        on(group, "calls", .delete) { _ throws(SimulatorError) in
            simulator.removeAllCalls()
            return .noContent
        }
        on(group, "reset", .post) { _ throws(SimulatorError) in
            simulator.reset()
            return .noContent
        }
        on(group, "rotate-certificates", .post) { _ throws(SimulatorError) in
            try simulator.rotateCertificates()
            return .noContent
        }
        on(group, "clock", .post) { request throws(SimulatorError) in
            try request.allow(["advanceMilliseconds"])
            guard let milliseconds = try request.integer("advanceMilliseconds") else {
                throw .invalid("advanceMilliseconds is missing")
            }
            guard abs(milliseconds) <= 3650 * Milliseconds.day else {
                throw .invalid("advanceMilliseconds must be at most ten years")
            }
            simulator.advanceClock(milliseconds: milliseconds)
            return .json(["now": .integer(simulator.nowMilliseconds)])
        }
        on(group, "clock", .get) { _ throws(SimulatorError) in .json(["now": .integer(simulator.nowMilliseconds)]) }
        on(group, "keys", .get) { _ throws(SimulatorError) in
            .json([
                "keyId": .string(SimulatorKeys.keyID), "issuerId": .string(SimulatorKeys.issuerID),
                "bundleId": .string(simulator.configuration.bundleID),
                "appAppleId": .integer(simulator.configuration.appAppleID),
                "privateKeyFile": simulator.keys.privateKeyFile.map(SimulatorJSON.string) ?? .null,
            ])
        }
        on(group, "root.pem", .get) { _ throws(SimulatorError) in
            ControlAnswer(
                status: 200, contentType: "application/x-pem-file", body: Array(try simulator.keys.rootPEM().utf8))
        }
        on(group, "root.cer", .get) { _ throws(SimulatorError) in
            ControlAnswer(status: 200, contentType: "application/pkix-cert", body: try simulator.keys.rootDER())
        }
    }

    func on(
        _ group: RouterGroup<Context>, _ path: RouterPath, _ method: HTTPRequest.Method, action: @escaping Action
    ) {
        group.on(path, method: method) { request, context in
            let answer: ControlAnswer
            do throws(SimulatorError) {
                answer = try action(try await ControlRequest.read(request, context))
            } catch {
                answer = .failure(error.description, status: Self.status(of: error))
            }
            return answer.response
        }
    }

    private static func status(of error: SimulatorError) -> Int {
        switch error {
        case .unknownTransaction: 404
        case .invalid: 400
        case .duplicateTransaction, .conflict: 409
        case .full: 507
        case .material: 500
        }
    }

    static func receipt(_ receipt: SimulatedReceipt) -> SimulatorJSONObject {
        [
            "transactionId": .string(receipt.transactionID),
            "originalTransactionId": .string(receipt.originalTransactionID),
            "environment": .string(receipt.environment.rawValue),
            "orderId": .string(receipt.orderID),
            "appTransactionId": .string(receipt.appTransactionID),
            "affected": .array(receipt.affected.map(SimulatorJSON.string)),
            "signedTransaction": .string(receipt.signedTransaction),
        ]
    }

    private static func describe(_ entry: FaultQueue.Entry) -> SimulatorJSONObject {
        [
            "id": .integer(Int64(entry.id)), "kind": .string(entry.fault.kind.name),
            "transactionId": entry.fault.transactionID.map(SimulatorJSON.string) ?? .null,
            "environment": entry.fault.environment.map { .string($0.rawValue) } ?? .null,
            "endpoint": entry.fault.endpoint.map { .string($0.rawValue) } ?? .null,
            "timesLeft": entry.timesLeft.map { .integer(Int64($0)) } ?? .null,
            "happened": .integer(Int64(entry.happenedCount)),
        ]
    }

    private static func describe(_ entry: CallLog.Entry) -> SimulatorJSONObject {
        [
            "method": .string(entry.method), "path": .string(entry.path),
            "environment": .string(entry.environment.rawValue), "endpoint": .string(entry.endpoint.rawValue),
            "transactionId": entry.transactionID.map(SimulatorJSON.string) ?? .null,
            "status": entry.status.map { .integer(Int64($0)) } ?? .null, "at": .integer(entry.at),
            "note": entry.note.map(SimulatorJSON.string) ?? .null,
        ]
    }
}
