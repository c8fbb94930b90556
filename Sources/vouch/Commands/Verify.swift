import AppStoreJWS
import ArgumentParser
import PurchaseCore

/// How `vouch verify` ends.
enum VerifyExit: Int32, Error, CaseIterable, Comparable {
    /// Everything that was checked is right.
    case verified = 0
    /// Something is definitely wrong.
    case refused = 1
    /// It can't be said, or the command could not be understood.
    case undetermined = 2

    /// Better before worse: a refusal is worse than a doubt.
    static func < (left: Self, right: Self) -> Bool { left.severity < right.severity }

    private var severity: Int {
        switch self {
        case .verified: 0
        case .undetermined: 1
        case .refused: 2
        }
    }
}

/// `vouch verify`: checks one JWS offline.
struct Verify: AsyncParsableCommand {
    /// More than any JWS that the verifier accepts, so that it, and not the reader, says that one is too large.
    static let fileBytesMax = 8 * 1024 * 1024

    static let configuration = CommandConfiguration(
        abstract: "Check one signed payload of the App Store, offline: a line for each step.",
        discussion: """
            Reads a transaction, renewal info, notification or app transaction as Apple signs it (three segments with \
            dots between them). Nothing is asked over the network, so revocation (OCSP) is not checked. Exit code: 0 \
            verified, 1 refused, 2 undetermined or not understood.
            """)

    @Option(help: "The file with the JWS; - for standard input.")
    var file: String

    @Option(name: .customLong("bundle-id"), help: "Also check that it is about this app.")
    var bundleID: String?

    @Option(help: "Also check that it is from Production or Sandbox.")
    var environment: StoreEnvironment?

    @OptionGroup var config: ConfigOptions

    func run() async throws {
        let settings = try VerifySettings.load(environment: ConfigOptions.environment, configPath: config.path)
        let bytes: [UInt8]
        do throws(InputFile.Fault) {
            bytes = try InputFile.read(file, bytesMax: Self.fileBytesMax)
        } catch {
            Console.error("vouch: \(Printable.quote(file)): \(error)")
            throw VerifyExit.undetermined
        }
        // Editors and `echo` end files with a line break, which is not part of the JWS.
        let text = String(decoding: bytes, as: UTF8.self).trimmed
        guard !text.isEmpty else {
            Console.error("vouch: \(Printable.quote(file)): there is nothing in it")
            throw VerifyExit.undetermined
        }
        let check = OfflineCheck(
            trustedRoots: settings.trustedRoots, bundleID: bundleID.map { BundleID($0) }, environment: environment)
        let result = await check.run(on: text, now: UTCTime.now)
        for line in result.lines { Console.output(line) }
        if result.exit != .verified { throw result.exit }
    }
}

extension StoreEnvironment: ExpressibleByArgument {}
