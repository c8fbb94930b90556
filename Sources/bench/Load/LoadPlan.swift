import NIOCore

/// What is asked of one server, by how many connections, how fast and for how long.
struct LoadPlan: Sendable {
    /// Where the servers listen; connections are dealt out among them in turn.
    var ports: [Int]
    /// Connections, each with one request at a time.
    var connections: Int
    /// Requests a second on a fixed schedule (open loop); `nil`: each connection asks again once it is answered.
    var rate: Double?
    /// Asked, but not counted.
    var warmUp: Duration = .zero
    /// How long is measured; `nil`: until `requestsMax` are answered.
    var window: Duration?
    /// The most requests that are sent, the warm-up's among them.
    var requestsMax = Int.max
    /// When the first request is due; `nil`: as soon as the connections stand.
    var beginAt: NIODeadline?
    /// What is asked for when, instead of one rate and one window; `warmUp` is part of neither.
    var schedule: LoadSchedule?
    /// The one status that counts as done.
    var expectedStatus = 200
    /// Hears of every answer on the generator's thread; then no status is unexpected.
    var observe: (@Sendable (ObservedAnswer) -> Void)?
    /// The bytes of a request, which are numbered from 0.
    var request: @Sendable (Int) -> ByteBuffer

    /// Asks without pause.
    init(
        port: Int, connections: Int, expectedStatus: Int = 200, request: @escaping @Sendable (Int) -> ByteBuffer
    ) {
        self.ports = [port]
        self.connections = connections
        self.expectedStatus = expectedStatus
        self.request = request
    }
}

/// The bytes of requests, put together once.
enum HTTPRequestBytes {
    /// A POST of JSON.
    static func post(_ path: String, key: String? = nil, json: String) -> ByteBuffer {
        ByteBuffer(
            string:
                "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(authorization(key))Content-Type: application/json\r\n"
                + "Content-Length: \(json.utf8.count)\r\n\r\n\(json)")
    }

    /// A GET.
    static func get(_ path: String, key: String? = nil) -> ByteBuffer {
        ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(authorization(key))\r\n")
    }

    private static func authorization(_ key: String?) -> String {
        key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    }
}
