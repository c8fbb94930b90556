import Foundation
import Glibc
import Synchronization

/// A TCP proxy in front of PostgreSQL that reads the frontend's messages and can cut or stall at a chosen one.
///
/// The only way to lose a connection at exactly the moment after a Sync or COMMIT was sent. Speaks the protocol's
/// framing (PostgreSQL manual, 55.7) of unencrypted connections: use `sslmode=disable`.
final class TCPProxy: Sendable {
    /// What happens when the armed message passes.
    enum Trap: Sendable {
        /// The server never sees it; both sides are cut.
        case cutBefore
        /// The server gets it and answers, but the answer never arrives; both sides are cut.
        case cutAfter
    }

    private struct State {
        var trap: (matches: @Sendable (UInt8, [UInt8]) -> Bool, action: Trap)?
        var connections: [(client: Int32, server: Int32)] = []
        var isStalled = false
        /// New connections that wait for `releaseHeld`; nil while none are held.
        var held: [Int32]?
        var trapsSprung = 0
        var accepted = 0
        var isClosed = false
        /// The type of the last message that each connection's frontend sent, once it was passed on.
        var lastPassed: [Int32: UInt8] = [:]
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let serverPort: UInt16
    let port: UInt16

    init(serverPort: UInt16) throws {
        self.serverPort = serverPort
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, generic, &length) == 0
            }
        }
        guard status else { throw POSIXError(.EADDRNOTAVAIL) }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in acceptLoop() }.start()
    }

    /// Springs once, at the first message of that type whose body contains the text.
    func arm(_ action: Trap, type: Character, containing text: String = "") {
        let wanted = type.asciiValue ?? 0
        let bytes = Array(text.utf8)
        state.withLock { state in
            state.trap = (
                { type, body in type == wanted && (bytes.isEmpty || body.contains(bytes)) }, action
            )
        }
    }

    var trapsSprung: Int { state.withLock { $0.trapsSprung } }
    /// Whether the last that every connection sent is a Sync: no batch is half through.
    var isAtSync: Bool { state.withLock { $0.lastPassed.values.allSatisfy { $0 == UInt8(ascii: "S") } } }
    var accepted: Int { state.withLock { $0.accepted } }

    /// From now on nothing is passed on and new connections get no answer, as if the network were gone.
    func stall() { state.withLock { $0.isStalled = true } }

    /// From now on new connections wait for `releaseHeld`: how a cancel request is made late.
    func holdNew() { state.withLock { $0.held = [] } }

    var heldCount: Int { state.withLock { $0.held?.count ?? 0 } }

    func releaseHeld() {
        let held = state.withLock { state in
            defer { state.held = nil }
            return state.held ?? []
        }
        for client in held { serve(client) }
    }

    /// Cuts what is connected now; new connections work.
    func cutAll() {
        let connections = state.withLock { state in
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { Self.cut(connection) }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        cutAll()
    }

    // MARK: Threads

    private func acceptLoop() {
        while true {
            let client = accept(listener, nil, nil)
            if client < 0 { return }
            let (isLeftAlone, isClosed) = state.withLock { state in
                state.accepted += 1
                state.held?.append(client)
                // A stalled client stays unanswered, and open.
                return (state.isStalled || state.held != nil, state.isClosed)
            }
            if isClosed { return }
            if !isLeftAlone { serve(client) }
        }
    }

    private func serve(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: serverPort)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                connect(server, generic, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status != 0 {
            return Self.cut((client, server))
        }
        state.withLock { $0.connections.append((client, server)) }
        Thread { [self] in pumpFrontend(client, server) }.start()
        Thread { [self] in pumpBackend(client, server) }.start()
    }

    private func pumpFrontend(_ client: Int32, _ server: Int32) {
        // The startup message has no type byte.
        guard let startup = readExactly(client, 4) else { return Self.cut((client, server)) }
        guard let rest = readExactly(client, Self.length(startup) - 4), send(server, startup + rest) else {
            return Self.cut((client, server))
        }
        while let head = readExactly(client, 5) {
            guard let body = readExactly(client, Self.length(Array(head[1...])) - 4) else { break }
            let trap = state.withLock { state -> Trap? in
                guard let trap = state.trap, trap.matches(head[0], body) else { return nil }
                state.trap = nil
                state.trapsSprung += 1
                return trap.action
            }
            switch trap {
            case nil: break
            case .cutBefore?: return Self.cut((client, server))
            case .cutAfter?:
                // Only what the client would read is cut; the backend's pump sees the answer and drops it.
                shutdown(client, Int32(SHUT_RD))
                state.withLock { $0.connections.removeAll { $0.client == client } }
                _ = send(server, head + body)
                return
            }
            if state.withLock({ $0.isStalled }) { return }
            guard send(server, head + body) else { break }
            state.withLock { $0.lastPassed[client] = head[0] }
        }
        Self.cut((client, server))
    }

    private func pumpBackend(_ client: Int32, _ server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(server, &buffer, buffer.count, 0)
            if count <= 0 { break }
            let (isStalled, isKnown) = state.withLock { state in
                (state.isStalled, state.connections.contains { $0.client == client })
            }
            if isStalled { return }
            // After a trap the answer, and with it the proof that the server is done, ends here.
            guard isKnown, send(client, Array(buffer[..<count])) else { break }
        }
        Self.cut((client, server))
    }

    private static func cut(_ connection: (client: Int32, server: Int32)) {
        // Descriptors stay open until the process ends: closing them could hit a reused number.
        shutdown(connection.client, Int32(SHUT_RDWR))
        shutdown(connection.server, Int32(SHUT_RDWR))
    }

    private func readExactly(_ descriptor: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + done, count - done, 0) }
            if got <= 0 { return nil }
            done += got
        }
        return bytes
    }

    private func send(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            if sent <= 0 { return false }
            done += sent
        }
        return true
    }

    private static func length(_ bytes: [UInt8]) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// Runs the body with a proxy in front of the server of `uri` and the URI that leads through it.
func withProxy<Value>(_ uri: String, _ body: (TCPProxy, String) async throws -> Value) async throws -> Value {
    guard let components = URLComponents(string: uri), let port = components.port else { throw POSIXError(.EINVAL) }
    let proxy = try TCPProxy(serverPort: UInt16(port))
    defer { proxy.close() }
    var through = components
    through.host = "127.0.0.1"
    through.port = Int(proxy.port)
    through.queryItems = (components.queryItems ?? []) + [URLQueryItem(name: "sslmode", value: "disable")]
    return try await body(proxy, through.string ?? "")
}
