import CLibPQ
import Glibc
import NIOPosix
import Synchronization

/// Makes connections, on the thread that will own them: look-up, libpq's handshake, role.
struct Connector {
    let configuration: PostgresConfiguration
    let sleeper: Sleeper
    let threadPool: NIOThreadPool
    /// Asked at every wake: whether the client no longer wants a connection.
    let isAbandoned: () -> Bool

    /// Connects to the first host that fits; throws `connectionFailed`, or `shuttingDown` when abandoned.
    func connect() throws(PostgresError) -> Connection {
        var string = try ConnectionString(parsing: configuration.uri)
        string.complete(with: configuration)
        var targets = string.expanded(with: try lookUp(Set(string.targets.filter(\.needsLookup).map(\.host))))
        while true {
            switch try attempt(string, targets) {
            case .connected(let handle): return try prepare(handle)
            case .stalled(let target, let message):
                // libpq leaves time-outs to us when it does not block: go on without the host that hangs.
                let before = targets.count
                targets.removeAll { $0.matches(target) }
                if targets.isEmpty || targets.count == before {
                    throw PostgresError(.connectionFailed, message: message)
                }
            }
        }
    }

    private enum Attempt: ~Copyable {
        case connected(PGConn)
        case stalled(ConnectionString.Target, String)
    }

    private func attempt(
        _ string: ConnectionString, _ targets: [ConnectionString.Target]
    ) throws(PostgresError) -> Attempt {
        let keywords = string.keywords(for: targets)
        let names = CStrings(keywords.map(\.0))
        let values = CStrings(keywords.map(\.1))
        let started = withExtendedLifetime((names, values)) {
            PQconnectStartParams(names.pointers, values.pointers, 0)
        }
        guard let pointer = started else {
            throw PostgresError(.connectionFailed, message: "libpq is out of memory")
        }
        let handle = PGConn(owning: pointer)
        var place = Self.place(of: handle)
        var deadline = ContinuousClock.now + configuration.connectTimeout
        // Before the first poll libpq wants us to wait as if it had answered "writing".
        var status = PGRES_POLLING_WRITING
        if !handle.isOKOrConnecting { throw failed(handle) }
        while true {
            let here = Self.place(of: handle)
            if here != place {
                place = here
                deadline = ContinuousClock.now + configuration.connectTimeout
            }
            let interest: Wakeup.Interest = status == PGRES_POLLING_READING ? .readable : .writable
            // The socket changes from host to host, so it is read anew for every sleep.
            let outcome = sleeper.wait(socket: PQsocket(handle.pointer), for: interest, until: deadline)
            if isAbandoned() { throw PostgresError(.shuttingDown, message: "closed while connecting") }
            if outcome.contains(.timedOut) {
                return .stalled(place, "no connection within \(configuration.connectTimeout) to \(place.host)")
            }
            if !outcome.contains(.ready) { continue }
            status = PQconnectPoll(handle.pointer)
            if status == PGRES_POLLING_OK { return .connected(handle) }
            if status == PGRES_POLLING_FAILED { throw failed(handle) }
        }
    }

    private func failed(_ handle: borrowing PGConn) -> PostgresError {
        PostgresError(.connectionFailed, message: handle.errorMessage)
    }

    static func place(of handle: borrowing PGConn) -> ConnectionString.Target {
        ConnectionString.Target(
            host: string(PQhost(handle.pointer)), hostAddress: string(PQhostaddr(handle.pointer)),
            port: string(PQport(handle.pointer)))
    }

    /// Puts a fresh connection into its resting state and takes the role.
    private func prepare(_ handle: consuming PGConn) throws(PostgresError) -> Connection {
        let connection = Connection(
            handle: handle, sleeper: sleeper, preparedStatementsMax: configuration.preparedStatementsMax)
        guard let role = configuration.sessionRole else { return connection }
        let deadline = ContinuousClock.now + configuration.connectTimeout
        let quoted =
            "\"" + role.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        guard connection.enqueue(SQL(text: "SET ROLE \(quoted)", values: [])), connection.enqueueSync() else {
            throw PostgresError(.connectionFailed, message: connection.handle.errorMessage)
        }
        var failure: PostgresError?
        while true {
            switch connection.nextEvent(until: deadline) {
            case .completed(.failure(let error)): failure = error
            case .completed(.success), .skipped: break
            case .synced:
                guard var failure else { return connection }
                failure.code = .connectionFailed
                throw failure
            case .lost(var error, _):
                error.code = .connectionFailed
                throw error
            case .timedOut: throw PostgresError(.connectionFailed, message: "SET ROLE took too long")
            case .signalled:
                if isAbandoned() { throw PostgresError(.shuttingDown, message: "closed while connecting") }
            }
        }
    }

    /// Looks names up on the thread pool, because the resolver blocks; a name that takes too long stays a name.
    private func lookUp(_ names: Set<String>) throws(PostgresError) -> [String: [String]] {
        if names.isEmpty { return [:] }
        let found = LookedUp()
        let wakeup = sleeper.wakeup
        for name in names {
            threadPool.submit { state in
                found.add(name, state == .active ? lookUpAddresses(of: name) : [])
                wakeup.signal()
            }
        }
        let deadline = ContinuousClock.now + configuration.connectTimeout
        while found.addresses.count < names.count {
            let outcome = sleeper.wait(socket: -1, for: [], until: deadline)
            if isAbandoned() { throw PostgresError(.shuttingDown, message: "closed while connecting") }
            if outcome.contains(.timedOut) {
                throw PostgresError(.connectionFailed, message: "the look-up of a host name took too long")
            }
        }
        return found.addresses
    }

    private final class LookedUp: Sendable {
        private let state = Mutex<[String: [String]]>([:])
        var addresses: [String: [String]] { state.withLock { $0 } }
        func add(_ name: String, _ list: [String]) { state.withLock { $0[name] = list } }
    }
}

extension PGConn {
    fileprivate var isOKOrConnecting: Bool { PQstatus(pointer) != CONNECTION_BAD }
}

/// A NULL-terminated array of C strings that lives as long as the value.
private final class CStrings {
    let pointers: [UnsafePointer<CChar>?]
    private let owned: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) {
        owned = strings.map { strdup($0) }
        pointers = owned.map { UnsafePointer($0) } + [nil]
    }

    deinit { for pointer in owned { free(pointer) } }
}
