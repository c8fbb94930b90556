import Foundation

/// The contract of the HTTP API, `openapi.yaml`, as tests use it: what there is, and whether an exchange keeps to it.
package struct APISpec: Sendable {
    /// One operation of the contract.
    package struct Operation: Hashable, Sendable {
        /// In upper case: `POST`.
        package let method: String
        /// The path template: `/v1/transactions/{transactionId}`.
        package let path: String
        /// Who may call it, from `x-roles`; empty when it is public.
        package let roles: [String]
        /// `operationId`.
        package let operationID: String
        /// The statuses that it may answer with.
        package let statuses: [Int]
    }

    /// One example of the contract.
    package struct Example: Sendable {
        /// Whether it is a request's, or the answer's with this status.
        package enum Part: Hashable, Sendable {
            case request
            case response(Int)
        }

        /// The operation that it belongs to.
        package let operation: Operation
        /// Whose body it is.
        package let part: Part
        /// The example's name; a request and a response of one name belong together.
        package let name: String
        /// The media type that it is an example of.
        package let mediaType: String
        /// The body.
        package let value: JSONValue
    }

    /// Every operation, by path and method.
    package let operations: [Operation]
    /// The values of `ProblemCode`.
    package let problemCodes: [String]
    /// The document as it stands.
    package let document: JSONValue

    private let validator: SchemaValidator
    private let definitions: [String: JSONValue]

    private static let methods = ["get", "put", "post", "delete", "patch"]

    /// Reads the contract of this checkout.
    package static func load() throws -> APISpec {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return try APISpec(yaml: String(contentsOf: root.appendingPathComponent("openapi.yaml"), encoding: .utf8))
    }

    /// Reads a contract.
    ///
    /// Throws a ``SpecError`` that names the place of what it cannot use.
    package init(yaml: String) throws {
        document = try JSONValue(yaml: yaml)
        var operations: [Operation] = []
        var definitions: [String: JSONValue] = [:]
        var schemas: [(at: String, schema: JSONValue)] = []
        for (path, item) in (document["paths"]?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
            for (key, definition) in (item.members ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard Self.methods.contains(key) else { throw SpecError("\(path)/\(key): not an operation") }
                let (operation, expanded) = try Self.expand(definition, method: key, path: path, in: document)
                guard definitions.updateValue(expanded, forKey: operation.operationID) == nil else {
                    throw SpecError("\(operation.operationID): two operations have this id")
                }
                operations.append(operation)
                schemas += try Self.schemas(of: expanded, at: operation.operationID)
            }
        }
        for (name, schema) in document["components"]?["schemas"]?.members ?? [:] {
            schemas.append(("#/components/schemas/\(name)", schema))
        }
        self.operations = operations
        self.definitions = definitions
        problemCodes =
            (document["components"]?["schemas"]?["ProblemCode"]?["enum"]?.items ?? []).compactMap(\.text)
        validator = try SchemaValidator(root: document, schemas: schemas)
    }

    // MARK: - Validation

    /// Says where a request departs from the contract; empty when it does not.
    ///
    /// - Parameters:
    ///   - method: The method, e.g. `POST`.
    ///   - path: The path as sent, percent-encoded, with its query.
    ///   - headers: Name and value of every header field.
    ///   - body: The bytes of the body.
    /// - Returns: One sentence for each departure.
    package func validate(
        request method: String, path: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) -> [String] {
        let (bare, query) = Self.split(path)
        guard let (operation, values) = match(method, bare), let definition = definitions[operation.operationID] else {
            return ["\(method) \(bare): the contract has no such operation"]
        }
        var violations: [String] = []
        let parameters = definition["parameters"]?.items ?? []
        let knownQuery = Set(parameters.filter { $0["in"]?.text == "query" }.compactMap { $0["name"]?.text })
        for (name, _) in query where !knownQuery.contains(name) {
            violations.append("/query/\(name): the contract has no such parameter")
        }
        for parameter in parameters {
            guard let name = parameter["name"]?.text, let place = parameter["in"]?.text,
                let schema = parameter["schema"]
            else { continue }
            let text: String?
            switch place {
            case "path": text = values[name]
            case "query": text = query.first { $0.name == name }?.value
            default: text = headers.first { $0.name.lowercased() == name.lowercased() }?.value
            }
            if let text {
                violations += validate(text: text, against: schema, at: "/\(place)/\(name)")
            } else if parameter["required"] == .bool(true) {
                violations.append("/\(place)/\(name): is required")
            }
        }
        if let content = definition["requestBody"]?["content"] {
            let contentType = headers.first { $0.name.lowercased() == "content-type" }?.value
            violations += validate(body: body, contentType: contentType, content: content, strictness: .schema)
        }
        return violations
    }

    /// Says where an answer departs from the contract; empty when it does not.
    ///
    /// An answer to a method and path that the contract does not have must be a 404 or 405 problem.
    ///
    /// - Parameters:
    ///   - status: The status code.
    ///   - method: The request's method.
    ///   - path: The request's path as sent, with its query.
    ///   - contentType: The answer's `Content-Type`.
    ///   - headers: Name and value of every header field of the answer.
    ///   - body: The bytes of the body.
    /// - Returns: One sentence for each departure.
    package func validate(
        response status: Int, method: String, path: String, contentType: String?,
        headers: [(name: String, value: String)], body: [UInt8]
    ) -> [String] {
        let response: JSONValue?
        if let (operation, _) = match(method, Self.split(path).path) {
            response = definitions[operation.operationID]?["responses"]?[String(status)]
        } else {
            let name = [404: "NotFound", 405: "MethodNotAllowed"][status]
            response = name.flatMap { try? Self.follow(document["components"]?["responses"]?[$0], in: document) }
        }
        guard let response else { return ["\(method) \(path): the contract has no answer \(status) here"] }

        var violations: [String] = []
        for (name, header) in (response["headers"]?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
            let value = headers.first { $0.name.lowercased() == name.lowercased() }?.value
            if let value, let schema = header["schema"] {
                violations += validate(text: value, against: schema, at: "/header/\(name)")
            } else if value == nil, header["required"] == .bool(true) {
                violations.append("/header/\(name): is required")
            }
        }
        if let content = response["content"] {
            violations += validate(body: body, contentType: contentType, content: content, strictness: .closed)
        } else if !body.isEmpty {
            violations.append("the contract has no body here")
        }
        if case .integer(let inBody)? = (try? JSONValue(parsing: body))?["status"], status >= 400, inBody != status {
            violations.append("/status: is \(inBody) in an answer \(status)")
        }
        return violations
    }

    /// Every example of every operation.
    package var examples: [Example] {
        var found: [Example] = []
        func collect(_ content: JSONValue?, _ operation: Operation, _ part: Example.Part) {
            for (mediaType, media) in (content?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
                for (name, example) in (media["examples"]?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
                    guard let value = example["value"] else { continue }
                    found.append(
                        Example(operation: operation, part: part, name: name, mediaType: mediaType, value: value))
                }
            }
        }
        for operation in operations {
            let definition = definitions[operation.operationID]
            collect(definition?["requestBody"]?["content"], operation, .request)
            for status in operation.statuses {
                collect(definition?["responses"]?[String(status)]?["content"], operation, .response(status))
            }
        }
        return found
    }

    /// Says where a value departs from a named schema.
    package func violations(of value: JSONValue, schemaNamed name: String) -> [String] {
        validator.violations(
            of: value, against: .object(["$ref": .string("#/components/schemas/\(name)")]), strictness: .closed)
    }

    /// Says where an example departs from the schema that it stands next to.
    package func violations(of example: Example) -> [String] {
        let definition = definitions[example.operation.operationID]
        let content: JSONValue?
        let strictness: SchemaValidator.Strictness
        switch example.part {
        case .request:
            content = definition?["requestBody"]?["content"]
            strictness = .schema
        case .response(let status):
            content = definition?["responses"]?[String(status)]?["content"]
            strictness = .closed
        }
        guard let schema = content?[example.mediaType]?["schema"] else { return ["there is no schema"] }
        return validator.violations(of: example.value, against: schema, strictness: strictness)
    }

    private func validate(
        body: [UInt8], contentType: String?, content: JSONValue, strictness: SchemaValidator.Strictness
    ) -> [String] {
        let mediaType = (contentType ?? "").split(separator: ";").first.map {
            $0.trimmingCharacters(in: .whitespaces).lowercased()
        }
        guard let mediaType, let media = content[mediaType] else {
            return ["/header/Content-Type: '\(contentType ?? "")' is not one of the contract"]
        }
        guard let schema = media["schema"] else { return [] }
        guard mediaType == "application/json" || mediaType.hasSuffix("+json") else {
            guard let text = String(bytes: body, encoding: .utf8) else { return ["the body is not UTF-8"] }
            return validator.violations(of: .string(text), against: schema, strictness: strictness)
        }
        guard let value = try? JSONValue(parsing: body) else { return ["the body is not JSON"] }
        return validator.violations(of: value, against: schema, strictness: strictness)
    }

    /// Header fields and parameters are text; one that must be a number is read as one.
    private func validate(text: String, against schema: JSONValue, at pointer: String) -> [String] {
        let asText = validator.violations(of: .string(text), against: schema, at: pointer)
        guard !asText.isEmpty else { return [] }
        let value = JSONValue(plain: text)
        if case .string = value { return asText }
        let asValue = validator.violations(of: value, against: schema, at: pointer)
        return asValue.count <= asText.count ? asValue : asText
    }
}

