import HTTPTypes
import Hummingbird
import NIOCore

/// A request to the control interface, read and bounded.
///
/// Its accessors throw ``SimulatorError/invalid(_:)`` with the name of what is wrong, so that a typing error in a test
/// doesn't pass for a default.
struct ControlRequest: Sendable {
    static let bodyBytesMax = 64 << 10

    /// The `{id}` of the path.
    let id: String
    /// The environment that the query names.
    let environment: SimulatedEnvironment?
    /// The body, an object; empty when there is none.
    let body: SimulatorJSONObject
    private let parameters: [(name: String, value: String)]

    static func read(
        _ request: Request, _ context: SimulatorRequestContext
    ) async throws(SimulatorError) -> ControlRequest {
        let parameters = request.uri.queryParameters.map { (name: String($0.key), value: String($0.value)) }
        var environment: SimulatedEnvironment?
        if let text = parameters.first(where: { $0.name == "environment" })?.value {
            environment = try Self.environment(text)
        }
        var body = SimulatorJSONObject()
        let bytes: [UInt8]
        do {
            bytes = Array(try await request.body.collect(upTo: bodyBytesMax).readableBytesView)
        } catch {
            throw .invalid("the body is larger than \(bodyBytesMax) bytes, or broke off")
        }
        if !bytes.isEmpty {
            guard let object = (try? SimulatorJSON(parsing: bytes))?.objectValue else {
                throw .invalid("the body isn't a JSON object")
            }
            body = object
        }
        return ControlRequest(
            id: context.parameters.get("id") ?? "", environment: environment, body: body, parameters: parameters)
    }

    /// The value of a query parameter.
    func query(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// Refuses members of the body that nobody reads.
    func allow(_ names: Set<String>) throws(SimulatorError) {
        try body.allow(names)
    }

    func text(_ name: String) throws(SimulatorError) -> String? { try body.text(name) }
    func integer(_ name: String) throws(SimulatorError) -> Int64? { try body.integer(name) }
    func bool(_ name: String) throws(SimulatorError) -> Bool? { try body.bool(name) }

    /// The `forge` parameter of the query.
    func forgery() throws(SimulatorError) -> SimulatedForgery? {
        guard let name = query("forge") else { return nil }
        return try Self.forgery(name)
    }

    static func environment(_ text: String) throws(SimulatorError) -> SimulatedEnvironment {
        guard let environment = SimulatedEnvironment(rawValue: text) else {
            throw .invalid("environment must be Production or Sandbox")
        }
        return environment
    }

    static func forgery(_ name: String) throws(SimulatorError) -> SimulatedForgery {
        guard let forgery = SimulatedForgery(rawValue: name) else {
            let known = SimulatedForgery.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("there is no forgery \"\(name)\"; the kinds are \(known)")
        }
        return forgery
    }
}

extension SimulatorJSONObject {
    /// Refuses members that nobody reads.
    func allow(_ allowed: Set<String>) throws(SimulatorError) {
        let unknown = names.filter { !allowed.contains($0) }
        guard unknown.isEmpty else {
            let known = allowed.sorted().joined(separator: ", ")
            throw .invalid("unknown: \(unknown.joined(separator: ", ")); allowed here: \(known)")
        }
    }

    /// Text; `nil` when absent or `null`.
    func text(_ name: String) throws(SimulatorError) -> String? {
        switch self[name] {
        case nil, .null: nil
        case .string(let text): text
        default: throw .invalid("\(name) must be a string")
        }
    }

    /// An integer; `nil` when absent or `null`.
    func integer(_ name: String) throws(SimulatorError) -> Int64? {
        switch self[name] {
        case nil, .null: nil
        case .integer(let number): number
        default: throw .invalid("\(name) must be an integer")
        }
    }

    /// A truth value; `nil` when absent or `null`.
    func bool(_ name: String) throws(SimulatorError) -> Bool? {
        switch self[name] {
        case nil, .null: nil
        case .bool(let value): value
        default: throw .invalid("\(name) must be true or false")
        }
    }

    /// An object; an empty one when absent or `null`.
    func object(_ name: String) throws(SimulatorError) -> SimulatorJSONObject {
        switch self[name] {
        case nil, .null: SimulatorJSONObject()
        case .object(let object): object
        default: throw .invalid("\(name) must be an object")
        }
    }
}
