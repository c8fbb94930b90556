import Foundation
import NIOCore

extension Workshop {
    /// Notifications in one load; all are signed before it begins, since signing would take the generator's time.
    private static let notificationsCount = 8_000
    /// As many before them, that are not counted.
    private static let notificationsWarmUp = 500

    /// Notifications about purchases that nobody posted: both signatures are verified, and all of it made durable.
    func measureNotifications() async throws {
        try await Installation.with(self, name: "notification") { stack in
            let count = settings.isSmoke ? Self.smokeRequests : Self.notificationsCount
            let concurrency = settings.isSmoke ? 4 : 64
            let mint = try JWSMint(keys: storeKeys)
            let warmUp = try notifications(4..<(4 + (settings.isSmoke ? 4 : Self.notificationsWarmUp)), mint)
            _ = try await deliver(warmUp, to: stack, concurrency: min(4, warmUp.count))
            let requests = try notifications(1_000_000..<(1_000_000 + count), mint)
            let load = try await deliver(requests, to: stack, concurrency: concurrency)
            let applied = try stack.database.number("SELECT count(*) FROM notifications WHERE outcome = 'applied'")
            guard applied == count + warmUp.count else { throw BenchFailure("\(applied) of \(count) were applied") }
            let commits = try await commitsRate(tasks: concurrency) * 2
            let pair = ReferenceParts(parts: [
                ("two signatures", try await signatureRate(tasks: concurrency) / 2), ("commit", commits),
            ])
            let body = String(buffer: requests[0]).split(separator: "\r\n").last.map(String.init) ?? "{}"
            let echo = try await echoRate(connections: concurrency, json: body)
            var measurement = Measurement(
                .notification, "notification, \(concurrency) at once", load.result.throughput)
            measurement.reference = .init(name: "two signatures and a commit", value: pair.allowed)
            measurement.atLeast = settings.isSmoke ? nil : 0.7
            measurement.details = pair.details
            load.describe(&measurement, isTimed: !settings.isSmoke)
            try report.add(measurement)
            var second = Measurement(.notification, "the same, beside them and HTTP", load.result.throughput)
            let three = ReferenceParts(parts: pair.parts + [("echo of its body", echo)])
            second.reference = .init(name: "these and an echo of its body", value: three.allowed)
            second.details = three.details
            try report.add(second)
        }
    }

    private func deliver(
        _ requests: [ByteBuffer], to stack: Installation, concurrency: Int
    ) async throws -> MeasuredLoad {
        let plan = LoadPlan(port: stack.service.port, connections: concurrency) { requests[$0] }
        return try await load(plan, count: requests.count, watching: stack.watched(self))
    }

    private func notifications(_ numbers: Range<Int>, _ mint: JWSMint) throws -> [ByteBuffer] {
        try numbers.map { number in
            let signed = try mint.notification(
                about: Self.transactionID(number), uuid: UUID().uuidString.lowercased())
            return HTTPRequestBytes.post("/v1/notifications/apple", json: #"{"signedPayload":"\#(signed)"}"#)
        }
    }
}
