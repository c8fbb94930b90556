import Glibc
import HTTPTypes
import HummingbirdTesting
import NIOCore
import PurchaseAPI
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("An export that breaks off, stalls, or is one too many")
struct ExportStreamTests {
    private struct Broken: Error {}

    private static let path = "/v1/exports/paid-records?from=2026-11-01&to=2026-12-01"

    @Test("an export that fails in the middle never looks like a whole one")
    func breaksOff() async throws {
        var useCases = StubUseCases()
        useCases.onPortion = { count in
            if count == 3 { throw Broken() }
            return Array("a row\r\n".utf8)
        }
        try await withEdge(useCases, on: .live) { edge in
            await #expect(throws: (any Error).self) { _ = try await edge.get(Self.path, key: "finance") }
            let raw = try RawExchange(port: try #require(edge.client.port), path: Self.path)
            let text = raw.readToEnd()
            #expect(text.contains("HTTP/1.1 200") && text.contains("a row"))
            #expect(!text.hasSuffix("0\r\n\r\n"), "the last chunk would make it whole")
        }
    }

    @Test("a reader that stops reading is cut off, and its place is free again")
    func stalls() async throws {
        let (ended, end) = AsyncStream.makeStream(of: Int.self)
        let isOver = Box(false)
        // More than every buffer between here and there can hold.
        let portionsMax = 4_096
        var useCases = StubUseCases()
        useCases.onPortion = { count in
            isOver.value || count == portionsMax ? nil : [UInt8](repeating: 65, count: 64 << 10)
        }
        useCases.onPortionsEnded = { end.yield($0) }
        try await withEdge(
            useCases, on: .live,
            configure: {
                $0.concurrentExportsMax = 1
                $0.exportStallTimeout = .milliseconds(200)
            }
        ) { edge in
            let reader = try RawExchange(port: try #require(edge.client.port), path: Self.path)
            var ends = ended.makeAsyncIterator()
            let portions = try #require(await ends.next())
            #expect(portions < portionsMax, "it was cut off, not read")
            isOver.set(true)
            // The place is given back with the response, a moment after the writer's error.
            var status = 503
            for _ in 0..<10_000 where status == 503 {
                status = try await edge.get(Self.path, key: "finance").status
            }
            #expect(status == 200)
            #expect(!reader.readToEnd().hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("one export more than there are places is told to come back")
    func places() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        var useCases = StubUseCases()
        useCases.onPaidRecords = { query async throws(ServiceError) in
            if query.asOf == 1 {
                enter.yield()
                for await _ in released { break }
            }
            return Sample.head(of: query)
        }
        try await withEdge(useCases, configure: { $0.concurrentExportsMax = 1 }) { edge in
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await edge.get(Self.path + "&asOf=1", key: "finance").status }
                for await _ in entered { break }
                let second = try await edge.get(Self.path, key: "finance")
                #expect(second.status == 503 && second.code == "overloaded" && second.headers[.retryAfter] == "30")
                release.yield()
                #expect(try await group.next() == 200)
            }
            #expect(try await edge.get(Self.path, key: "finance").status == 200)
        }
    }
}

/// One request over a bare socket, so that the test decides when it reads.
private final class RawExchange {
    private let descriptor: Int32

    init(port: Int, path: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer finance\r\n\r\n"
        let bytes = Array(request.utf8)
        try #require(send(descriptor, bytes, bytes.count, 0) == bytes.count)
    }

    deinit { Glibc.close(descriptor) }

    func readToEnd() -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += buffer[..<count]
        }
    }
}
