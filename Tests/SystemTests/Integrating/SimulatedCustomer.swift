import Foundation
import NIOHTTP1
import StoreKit
import Synchronization
import TestSupport
import Testing

@testable import IntegrationExamples

/// One customer with one device, between the simulated App Store and a real server.
struct SimulatedCustomer {
    let vouch: Installation
    let server: String
    let account: UUID
    let device: SimulatedDevice
    /// What the app of docs/integrating.md is given.
    let client: VouchClient

    /// A customer whose app pauses by running `pause` instead of waiting; `userToken` takes the place of the key.
    init(
        _ vouch: Installation, _ server: String, deviceKey: String, userToken: String? = nil, account: UUID = UUID(),
        sheet: SheetOutcome = .bought, pause: @escaping @Sendable () async throws -> Void = {}
    ) throws {
        (self.vouch, self.server, self.account) = (vouch, server, account)
        device = SimulatedDevice { productID, token in
            switch sheet {
            case .bought: .success(.verified(try await vouch.sell(productID, to: token)))
            case .bad:
                .success(.unverified(try await vouch.sell(productID, to: token), URLError(.badServerResponse)))
            case .pending: .pending
            case .cancelled: .userCancelled
            }
        }
        var client = VouchClient(url: try #require(URL(string: server)), key: userToken ?? deviceKey)
        client.isUserToken = userToken != nil
        client.pause = { _ in try await pause() }
        self.client = client
    }

    /// How StoreKit's sheet ends.
    enum SheetOutcome {
        case bought, bad, pending, cancelled
    }

    /// Runs a part of the app on this customer's device.
    @MainActor
    func app<Value: Sendable>(_ body: @MainActor (Shop) async throws -> Value) async throws -> Value {
        try await SimulatedDevice.$current.withValue(device) {
            try await body(Shop(vouch: client, account: account))
        }
    }
}

extension Installation {
    /// Sells something; the transaction as the device gets it.
    func sell(
        _ productID: String = "pro", type: String = "Non-Consumable", quantity: Int = 1, to token: UUID? = nil
    ) async throws -> Transaction {
        let owner = token.map { #","appAccountToken":"\#($0.uuidString)""# } ?? ""
        let answer = try await send(
            .POST, simulator.url + "/control/purchases",
            #"{"productId":"\#(productID)","type":"\#(type)","quantity":\#(quantity)\#(owner)}"#)
        return Transaction(
            id: try #require(answer.body["transactionId"]?.text.flatMap { UInt64($0) }), productID: productID,
            appAccountToken: token, signed: try #require(answer.body["signedTransaction"]?.text))
    }

    /// Does something in the simulated store.
    func control(_ path: String, _ body: String = "{}") async throws {
        let answer = try await send(.POST, simulator.url + "/control/" + path, body)
        try #require((200..<300).contains(answer.status), "\(path): \(answer.body)")
    }

    /// A key that may ship inside an app.
    func deviceKey() throws -> String {
        try Installation.vouch(["keys", "create", "--role", "device", "--name", "phones"], environment)
    }

    /// A server that the simulated store notifies.
    func startNotifiedServer() async throws -> String {
        let url = try startServer().url
        let answer = try await send(
            .PUT, simulator.url + "/control/notification-url", #"{"url":"\#(url)/v1/notifications/apple"}"#)
        try #require((200..<300).contains(answer.status))
        return url
    }
}
