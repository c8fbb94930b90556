import Postgres

/// Says what to do about a fault of the database.
///
/// libpq 15 gives no SQLSTATE for a failed connection, so its text is looked at for the usual causes; a server that
/// speaks another language gets the general sentence.
enum DatabaseSentence {
    /// One sentence; no value of a row, and nothing of the connection URI but host, port, user and database.
    static func explain(_ error: PostgresError) -> String {
        if let sqlState = error.sqlState, let sentence = explain(sqlState: sqlState) { return sentence }
        switch error.code {
        case .connectionFailed: return explain(connection: error.message)
        case .connectionLost: return "the connection to PostgreSQL broke: see its log, then try again"
        case .commitOutcomeUnknown:
            return "the connection to PostgreSQL broke at the commit, which may have happened: look, then try again"
        case .poolExhausted, .queueFull: return "PostgreSQL is busy: try again in a moment"
        case .deadlineExceeded: return "PostgreSQL took too long: see what it is busy with, then try again"
        case .cancelled, .shuttingDown: return "interrupted"
        default:
            // The description has code, SQLSTATE and constraint, and no value.
            return "PostgreSQL refused a statement (\(error.description)): see its log"
        }
    }

    private static func explain(sqlState: String) -> String? {
        switch sqlState {
        case "42P01", "3F000": "the database has no Vouch schema yet: run `vouch migrate`"
        case "42704", "22023": "the role vouch_service does not exist on this server: run `vouch migrate`"
        case "42501":
            "the login of VOUCH_DATABASE_URL is not allowed to do this: run `vouch migrate` with the database's owner, "
                + "then use that login or let an administrator run GRANT vouch_service TO the login"
        case "25006": "the server is read-only, a standby: name the primary in VOUCH_DATABASE_URL, or every host"
        case "53300": "PostgreSQL has no free connection: raise max_connections, or stop something"
        case "53100": "PostgreSQL's disk is full: make room"
        case "57P01", "57P02", "57P03": "PostgreSQL is starting or stopping: try again in a moment"
        default: nil
        }
    }

    private static func explain(connection message: String) -> String {
        if message.hasPrefix("the database URL") {
            // libpq quotes parts of the URI here, the password perhaps.
            return "VOUCH_DATABASE_URL is no valid libpq URI: use postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with "
                + "special characters as %XX and as many ports as hosts"
        }
        let name = quoted(in: message)
        if message.contains("password authentication failed") || message.contains("no password supplied") {
            return
                "PostgreSQL refused the password\(name.user): correct it in VOUCH_DATABASE_URL, PGPASSWORD or PGPASSFILE"
        }
        if message.contains("Peer authentication failed") || message.contains("Ident authentication failed") {
            return "PostgreSQL lets no other system user log in\(name.user) here: use a host and a password in "
                + "VOUCH_DATABASE_URL, or run as that user"
        }
        if message.contains("no pg_hba.conf entry") {
            return "PostgreSQL allows no such login from this machine: add a line to its pg_hba.conf, or correct "
                + "VOUCH_DATABASE_URL (sslmode too)"
        }
        if message.contains("role \""), message.contains("does not exist") {
            if message.contains("vouch_service") { return explain(sqlState: "42704") ?? message }
            return "PostgreSQL has no role\(name.role): create it, or correct the user in VOUCH_DATABASE_URL"
        }
        if message.contains("database \""), message.contains("does not exist") {
            return
                "PostgreSQL has no database\(name.database): create it (CREATE DATABASE …), or correct VOUCH_DATABASE_URL"
        }
        if message.contains("could not translate host name") {
            return "the host of VOUCH_DATABASE_URL has no address: correct it, or the name service"
        }
        if message.contains("certificate") || message.contains("SSL") {
            return "no TLS connection to PostgreSQL: check sslmode and sslrootcert in VOUCH_DATABASE_URL, and the "
                + "server's certificate"
        }
        if message.contains("session is read-only") || message.contains("server is in hot standby mode") {
            return "every host of VOUCH_DATABASE_URL is read-only: add the primary"
        }
        return "PostgreSQL can't be reached at the host and port of VOUCH_DATABASE_URL: start it, or correct them"
    }

    /// The name that PostgreSQL put between quotes, fit for printing, after each of three words.
    private static func quoted(in message: String) -> (user: String, role: String, database: String) {
        func name(after word: String, _ lead: String) -> String {
            guard let start = message.firstRange(of: word + " \"") else { return "" }
            let rest = message[start.upperBound...]
            guard let end = rest.firstIndex(of: "\"") else { return "" }
            return lead + Printable.quote(rest[..<end], scalarsMax: 80)
        }
        return (name(after: "user", " of "), name(after: "role", " "), name(after: "database", " "))
    }
}
