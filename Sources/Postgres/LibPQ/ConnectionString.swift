import CLibPQ
import Glibc

/// Connection parameters by libpq's keywords (libpq chapter 34.1.2), as parsed and completed by us.
struct ConnectionString: Sendable, Equatable {
    /// One place to connect to; libpq tries them in order.
    struct Target: Sendable, Hashable {
        var host: String
        var hostAddress: String
        var port: String

        /// Whether the host still has to be looked up: neither an address nor a socket directory.
        var needsLookup: Bool {
            hostAddress.isEmpty && !host.isEmpty && !host.hasPrefix("/") && !host.hasPrefix("@") && !isAddress
        }

        private var isAddress: Bool {
            var storage = in6_addr()
            return inet_pton(AF_INET, host, &storage) == 1 || inet_pton(AF_INET6, host, &storage) == 1
        }

        /// Whether this is where libpq says it is connecting to: what was left open here, it has filled in there.
        func matches(_ place: Target) -> Bool {
            host == place.host && (hostAddress.isEmpty || hostAddress == place.hostAddress)
                && (port.isEmpty || port == place.port)
        }

        /// Whether traffic stays on this machine: a unix socket or a loopback address or name.
        var isLocal: Bool {
            let name = hostAddress.isEmpty ? host : hostAddress
            return name.isEmpty || name.hasPrefix("/") || name.hasPrefix("@") || name == "localhost"
                || name.hasPrefix("127.") || name == "::1"
        }
    }

    /// Every keyword but `host`, `hostaddr` and `port`.
    var parameters: [String: String]
    var targets: [Target]

    /// Parses a URI or a keyword/value string; throws `connectionFailed` with libpq's sentence about the fault.
    init(parsing text: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            defer { PQfreemem(message) }
            throw PostgresError(.connectionFailed, message: "the database URL is faulty: \(string(message))")
        }
        defer { PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        let hosts = Self.list(parameters.removeValue(forKey: "host"))
        let addresses = Self.list(parameters.removeValue(forKey: "hostaddr"))
        let ports = Self.list(parameters.removeValue(forKey: "port"))
        let count = max(hosts.count, addresses.count, 1)
        guard hosts.isEmpty || hosts.count == count, addresses.isEmpty || addresses.count == count,
            ports.count <= 1 || ports.count == count
        else {
            throw PostgresError(.connectionFailed, message: "the database URL's hosts and ports differ in number")
        }
        targets = (0..<count).map { index in
            Target(
                host: hosts.isEmpty ? "" : hosts[index], hostAddress: addresses.isEmpty ? "" : addresses[index],
                port: ports.isEmpty ? "" : ports[ports.count == 1 ? 0 : index])
        }
        self.parameters = parameters
    }

    private static func list(_ value: String?) -> [String] {
        guard let value, !value.isEmpty else { return [] }
        return value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// Adds what every connection of ours needs; what the operator wrote wins, and their `options` come last.
    mutating func complete(with configuration: PostgresConfiguration) {
        func setDefault(_ keyword: String, _ value: String) {
            if parameters[keyword, default: ""].isEmpty { parameters[keyword] = value }
        }
        setDefault("application_name", configuration.applicationName)
        setDefault("gssencmode", "disable")
        setDefault("keepalives_idle", "10")
        setDefault("keepalives_interval", "5")
        setDefault("keepalives_count", "3")
        setDefault("tcp_user_timeout", String(configuration.connectTimeout.milliseconds * 2))
        if targets.count > 1 { setDefault("target_session_attrs", "read-write") }
        parameters["client_encoding"] = "UTF8"
        let ours =
            [
                "-c statement_timeout=\(configuration.statementTimeout.milliseconds)",
                "-c idle_in_transaction_session_timeout=\(configuration.idleInTransactionTimeout.milliseconds)",
                "-c TimeZone=UTC",
                // Whatever server, database or role say: what was acknowledged is flushed.
                "-c synchronous_commit=on",
            ] + configuration.settings.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value)" }
        parameters["options"] = (ours + [parameters["options"] ?? ""]).joined(separator: " ")
    }

    /// Puts every address of a looked-up name in the name's place; a name without any stays, and libpq reports it.
    func expanded(with addresses: [String: [String]]) -> [Target] {
        targets.flatMap { target -> [Target] in
            guard target.needsLookup, let found = addresses[target.host], !found.isEmpty else { return [target] }
            return found.map { Target(host: target.host, hostAddress: $0, port: target.port) }
        }
    }

    /// The keywords and values for `PQconnectStartParams`, limited to the given targets.
    func keywords(for targets: [Target]) -> [(String, String)] {
        var all = parameters.map { ($0.key, $0.value) }
        if targets.contains(where: { !$0.host.isEmpty }) {
            all.append(("host", targets.map(\.host).joined(separator: ",")))
        }
        if targets.contains(where: { !$0.hostAddress.isEmpty }) {
            all.append(("hostaddr", targets.map(\.hostAddress).joined(separator: ",")))
        }
        if targets.contains(where: { !$0.port.isEmpty }) {
            all.append(("port", targets.map(\.port).joined(separator: ",")))
        }
        return all
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}

/// The system's name lookup, which blocks: only for the thread pool.
func lookUpAddresses(of host: String) -> [String] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var entry = list
    while let current = entry {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            current.pointee.ai_addr, current.pointee.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0,
            NI_NUMERICHOST)
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if status == 0, !addresses.contains(text) { addresses.append(text) }
        entry = current.pointee.ai_next
    }
    return addresses
}
