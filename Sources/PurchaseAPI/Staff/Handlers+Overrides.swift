import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/accounts/{accountId}/overrides`: what support decided about an account, newest first.
    func listOverrides(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["cursor", "limit"])
        let account = parameters.accountID()
        let limit = parameters.limit()
        let number = parameters.cursor(PageCursor.override)
        try parameters.check()
        let (overrides, next) = try await useCases.overrides(of: account, before: number, limit: limit)
        let now = configuration.now()
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("overrides", overrides) { writer, item in writer.override(item, at: now) }
            writer.member("nextCursor", next.map(PageCursor.text(beforeOverride:)))
        }
        return .json(writer)
    }

    /// `POST /v1/accounts/{accountId}/overrides`.
    func createOverride(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let account = parameters.accountID()
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        let (asked, faults) = OverrideRequest.read(object, now: configuration.now())
        try parameters.check(with: faults)
        guard let asked else { throw Problem.fault("an override without a fault is missing") }
        let (override, isNew) = try await useCases.override(
            account, asked.terms, why: asked.why, by: caller, requestID: context.requestID)
        return response(to: override, status: isNew ? .created : .ok)
    }

    /// `DELETE /v1/accounts/{accountId}/overrides`: which one, and why, is in the body, since proxies log addresses.
    func endOverride(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let account = parameters.accountID()
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        var reader = PropertyReader(object)
        let named = reader.value(
            "overrideId", isRequired: true, rule: "Must be 1 to 200 of A-Z a-z 0-9 . _ : -."
        ) { Syntax.isOpaqueID($0) ? OverrideID($0) : nil }
        let why = WhyRequest.read(&reader)
        reader.finish()
        try parameters.check(with: reader.faults)
        guard let id = named else { throw Problem.fault("an override's id without a fault is missing") }
        let override = try await useCases.endOverride(
            id, of: account, why: why, by: caller, requestID: context.requestID)
        return response(to: override, status: .ok)
    }

    private func response(to item: RecordedOverride, status: HTTPResponse.Status) -> Response {
        var writer = JSONWriter()
        writer.override(item, at: configuration.now())
        return .json(writer, status: status)
    }
}

/// The body of `POST /v1/accounts/{accountId}/overrides`.
package struct OverrideRequest {
    private static let keyCharactersMax = 255
    /// What a key must be, for a person who sent another one.
    package static let keyRule = "Must be 1 to 255 characters, without control characters."

    let terms: Override.Terms
    let why: String

    /// Reads the object, and every fault of it; the first part is there when there are no faults.
    static func read(_ object: JSONObject, now: Instant) -> (OverrideRequest?, Faults) {
        var reader = PropertyReader(object)
        let key = reader.value(
            "key", isRequired: true, rule: keyRule
        ) { isKey($0) ? $0 : nil }
        let effect = reader.value("effect", isRequired: true, rule: "Must be grant or withhold.") {
            Override.Effect(rawValue: $0)
        }
        let environment = reader.value("environment", rule: "Must be Production or Sandbox.") {
            StoreEnvironment(rawValue: $0)
        }
        let until = reader.value(
            "until", rule: "Must be an instant to come, as 2026-11-20T09:15:02.120Z."
        ) { text in RFC3339.parse(text).flatMap { $0 > now ? $0 : nil } }
        let why = WhyRequest.read(&reader)
        reader.finish()
        guard let key, let effect else { return (nil, reader.faults) }
        let terms = Override.Terms(key: key, effect: effect, environment: environment ?? .production, until: until)
        return (OverrideRequest(terms: terms, why: why), reader.faults)
    }

    /// Whether a key is what ``keyRule`` says.
    package static func isKey(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        return (1...keyCharactersMax).contains(scalars.count)
            && scalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}

extension JSONWriter {
    fileprivate mutating func override(_ item: RecordedOverride, at now: Instant) {
        let override = item.override
        object { writer in
            writer.member("id", override.id)
            writer.member("accountId", item.accountID)
            writer.member("key", override.terms.key)
            writer.member("effect", override.terms.effect.rawValue)
            writer.member("environment", override.terms.environment.rawValue)
            writer.member("active", override.isLive(at: now))
            writer.member("since", override.since)
            writer.member("until", override.terms.until)
            writer.member("madeBy", item.madeBy)
            writer.member("why", item.why)
            writer.member("endedAt", override.ending?.endedAt)
            writer.member("endedBy", item.endedBy)
            writer.member("endedWhy", item.endedWhy)
        }
    }
}
