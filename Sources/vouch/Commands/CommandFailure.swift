import Postgres
import PurchaseService
import PurchaseStore

/// The exit codes of every command but `verify`.
enum CommandExit: Int32, CaseIterable {
    /// It could not be done; the sentence on standard error says why and what to do.
    case failure = 1
    /// Nothing is wrong with what was asked for, and it could not be done now (`products import`, `export`, `replay`).
    case couldNot = 2
    /// The arguments can't be understood (`EX_USAGE`).
    case usage = 64
    /// The settings are faulty (`EX_CONFIG`): starting again changes nothing.
    case settings = 78
    /// Interrupted by a signal (128 + SIGINT).
    case interrupted = 130
}

/// Why a command could not do its work.
struct CommandFailure: Error, Equatable {
    /// One sentence for the operator, which says what to do and holds no secret.
    let sentence: String
    /// How the process ends.
    let exit: CommandExit

    /// Takes a sentence.
    init(_ sentence: String, exit: CommandExit = .failure) {
        self.sentence = sentence
        self.exit = exit
    }

    /// Finds the sentence for an error that came from below.
    init(explaining error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let fault as SchemaFault: self.init(fault.description)
        case let error as PostgresError: self.init(DatabaseSentence.explain(error))
        case let error as LedgerError: self.init(Printable.escape(error.message, scalarsMax: 1_000))
        case let error as KeyRepositoryError: self.init(Self.explain(error))
        case let error where "\(type(of: error))" == "IOError":
            // SwiftNIO's: the name of a system call and the system's words.
            self.init(
                "the system refused (\(Printable.escape(String(describing: error)))): does another process listen at "
                    + "VOUCH_HTTP_ADDRESS or VOUCH_OPERATOR_ADDRESS?")
        default:
            // Only the type: a description that nobody has looked at may hold anything.
            self.init("an unexpected fault (\(type(of: error))); set VOUCH_LOG_LEVEL to debug and try again")
        }
    }

    private static func explain(_ error: KeyRepositoryError) -> String {
        switch error {
        case .nameTaken: "a key in force has this name already: choose another, or revoke that one first"
        case .noSuchKey: "there is no such key: `vouch keys list` shows them all"
        case .rolesNotAllowed: "a key needs a role, and can't have the role user"
        case .database(let error): DatabaseSentence.explain(error)
        }
    }
}
