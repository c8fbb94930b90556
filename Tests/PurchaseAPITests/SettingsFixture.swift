import AppStoreSimulator
import Foundation
import Testing

@testable import vouch

/// A directory with the files that settings name, and an environment that starts a service without a fault.
final class SettingsFixture {
    let directory: URL
    /// The environment of a correct service.
    var environment: [String: String]

    /// The simulator's files: making keys takes a moment, so all fixtures share one set.
    private static let material: (key: String, root: String)? = {
        guard let keys = try? SimulatorKeys.inMemory(), let root = try? keys.rootPEM() else { return nil }
        return (keys.privateKeyPEM, root)
    }()

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "vouch-settings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        environment = [
            "VOUCH_DATABASE_URL": "postgresql://vouch:hunter2@127.0.0.1:5432/vouch",
            "VOUCH_APP_BUNDLE_ID": "com.example.app",
            "VOUCH_APP_APPLE_ID": "1234567890",
            "VOUCH_APP_ISSUER_ID": "5c5bfb07-1d0c-4f0e-9a55-6d1f7e7a3b10",
            "VOUCH_APP_KEY_ID": "SIMULATOR1",
            "PATH": "/usr/bin",
        ]
        let material = try #require(Self.material)
        environment["VOUCH_APP_PRIVATE_KEY_FILE"] = try write(material.key, to: "key.p8")
        _ = try write(material.root, to: "root.pem")
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// The path of the directory itself.
    var directoryPath: String { directory.path(percentEncoded: false) }

    /// The path of the simulator's root.
    var rootPath: String { path("root.pem") }

    func path(_ name: String) -> String { directory.appending(path: name).path(percentEncoded: false) }

    /// Writes a file and gives its path back.
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: directory.appending(path: name))
        return path(name)
    }

    /// Loads with changes on top of the correct environment; a `nil` takes a name away.
    func load(_ changes: [String: String?] = [:], file: String? = nil) throws -> Settings {
        var environment = environment
        for (name, value) in changes { environment[name] = value }
        let configPath = try file.map { try write($0, to: "config-\(UUID().uuidString).yaml") }
        return try Settings.load(environment: environment, configPath: configPath)
    }

    /// The faults that loading with changes ends in; empty when it succeeds.
    func faults(_ changes: [String: String?] = [:], file: String? = nil) throws -> [SettingsFault] {
        do {
            _ = try load(changes, file: file)
            return []
        } catch let error as SettingsFaults {
            return error.faults
        }
    }

    private static var repository: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    /// The path of a file of the repository.
    static func repositoryPath(_ path: String) -> String {
        repository.appending(path: path).path(percentEncoded: false)
    }

    /// The text of a file of the repository.
    static func repositoryFile(_ path: String) throws -> String { try contents(of: repositoryPath(path)) }

    /// Apple Root CA - G3, DER.
    static var appleRootPath: String { repositoryPath("Tests/AppStoreJWSTests/Fixtures/AppleRootCA-G3.cer") }

    /// The text of a file.
    static func contents(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}
