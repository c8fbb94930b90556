import Foundation
import Postgres

/// A database of one part in the cluster that the run was given; dropped at its end.
struct ScratchDatabase: Sendable {
    /// A libpq URI with the rights of the cluster's owner.
    let uri: String

    /// Takes a database's URI.
    init(uri: String) { self.uri = uri }

    /// A database that is there already, in the cluster of a URI.
    init(named name: String, on server: String) { uri = Self.uri(of: name, server: server) }

    private static func uri(of database: String, server: String) -> String {
        let end = server.lastIndex(of: "/") ?? server.endIndex
        return server[..<end] + "/" + database
    }

    /// Creates a database, as a copy of another if one is named.
    static func create(_ name: String, from template: String? = nil, on server: String) throws -> ScratchDatabase {
        try drop(name, on: server)
        let copy = template.map { " TEMPLATE \($0)" } ?? ""
        try psql(server, "CREATE DATABASE \(name)\(copy);")
        return ScratchDatabase(uri: uri(of: name, server: server))
    }

    /// Drops it, whoever is still connected.
    static func drop(_ name: String, on server: String) throws {
        try psql(server, "DROP DATABASE IF EXISTS \(name) WITH (FORCE);")
    }

    /// Runs a script with psql, up to its first error, and returns what the queries in it say, a row a line.
    @discardableResult
    static func psql(_ uri: String, _ script: String, variables: [String: String] = [:]) throws -> String {
        let assignments = variables.flatMap { ["-v", "\($0.key)=\($0.value)"] }
        let arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"] + assignments + [uri]
        return try Command.run(
            "psql", arguments, environment: ["PGOPTIONS": "-c client_min_messages=warning"], input: script
        ).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs a script in this database.
    @discardableResult
    func psql(_ script: String, variables: [String: String] = [:]) throws -> String {
        try Self.psql(uri, script, variables: variables)
    }

    /// A number that a query gives.
    func number(_ query: String) throws -> Int {
        guard let number = Int(try psql(query)) else { throw BenchFailure("no number: \(query)") }
        return number
    }
}
