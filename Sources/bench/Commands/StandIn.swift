import AppStoreSimulator
import ArgumentParser
import Foundation
import NIOCore
import NIOPosix

/// The servers that a run starts beside Vouch, each a process of its own so that its CPU time can be told apart.
struct StandIn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve what a run measures against; ends with its standard input.", shouldDisplay: false)

    enum Role: String, ExpressibleByArgument {
        case store
        case echo
        case ledger
    }

    @Argument var role: Role
    @Option var directory = ""
    @Option var latencyMilliseconds: Int64 = 0
    @OptionGroup var ledger: LedgerProcess

    func run() async throws {
        guard role != .ledger else { return try await ledger.run() }
        // The run that started this may be killed; nobody would ask for the port ever again.
        FileHandle.standardInput.readabilityHandler = { input in
            if input.availableData.isEmpty { Foundation.exit(0) }
        }
        switch role {
        case .echo:
            try await EchoServer.run { Self.announce($0) }
        case .store:
            let stub = try StoreStub(
                keys: try SimulatorKeys.loadOrCreate(directory: directory),
                latency: .milliseconds(latencyMilliseconds))
            let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
            let channel = try await stub.bind(on: group)
            Self.announce(channel.localAddress?.port ?? 0)
            try await channel.closeFuture.get()
        case .ledger:
            break
        }
    }

    private static func announce(_ port: Int) {
        FileHandle.standardOutput.write(Data("listening on http://127.0.0.1:\(port)\n".utf8))
    }
}