// MARK: - Reading the document

extension APISpec {
    /// Replaces the `$ref`s between an operation and its schemas, so that the rest of the code meets none.
    private static func expand(
        _ definition: JSONValue, method: String, path: String, in root: JSONValue
    ) throws -> (Operation, JSONValue) {
        let place = "\(method.uppercased()) \(path)"
        guard let identifier = definition["operationId"]?.text else { throw SpecError("\(place): no operationId") }
        guard let roles = definition["x-roles"]?.items else { throw SpecError("\(place): no x-roles") }
        var members = definition.members ?? [:]
        members["parameters"] = .array(
            try (definition["parameters"]?.items ?? []).map { try follow($0, in: root) })
        if let body = definition["requestBody"] { members["requestBody"] = try expand(body, in: root) }
        var responses: [String: JSONValue] = [:]
        for (status, response) in definition["responses"]?.members ?? [:] {
            guard Int(status) != nil else { throw SpecError("\(place): \(status) is not a status") }
            responses[status] = try expand(response, in: root)
        }
        guard !responses.isEmpty else { throw SpecError("\(place): no responses") }
        members["responses"] = .object(responses)
        let operation = Operation(
            method: method.uppercased(), path: path, roles: roles.compactMap(\.text), operationID: identifier,
            statuses: responses.keys.compactMap(Int.init).sorted())
        return (operation, .object(members))
    }

