import Foundation
import Glibc

/// The PostgreSQL clusters the tests run against.
enum TestCluster {
    /// The shared one: given by `make test`, else started here and left running for the next run.
    static let uri: String = {
        if let given = ProcessInfo.processInfo.environment["VOUCH_TEST_DATABASE_URL"], !given.isEmpty { return given }
        do {
            return try run("start", checkout.appending(path: ".run/postgres").path)
        } catch {
            fatalError("no test cluster: \(error)")
        }
    }()

    static let checkout = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// One to restart at will.
    static let restartable = ExtraCluster(name: "restart")

    /// One that speaks TLS under a certificate for `localhost`, and is read-only like a standby.
    static let secureReadOnly = ExtraCluster(name: "tls") { directory in
        try shell(["bash", "-c", certificates, "certificates", directory])
        return """
            ssl = on
            ssl_cert_file = '\(directory)/server.crt'
            ssl_key_file = '\(directory)/server.key'
            default_transaction_read_only = on

            """
    }

    /// Makes a root, a server certificate for `localhost` and an unrelated root, and gives them to the server's user.
    private static let certificates = #"""
        set -euo pipefail
        cd "$1"
        for root in root other; do
            openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=test $root" -keyout $root.key -out $root.crt
        done
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost\n' >server.ext
        openssl x509 -req -in server.csr -CA root.crt -CAkey root.key -CAcreateserial -days 3650 \
            -extfile server.ext -out server.crt
        chown --reference=. ./*
        chmod 600 server.key
        """#

    struct Failure: Error {
        let output: String
    }

    /// Runs `scripts/cluster` and returns what it prints.
    @discardableResult
    static func run(_ command: String, _ directory: String) throws -> String {
        try shell([checkout.appending(path: "scripts/cluster").path, command, directory])
    }

    /// Runs a program to its end and returns its output without the last newline.
    @discardableResult
    static func shell(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        // A file, not a pipe: a server started in there would keep a pipe open for ever.
        let file = FileManager.default.temporaryDirectory.appending(path: "vouch-\(UUID().uuidString).out")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forWritingTo: file)
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        let output = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        if process.terminationStatus != 0 { throw Failure(output: output) }
        return output
    }
}

/// A cluster of this test process alone, removed when the process ends.
final class ExtraCluster: Sendable {
    let uri: String
    let directory: String

    /// Starts it; `configure` gets its directory and returns the lines of `extra.conf`.
    init(name: String, configure: (String) throws -> String = { _ in "" }) {
        directory = Self.base.appending(path: "\(name)-\(ProcessInfo.processInfo.processIdentifier)").path
        do {
            try TestCluster.run("start", directory)
            Self.removeAtExit(directory)
            let settings = try configure(directory)
            if !settings.isEmpty {
                try settings.write(toFile: directory + "/extra.conf", atomically: false, encoding: .utf8)
                try TestCluster.shell(["chmod", "644", directory + "/extra.conf"])
            }
            uri = try TestCluster.run("restart", directory)
        } catch {
            fatalError("no \(name) cluster: \(error)")
        }
    }

    var port: Int { URLComponents(string: uri)?.port ?? 0 }

    private static let base: URL = {
        let base = TestCluster.checkout.appending(path: ".run/tests")
        try? FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
        // Those of processes that crashed.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: base.path)) ?? [] {
            guard let process = name.split(separator: "-").last.flatMap({ Int32($0) }), kill(process, 0) != 0 else {
                continue
            }
            _ = try? TestCluster.run("remove", base.appending(path: name).path)
        }
        return base
    }()

    private static let toRemove = Gathered<String>()

    private static func removeAtExit(_ directory: String) {
        if toRemove.all.isEmpty {
            atexit { for directory in ExtraCluster.toRemove.all { _ = try? TestCluster.run("remove", directory) } }
        }
        toRemove.add(directory)
    }
}
