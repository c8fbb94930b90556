import TestSupport
import Testing

@Suite("The validator of the API contract")
struct SpecValidatorTests {
    /// A schema, values that fit it, and values that do not.
    struct Case: CustomTestStringConvertible, Sendable {
        let keyword: String
        let schema: String
        let fits: [String]
        let departs: [String]
        var testDescription: String { keyword }
    }

    static let cases: [Case] = [
        Case(keyword: "type string", schema: "type: string", fits: [#""a""#], departs: ["1", "null", "[]"]),
        Case(keyword: "type integer", schema: "type: integer", fits: ["1", "2.0"], departs: ["1.5", #""1""#, "true"]),
        Case(keyword: "type number", schema: "type: number", fits: ["1", "1.5"], departs: [#""1""#, "false"]),
        Case(keyword: "type boolean", schema: "type: boolean", fits: ["true"], departs: ["1", "0", #""true""#]),
        Case(keyword: "type null", schema: "type: 'null'", fits: ["null"], departs: ["0", "{}"]),
        Case(keyword: "type array", schema: "type: array", fits: ["[]"], departs: ["{}"]),
        Case(keyword: "type object", schema: "type: object", fits: ["{}"], departs: ["[]"]),
        Case(
            keyword: "types", schema: "type: [string, 'null']", fits: [#""a""#, "null"], departs: ["1", "[]"]),
        Case(
            keyword: "properties", schema: "properties: {a: {type: string}}", fits: [#"{"a":"x"}"#, #"{"b":1}"#, "1"],
            departs: [#"{"a":1}"#]),
        Case(
            keyword: "required", schema: "{type: object, required: [a]}", fits: [#"{"a":null}"#],
            departs: ["{}", #"{"b":1}"#]),
        Case(
            keyword: "additionalProperties false",
            schema: "{properties: {a: {type: string}}, additionalProperties: false}", fits: [#"{"a":"x"}"#, "{}"],
            departs: [#"{"a":"x","b":1}"#]),
        Case(
            keyword: "additionalProperties schema", schema: "{additionalProperties: {type: integer}}",
            fits: [#"{"a":1}"#], departs: [#"{"a":"x"}"#]),
        Case(keyword: "enum", schema: "enum: [a, 2, null]", fits: [#""a""#, "2", "2.0", "null"], departs: [#""b""#]),
        Case(keyword: "const", schema: "const: {a: [1]}", fits: [#"{"a":[1]}"#], departs: [#"{"a":[2]}"#, "null"]),
        Case(
            keyword: "pattern", schema: "pattern: ^[0-9]{1,3}$", fits: [#""12""#, "4711"],
            departs: [#""1a""#, #""1234""#, #""12\n""#, #""""#]),
        Case(keyword: "minimum", schema: "minimum: 2", fits: ["2", "2.5", #""0""#], departs: ["1", "1.9"]),
        Case(keyword: "maximum", schema: "maximum: 2", fits: ["2", "-7"], departs: ["3", "2.1"]),
        Case(keyword: "minLength", schema: "minLength: 2", fits: [#""ab""#, "1"], departs: [#""a""#, #""""#]),
        Case(keyword: "maxLength", schema: "maxLength: 1", fits: [#""a""#, #""😀""#], departs: [#""ab""#]),
        Case(keyword: "minItems", schema: "minItems: 1", fits: ["[1]", "{}"], departs: ["[]"]),
        Case(keyword: "maxItems", schema: "maxItems: 1", fits: ["[1]"], departs: ["[1,2]"]),
        Case(
            keyword: "items", schema: "items: {type: string}", fits: ["[]", #"["a"]"#], departs: [#"["a",1]"#]),
        Case(
            keyword: "oneOf", schema: "oneOf: [{required: [a]}, {required: [b]}]", fits: [#"{"a":1}"#, #"{"b":1}"#],
            departs: ["{}", #"{"a":1,"b":1}"#]),
        Case(
            keyword: "anyOf", schema: "anyOf: [{type: string}, {type: 'null'}]", fits: [#""a""#, "null"],
            departs: ["1"]),
        Case(
            keyword: "allOf", schema: "allOf: [{required: [a]}, {required: [b]}]", fits: [#"{"a":1,"b":1}"#],
            departs: [#"{"a":1}"#, #"{"b":1}"#]),
        Case(
            keyword: "$ref", schema: "{$ref: '#/definitions/digit'}", fits: [#""7""#], departs: [#""77""#, "7"]),
        Case(
            keyword: "format date-time", schema: "format: date-time",
            fits: [#""2026-11-20T09:15:00.000Z""#, #""2024-02-29T00:00:00+02:00""#, "1"],
            departs: [
                #""2026-11-20 09:15:00Z""#, #""2025-02-29T00:00:00Z""#, #""2026-13-01T00:00:00Z""#,
                #""2026-11-20T24:00:00Z""#, #""2026-11-20T09:15:00""#, #""x""#,
            ]),
        Case(
            keyword: "format uuid", schema: "format: uuid", fits: [#""7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11""#],
            departs: [#""7e3fb204""#, #""7e3fb2042d3d4f6a9c5c0a4d3f1b7a11""#, #""""#]),
        Case(
            keyword: "format uri", schema: "format: uri", fits: [#""urn:vouch:problem:forbidden""#],
            departs: [#""errors""#, #""a b:c""#]),
        Case(
            keyword: "format int64", schema: "{type: integer, format: int64}", fits: ["9223372036854775807"],
            departs: ["9223372036854775808"]),
        Case(keyword: "schema true", schema: "properties: {a: true}", fits: [#"{"a":1}"#], departs: []),
        Case(keyword: "schema false", schema: "properties: {a: false}", fits: ["{}"], departs: [#"{"a":1}"#]),
    ]

    @Test("each keyword accepts what fits and refuses what does not", arguments: cases)
    func keywords(example: Case) throws {
        let (validator, schema) = try Self.validator(for: example.schema)
        for text in example.fits {
            let value = try JSONValue(parsing: Array(text.utf8))
            #expect(validator.violations(of: value, against: schema).isEmpty, "\(text) fits \(example.schema)")
        }
        for text in example.departs {
            let value = try JSONValue(parsing: Array(text.utf8))
            #expect(!validator.violations(of: value, against: schema).isEmpty, "\(text) departs from \(example.schema)")
        }
    }

    @Test(
        "what the validator does not know is refused when the contract is loaded",
        arguments: [
            "minimun: 2", "not: {type: string}", "if: {type: string}", "patternProperties: {a: {type: string}}",
            "format: email", "type: text", "properties: {a: {uniqueItems: true}}", "items: {multipleOf: 2}",
            "oneOf: []", "{$ref: '#/definitions/nothing'}", "{$ref: 'other.yaml'}", "pattern: '['", "required: a",
            "enum: []", "minLength: -1", "minimum: low", "nullable: true", "allOf: [{contains: {}}]",
        ])
    func unknownKeywords(schema: String) {
        #expect(throws: SpecError.self) { _ = try Self.validator(for: schema) }
    }

    @Test("an answer may hold only what the contract names, also through allOf and anyOf")
    func closedResponses() throws {
        let (validator, schema) = try Self.validator(
            for: """
                allOf:
                  - {type: object, properties: {a: {type: string}}}
                  - anyOf:
                      - {required: [b], properties: {b: {type: object, properties: {c: {type: integer}}}}}
                      - {required: [d], properties: {d: {type: string}, e: {type: string}}}
                """)
        func complaints(_ text: String) throws -> [String] {
            validator.violations(
                of: try JSONValue(parsing: Array(text.utf8)), against: schema, strictness: .closed)
        }
        #expect(try complaints(#"{"a":"x","b":{"c":1}}"#).isEmpty)
        #expect(try complaints(#"{"a":"x","d":"y","e":"z"}"#).isEmpty)
        #expect(try complaints(#"{"a":"x","b":{"c":1},"z":1}"#) == ["/z: the contract does not name this property"])
        #expect(try complaints(#"{"b":{"c":1,"z":1}}"#).count == 2)
        #expect(try complaints(#"{"b":{"c":1},"e":"z"}"#) == ["/e: the contract does not name this property"])
    }

    @Test("a scalar of YAML means what YAML 1.2 says")
    func yamlScalars() throws {
        let value = try JSONValue(yaml: "{a: no, b: 012, c: '1', d: 2026-11-20, e: null, f: 1.5, g: true, h: 7}")
        #expect(value["a"] == .string("no"))
        #expect(value["b"] == .integer(12))
        #expect(value["c"] == .string("1"))
        #expect(value["d"] == .string("2026-11-20"))
        #expect(value["e"] == .null)
        #expect(value["f"] == .number(1.5))
        #expect(value["g"] == .bool(true))
        #expect(value["h"] == .integer(7))
    }

    private static func validator(for schema: String) throws -> (SchemaValidator, JSONValue) {
        let root = try JSONValue(yaml: "definitions: {digit: {type: string, pattern: '^[0-9]$'}}")
        let schema = try JSONValue(yaml: schema)
        return (try SchemaValidator(root: root, schemas: [("", schema)]), schema)
    }
}

@Suite("The API contract itself")
struct ContractTests {
    static let request = """
        {"accountId":"player-1","transactionId":"42"}
        """

    @Test("every example fits the schema next to it")
    func examples() throws {
        let spec = try APISpec.load()
        #expect(!spec.examples.isEmpty)
        for example in spec.examples {
            let violations = spec.violations(of: example)
            #expect(
                violations.isEmpty,
                "\(example.operation.operationID) \(example.part) \(example.name): \(violations)")
        }
    }

    @Test("every operation but the document has an example of each body, and every status an answer")
    func completeness() throws {
        let spec = try APISpec.load()
        for operation in spec.operations where operation.operationID != "getOpenAPI" {
            let own = spec.examples.filter { $0.operation == operation }
            for status in operation.statuses where status != 304 {
                #expect(own.contains { $0.part == .response(status) }, "\(operation.operationID) \(status)")
            }
        }
        #expect(spec.examples.contains { $0.operation.operationID == "postTransaction" && $0.part == .request })
        #expect(spec.examples.contains { $0.operation.operationID == "recheckTransaction" && $0.part == .request })
    }

    @Test("each problem's example uses the code and type of its status, and every code is listed once")
    func problems() throws {
        let spec = try APISpec.load()
        #expect(Set(spec.problemCodes).count == spec.problemCodes.count)
        for example in spec.examples where example.mediaType == "application/problem+json" {
            let code = try #require(example.value["code"]?.text)
            #expect(spec.problemCodes.contains(code))
            #expect(example.value["type"]?.text == "urn:vouch:problem:\(code)")
            guard case .response(let status) = example.part else { continue }
            #expect(example.value["status"] == .integer(Int64(status)))
        }
    }

    @Test("roles are those of the design, and only health, the document and Apple's notifications are public")
    func roles() throws {
        let spec = try APISpec.load()
        let known: Set = ["app", "device", "user", "support", "finance", "admin"]
        for operation in spec.operations {
            #expect(known.isSuperset(of: operation.roles), "\(operation.operationID)")
            let isPublic =
                operation.path.hasPrefix("/health/")
                || ["/openapi.yaml", "/v1/notifications/apple"].contains(operation.path)
            #expect(operation.roles.isEmpty == isPublic, "\(operation.operationID)")
        }
    }

    @Test(
        "a request that departs from the contract is found out",
        arguments: [
            ("POST", "/v1/transactions", #"{"accountId":"a"}"#),
            ("POST", "/v1/transactions", #"{"accountId":"a","transactionId":"1","signedTransaction":"x"}"#),
            ("POST", "/v1/transactions", #"{"accountId":"..","transactionId":"1"}"#),
            ("POST", "/v1/transactions", #"{"accountId":"a b","transactionId":"1"}"#),
            ("POST", "/v1/transactions", #"{"accountId":"a","transactionId":"1x"}"#),
            ("POST", "/v1/transactions", #"{"accountId":"a","transactionId":1}"#),
            ("POST", "/v1/transactions", #"{"accountId":"a","transactionId":"1","more":true}"#),
            ("POST", "/v1/transactions", #"{"accountId":"a","transactionId":"1","environment":"Xcode"}"#),
            ("POST", "/v1/transactions", "not json"),
            ("POST", "/v1/nothing", request),
            ("GET", "/v1/transactions/12x", ""),
            ("GET", "/v1/accounts/a/grants?limit=0", ""),
            ("GET", "/v1/accounts/a/grants?limit=many", ""),
            ("GET", "/v1/accounts/a/grants?cursor=a%20b", ""),
            ("GET", "/v1/accounts/a/grants?page=2", ""),
            ("POST", "/v1/transactions/1/recheck", #"{"why":""}"#),
            ("POST", "/v1/transactions/1/recheck", "{}"),
        ])
    func badRequests(method: String, path: String, body: String) throws {
        let spec = try APISpec.load()
        let violations = spec.validate(
            request: method, path: path, headers: [("content-type", "application/json")], body: Array(body.utf8))
        #expect(!violations.isEmpty)
    }

    @Test("a request that keeps to the contract passes")
    func goodRequests() throws {
        let spec = try APISpec.load()
        let headers = [(name: "Content-Type", value: "application/json; charset=utf-8")]
        #expect(
            spec.validate(
                request: "POST", path: "/v1/transactions", headers: headers, body: Array(Self.request.utf8)
            ).isEmpty)
        #expect(spec.validate(request: "GET", path: "/v1/accounts/a%7Cb/grants?limit=200&cursor=9").isEmpty)
        #expect(spec.validate(request: "GET", path: "/v1/transactions/42").isEmpty)
        #expect(spec.match("GET", "/v1/transactions/42/events")?.operation.operationID == "listTransactionEvents")
    }

    @Test("an answer that departs from the contract is found out")
    func badAnswers() throws {
        let spec = try APISpec.load()
        let good = Array(#"{"status":"live"}"#.utf8)
        let identified = [(name: "x-request-id", value: "r1")]
        func complaints(
            _ status: Int = 200, _ path: String = "/health/live", type: String? = "application/json",
            _ headers: [(name: String, value: String)]? = nil, _ body: [UInt8]? = nil
        ) -> [String] {
            spec.validate(
                response: status, method: "GET", path: path, contentType: type, headers: headers ?? identified,
                body: body ?? good)
        }
        #expect(complaints().isEmpty)
        #expect(!complaints(201).isEmpty)
        #expect(!complaints(type: "text/plain").isEmpty)
        #expect(!complaints(type: nil).isEmpty)
        #expect(!complaints(200, "/health/live", []).isEmpty)
        #expect(!complaints(200, "/health/live", [("X-Request-Id", "a b")]).isEmpty)
        #expect(!complaints(200, "/health/live", identified, Array("{}".utf8)).isEmpty)
        #expect(!complaints(200, "/health/live", identified, Array(#"{"status":"live","x":1}"#.utf8)).isEmpty)
        #expect(!complaints(200, "/health/live", identified, []).isEmpty)
        #expect(!complaints(304, "/v1/accounts/a/entitlements").isEmpty)
    }

    @Test("a route that is not there, or not with this method, answers with a problem of that status")
    func routeMisses() throws {
        let spec = try APISpec.load()
        func complaints(_ status: Int, _ code: String, _ headers: [(name: String, value: String)]) -> [String] {
            let body = """
                {"type":"urn:vouch:problem:\(code)","title":"t","status":\(status),"detail":"d",\
                "instance":"urn:request:r1","code":"\(code)","retryable":false}
                """
            return spec.validate(
                response: status, method: "PUT", path: "/v1/transactions", contentType: "application/problem+json",
                headers: headers, body: Array(body.utf8))
        }
        #expect(complaints(404, "not-found", [("X-Request-Id", "r1")]).isEmpty)
        #expect(complaints(405, "method-not-allowed", [("X-Request-Id", "r1"), ("Allow", "POST")]).isEmpty)
        #expect(!complaints(405, "method-not-allowed", [("X-Request-Id", "r1")]).isEmpty)
        #expect(!complaints(404, "lost", [("X-Request-Id", "r1")]).isEmpty)
        #expect(!complaints(400, "invalid-request", [("X-Request-Id", "r1")]).isEmpty)
    }
}
