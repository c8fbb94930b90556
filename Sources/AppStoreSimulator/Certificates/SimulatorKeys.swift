package import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// The simulator's secrets: its root, and the In-App Purchase key that callers sign their bearer tokens with.
package struct SimulatorKeys: Sendable {
    /// The `kid` of the In-App Purchase key.
    package static let keyID = "SIMULATOR1"
    /// The `iss` of every accepted bearer token.
    package static let issuerID = "5c5bfb07-1d0c-4f0e-9a55-6d1f7e7a3b10"

    /// The root that issues the signing chains.
    package let authority: SimulatedCertificateAuthority
    /// The In-App Purchase key; App Store Connect would let its owner download it once, as a `.p8` file.
    package let inAppPurchaseKey: P256.Signing.PrivateKey
    /// Where the `.p8` file is; `nil` for keys that live in memory alone.
    package let privateKeyFile: String?

    /// The In-App Purchase key as PKCS #8 PEM, the content of a `.p8` file.
    package var privateKeyPEM: String { inAppPurchaseKey.pemRepresentation + "\n" }

    /// The root certificate as PEM.
    package func rootPEM() throws(SimulatorError) -> String {
        do {
            return try authority.root.serializeAsPEM().pemString + "\n"
        } catch {
            throw .material("the root certificate can't be written as PEM: \(error)")
        }
    }

    /// The root certificate as DER.
    package func rootDER() throws(SimulatorError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(authority.root)
            return serializer.serializedBytes
        } catch {
            throw .material("the root certificate can't be written as DER: \(error)")
        }
    }

    /// New keys that no file holds, for tests.
    package static func inMemory(clock: SimulatorClock = .system) throws(SimulatorError) -> SimulatorKeys {
        SimulatorKeys(
            authority: try newAuthority(clock: clock), inAppPurchaseKey: P256.Signing.PrivateKey(),
            privateKeyFile: nil)
    }

    /// The keys of a directory: made on the first call, read on later ones.
    ///
    /// Files: `root.key.pem` and `AuthKey_SIMULATOR1.p8` (both readable by their owner alone), `root.pem`, `root.cer`.
    /// Throws ``SimulatorError/material(_:)``, which names the file.
    package static func loadOrCreate(
        directory: String, clock: SimulatorClock = .system
    ) throws(SimulatorError) -> SimulatorKeys {
        let isAbsolute = directory.hasPrefix("/")
        let files = Files(
            directory: isAbsolute ? directory : FileManager.default.currentDirectoryPath + "/" + directory)
        if FileManager.default.fileExists(atPath: files.rootKey) { return try load(files) }
        let keys = SimulatorKeys(
            authority: try newAuthority(clock: clock), inAppPurchaseKey: P256.Signing.PrivateKey(),
            privateKeyFile: files.inAppPurchaseKey)
        try files.createDirectory()
        try files.write(Array(try keys.rootPEM().utf8), to: files.rootPEM, isSecret: false)
        try files.write(try keys.rootDER(), to: files.rootDER, isSecret: false)
        try files.write(Array(keys.privateKeyPEM.utf8), to: files.inAppPurchaseKey, isSecret: true)
        // The root's key comes last: its presence says that the other files are complete.
        try files.write(Array(keys.authority.rootKey.pemRepresentation.utf8), to: files.rootKey, isSecret: true)
        return keys
    }

    private static func newAuthority(clock: SimulatorClock) throws(SimulatorError) -> SimulatedCertificateAuthority {
        do {
            return try SimulatedCertificateAuthority(
                names: .simulated(), now: Date(milliseconds: clock.nowMilliseconds))
        } catch {
            throw .material("the root can't be made: \(error)")
        }
    }

    private static func load(_ files: Files) throws(SimulatorError) -> SimulatorKeys {
        let rootKeyText = try files.read(files.rootKey)
        let rootText = try files.read(files.rootPEM)
        let keyText = try files.read(files.inAppPurchaseKey)
        do {
            return SimulatorKeys(
                authority: try SimulatedCertificateAuthority(
                    rootKey: try P384.Signing.PrivateKey(pemRepresentation: rootKeyText),
                    root: try Certificate(pemEncoded: rootText)),
                inAppPurchaseKey: try P256.Signing.PrivateKey(pemRepresentation: keyText),
                privateKeyFile: files.inAppPurchaseKey)
        } catch {
            throw .material(
                "the keys in \(files.directory) are damaged (\(error)); remove the directory to make new ones")
        }
    }
}

/// The files of the simulator's directory.
private struct Files {
    let directory: String
    var rootKey: String { directory + "/root.key.pem" }
    var rootPEM: String { directory + "/root.pem" }
    var rootDER: String { directory + "/root.cer" }
    var inAppPurchaseKey: String { directory + "/AuthKey_\(SimulatorKeys.keyID).p8" }

    func createDirectory() throws(SimulatorError) {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw .material("the directory \(directory) can't be created: \(error)")
        }
    }

    func write(_ bytes: [UInt8], to path: String, isSecret: Bool) throws(SimulatorError) {
        let permissions = isSecret ? 0o600 : 0o644
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: Data(bytes), attributes: [.posixPermissions: permissions])
        guard isWritten else { throw .material("\(path) can't be written") }
    }

    func read(_ path: String) throws(SimulatorError) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .material("\(path) can't be read; remove \(directory) to make new keys")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
