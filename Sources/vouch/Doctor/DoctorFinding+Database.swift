import Postgres
import PurchaseStore

/// What the database said, as far as it was asked.
struct DoctorDatabaseFacts: Sendable {
    /// An answer, the database's refusal, or why it was not asked.
    enum Answer<Value: Sendable>: Sendable {
        case given(Value)
        case refused(PostgresError)
        case notAsked(String)
    }

    /// The server, over the login's own connection.
    var server: Answer<DatabaseExamination.Server>
    /// Our clock minus the server's; there with `server`.
    var skew: Duration?
    /// What is wrong with the schema; `nil` for nothing.
    var schema: Answer<SchemaFault?>
    /// What the service's role may do; `nil` while there is no ledger.
    var privileges: Answer<DatabaseExamination.Privileges?>
    /// Whether the secrets of the deployment are there, and whether anything depends on them.
    var secrets: Answer<(isPresent: Bool, isInUse: Bool)>

    /// Nothing was asked.
    static func notAsked(_ why: String) -> DoctorDatabaseFacts {
        DoctorDatabaseFacts(
            server: .notAsked(why), schema: .notAsked(why), privileges: .notAsked(why), secrets: .notAsked(why))
    }

    /// The oldest PostgreSQL that the statements are written for.
    static let versionNumberMin: Int64 = 150_000

    /// A finding for each check of the database.
    var findings: [DoctorFinding] {
        let fromServer: [DoctorFinding]
        switch server {
        case .given(let server): fromServer = findings(of: server)
        case .refused(let error):
            let after: [DoctorCheck] = [.databaseVersion, .databaseTLS, .clockDatabase]
            fromServer =
                [.refused(.database, error)] + after.map { .notLookedAt($0, "the database did not answer") }
        case .notAsked(let why):
            let all: [DoctorCheck] = [.database, .databaseVersion, .databaseTLS, .clockDatabase]
            fromServer = all.map { .notLookedAt($0, why) }
        }
        return fromServer + [schemaFinding, privilegesFinding, secretsFinding]
    }

    private func findings(of server: DatabaseExamination.Server) -> [DoctorFinding] {
        let name =
            "\(Printable.quote(server.database, scalarsMax: 80)) as \(Printable.quote(server.login, scalarsMax: 80))"
        var findings: [DoctorFinding] = [.ok(.database, "PostgreSQL lets us into \(name)")]
        let version = Printable.escape(server.version, scalarsMax: 80)
        findings.append(
            server.versionNumber < Self.versionNumberMin
                ? .fault(.databaseVersion, "PostgreSQL \(version)", fix: "use PostgreSQL 15 or newer")
                : .ok(.databaseVersion, "PostgreSQL \(version)"))
        switch (server.isRemote, server.isEncrypted) {
        case (_, true): findings.append(.ok(.databaseTLS, "the connection is encrypted"))
        case (false, false):
            findings.append(.ok(.databaseTLS, "not encrypted, and the connection stays on this machine"))
        case (true, false):
            findings.append(
                .warning(
                    .databaseTLS, "the connection comes from another machine and is not encrypted",
                    fix: "turn TLS on in PostgreSQL, and add sslmode=verify-full to VOUCH_DATABASE_URL"))
        }
        if let skew { findings.append(.clock(.clockDatabase, skew: skew, against: "the database's")) }
        return findings
    }

    private var schemaFinding: DoctorFinding {
        switch schema {
        case .given(nil): return .ok(.databaseSchema, "the schema that this version needs (\(Migration.newest))")
        case .given(let fault?): return .sentence(.databaseSchema, fault.description)
        case .refused(let error): return .refused(.databaseSchema, error)
        case .notAsked(let why): return .notLookedAt(.databaseSchema, why)
        }
    }

    private var privilegesFinding: DoctorFinding {
        let check = DoctorCheck.databasePrivileges
        switch privileges {
        case .given(nil): return .notLookedAt(check, "there is no ledger yet")
        case .given(let privileges?):
            let role = Printable.escape(privileges.role, scalarsMax: 80)
            if privileges.mayRewriteEvents {
                return .fault(
                    check, "the role \(role) could change events of the ledger, and the service refuses to start",
                    fix:
                        "REVOKE UPDATE, DELETE, TRUNCATE ON events FROM \(role); look for privileges of single columns too"
                )
            }
            if !privileges.mayAppendEvents {
                return .fault(
                    check, "the role \(role) can't read events of the ledger or append to them",
                    fix: "run `vouch migrate` as the owner of the tables, or GRANT SELECT, INSERT ON events TO \(role)")
            }
            return .ok(check, "\(role) appends to the ledger and can't change it")
        case .refused(let error): return .refused(check, error)
        case .notAsked(let why): return .notLookedAt(check, why)
        }
    }

    private var secretsFinding: DoctorFinding {
        switch secrets {
        case .given((true, _)): return .ok(.secrets, "the deployment's secrets are in the database")
        case .given((false, false)): return .ok(.secrets, "none yet; the first `vouch serve` makes them")
        case .given((false, true)):
            return .warning(
                .secrets,
                "the secret of the claim tokens is gone: tokens that devices hold are not recognised any more",
                fix: "restore the row of the table secrets from a backup; otherwise the next start makes a new one")
        case .refused(let error): return .refused(.secrets, error)
        case .notAsked(let why): return .notLookedAt(.secrets, why)
        }
    }
}

extension DoctorFinding {
    /// A check that another finding stands in the way of.
    static func notLookedAt(_ check: DoctorCheck, _ why: String) -> DoctorFinding {
        .unknown(check, why, fix: "correct that first, then run it again")
    }

    /// What the database refused, in the sentence that every command has for it.
    static func refused(_ check: DoctorCheck, _ error: PostgresError) -> DoctorFinding {
        error.code == .cancelled || error.code == .shuttingDown
            ? .unknown(check, "interrupted", fix: "run it again")
            : .sentence(check, DatabaseSentence.explain(error))
    }

    /// A fault from a sentence of the form `what is wrong: what to do`.
    static func sentence(_ check: DoctorCheck, _ sentence: String) -> DoctorFinding {
        guard let colon = sentence.firstRange(of: ": ") else {
            return .fault(check, sentence, fix: "see the sentence itself")
        }
        return .fault(check, String(sentence[..<colon.lowerBound]), fix: String(sentence[colon.upperBound...]))
    }
}
