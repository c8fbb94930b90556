import ArgumentParser
import Logging
import PurchaseService
import PurchaseStore

/// `vouch keys`: who may call the API.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke the keys of the API.",
        subcommands: [Create.self, List.self, Revoke.self])

    /// `vouch keys create`: prints the key, the only time that it is shown.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print it, alone on standard output; it is never shown again.")

        @Option(name: .customLong("role"), help: "app, device, support, finance or admin; may be given several times.")
        var roleNames: [String] = []

        @Option(help: "One person or system; the ledger names it as the one who acted.")
        var name: String

        @OptionGroup var config: ConfigOptions

        func validate() throws {
            _ = try Self.roles(named: roleNames)
            _ = try Self.keyName(name)
        }

        func run() async throws {
            let roles = try Self.roles(named: roleNames)
            let name = try Self.keyName(name)
            var generator = SystemRandomNumberGenerator()
            let text = KeyText(using: &generator)
            _ = try await Keys.withRepository(config) { repository in
                try await repository.create(name: name, roles: roles, sha256: text.sha256)
            }
            if roles.contains(.device), roles.count > 1 {
                Console.error(
                    "vouch: a device key ships inside an app, where anybody can read it: everybody gets its other roles too"
                )
            }
            Console.output(text.reveal())
        }

        /// The roles by name; at least one, and never `user`.
        static func roles(named names: [String]) throws(ValidationError) -> Set<Role> {
            let allowed = Role.allCases.filter { $0 != .user }.map(\.rawValue)
            guard !names.isEmpty else { throw ValidationError("--role is missing: \(allowed.joined(separator: ", "))") }
            var roles: Set<Role> = []
            for name in names {
                guard let role = Role(rawValue: name) else {
                    throw ValidationError(
                        "\(Printable.quote(name)) is no role: use \(allowed.joined(separator: ", "))")
                }
                guard role != .user else {
                    throw ValidationError("the role user belongs to signed-in users and can't be given to a key")
                }
                roles.insert(role)
            }
            return roles
        }

        /// The name, checked.
        static func keyName(_ text: String) throws(ValidationError) -> KeyName {
            guard let name = KeyName(text) else {
                throw ValidationError(
                    "--name must have 1 to 100 characters on one line, no space at its ends, and not be a number or user"
                )
            }
            return name
        }
    }

    /// `vouch keys list`: everything but the keys themselves.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys: number, name, roles, when made and when revoked; never the key.")

        @OptionGroup var config: ConfigOptions

        func run() async throws {
            let keys = try await Keys.withRepository(config) { try await $0.list() }
            for line in Self.table(of: keys) { Console.output(line) }
        }

        /// Columns under headings, two spaces between them.
        static func table(of keys: [StoredKey]) -> [String] {
            let headings = ["ID", "NAME", "ROLES", "CREATED", "REVOKED"]
            let rows = keys.map { key in
                [
                    String(key.id), Printable.escape(key.name),
                    key.roles.map(\.rawValue).sorted().joined(separator: ","),
                    UTCTime.text(key.createdAt), key.revokedAt.map(UTCTime.text) ?? "-",
                ]
            }
            return TextTable.lines(headings, rows)
        }
    }

    /// `vouch keys revoke`: ends a key.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a key, by its name or its number.")

        @Argument(help: "The name of a key in force, or the number of any.")
        var key: String

        @OptionGroup var config: ConfigOptions

        func run() async throws {
            let revoked = try await Keys.withRepository(config) { repository in
                if let id = Int64(key) { return try await repository.revoke(id: id) }
                guard let name = KeyName(key) else { throw KeyRepositoryError.noSuchKey }
                return try await repository.revoke(name: name)
            }
            let moment = revoked.revokedAt.map(UTCTime.text) ?? "now"
            Console.output("revoked \(revoked.id) \(Printable.escape(revoked.name)) at \(moment)")
        }
    }

    /// Runs work on the keys in the service's role.
    static func withRepository<Value>(
        _ config: ConfigOptions, _ body: (KeyRepository) async throws -> Value
    ) async throws -> Value {
        let settings = try DatabaseSettings.load(
            environment: ConfigOptions.environment, configPath: config.path)
        let logger = Logger.bootstrapVouch(level: settings.shortCommandLogLevel)
        return try await settings.withServiceClient(logger: logger) { client in
            try await body(KeyRepository(client: client))
        }
    }
}