    /// Expands a request body or a response: its headers and its examples.
    private static func expand(_ part: JSONValue, in root: JSONValue) throws -> JSONValue {
        var members = try follow(part, in: root).members ?? [:]
        if let headers = members["headers"]?.members {
            members["headers"] = .object(try headers.mapValues { try follow($0, in: root) })
        }
        if let content = members["content"]?.members {
            members["content"] = .object(
                try content.mapValues { media in
                    var media = media.members ?? [:]
                    if let examples = media["examples"]?.members {
                        media["examples"] = .object(try examples.mapValues { try follow($0, in: root) })
                    }
                    return .object(media)
                })
        }
        return .object(members)
    }

    private static func follow(_ value: JSONValue?, in root: JSONValue) throws -> JSONValue {
        guard let value else { throw SpecError("there is nothing to refer to") }
        guard let reference = value["$ref"]?.text else { return value }
        let target = try SchemaValidator.resolve(reference, in: root)
        guard target["headers"] != nil || target["content"] != nil else { return target }
        return try expand(target, in: root)
    }

    private static func schemas(
        of definition: JSONValue, at place: String
    ) throws -> [(at: String, schema: JSONValue)] {
        var found: [(at: String, schema: JSONValue)] = []
        func collect(_ holder: JSONValue, _ where: String) throws {
            guard let schema = holder["schema"] else { throw SpecError("\(`where`): no schema") }
            found.append(("\(`where`)/schema", schema))
        }
        for parameter in definition["parameters"]?.items ?? [] {
            guard let kind = parameter["in"]?.text, ["path", "query", "header"].contains(kind) else {
                throw SpecError("\(place): a parameter that is not in path, query or header")
            }
            try collect(parameter, "\(place)/parameters/\(parameter["name"]?.text ?? "?")")
        }
        var parts = [("requestBody", definition["requestBody"])]
        for (status, response) in definition["responses"]?.members ?? [:] { parts.append((status, response)) }
        for (name, part) in parts {
            for (header, value) in part?["headers"]?.members ?? [:] { try collect(value, "\(place)/\(name)/\(header)") }
            for (media, value) in part?["content"]?.members ?? [:] { try collect(value, "\(place)/\(name)/\(media)") }
        }
        return found
    }

    // MARK: - Matching a path

    /// Finds the operation for a path as sent; a template without parameters goes before one with.
    package func match(_ method: String, _ path: String) -> (operation: Operation, parameters: [String: String])? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        var best: (operation: Operation, parameters: [String: String])?
        for operation in operations where operation.method == method {
            let template = operation.path.split(separator: "/", omittingEmptySubsequences: false)
            guard template.count == segments.count else { continue }
            var parameters: [String: String] = [:]
            let fits = zip(template, segments).allSatisfy { expected, actual in
                guard expected.hasPrefix("{"), expected.hasSuffix("}") else { return expected == actual }
                parameters[String(expected.dropFirst().dropLast())] = actual.removingPercentEncoding ?? String(actual)
                return !actual.isEmpty
            }
            if fits, best == nil || parameters.count < best?.parameters.count ?? 0 {
                best = (operation, parameters)
            }
        }
        return best
    }

    private static func split(_ target: String) -> (path: String, query: [(name: String, value: String)]) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count < 2 ? [] : parts[1].split(separator: "&")
        return (
            String(parts[0]),
            query.map { item in
                let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                    $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? String($0)
                }
                return (name: pair[0], value: pair.count > 1 ? pair[1] : "")
            }
        )
    }
}
