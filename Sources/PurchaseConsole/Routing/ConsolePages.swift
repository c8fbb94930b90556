import HTTPTypes
import Hummingbird
import Logging
import PurchaseAPI
import PurchaseCore
import PurchaseService

/// Answers requests under `/console`; one method per page, each in its feature's folder.
struct ConsolePages<Cases: UseCases & ConsoleUseCases>: Sendable {
    let useCases: Cases
    let configuration: ConsoleConfiguration
    let renderer: PageRenderer
    let limiter: ConcurrencyLimiter
    let strangers: ConcurrencyLimiter
    /// Ends what takes too long.
    let timeLimiter = TimeLimiter()

    /// Always an answer: what goes wrong becomes a page that says so.
    func respond(to request: Request, _ context: VouchRequestContext, as route: ConsoleRoute) async -> Response {
        let places = route.isPublic ? strangers : limiter
        guard places.enter() else { return failure(ConsoleError.overloaded, nil, context) }
        defer { places.leave() }
        do {
            return try await timeLimiter.run(
                timeout(of: route), on: context.channel.eventLoop, throwing: ConsoleError.tooSlow
            ) {
                route.isPublic
                    ? try await answerAnybody(request, context, as: route)
                    : try await answerSignedIn(request, context, as: route)
            }
        } catch {
            return failure(error, nil, context)
        }
    }

    private func timeout(of route: ConsoleRoute) -> Duration {
        switch route {
        case .finance, .paidRecords: configuration.financeTimeout
        case .signIn, .signInForm, .asset: configuration.signInTimeout
        default: configuration.requestTimeout
        }
    }

    private func answerAnybody(
        _ request: Request, _ context: VouchRequestContext, as route: ConsoleRoute
    ) async throws -> Response {
        switch route {
        case .asset: return try asset(context)
        case .signIn: return try await signIn(request, context)
        default: return try await signInForm(request, context)
        }
    }

    private func answerSignedIn(
        _ request: Request, _ context: VouchRequestContext, as route: ConsoleRoute
    ) async throws -> Response {
        let origin = RequestOrigin(request)
        let isForm = route.method == .post
        guard let token = origin.token(in: request.headers),
            let session = try await useCases.session(of: token, takesNotice: !isForm)
        else { return Self.redirect(to: Self.signInAddress(for: request, isForm: isForm)) }
        do {
            guard !session.caller.roles.isDisjoint(with: route.roles) else { throw ConsoleError.forbidden }
            var visit = ConsoleVisit(
                route: route, session: session, requestID: context.requestID, now: configuration.now(),
                pathParameters: context.parameters, fields: [])
            if isForm {
                visit.fields = try await form(of: request, from: origin, in: session)
            } else {
                visit.fields = try FormFields.query(of: request)
            }
            return try await answer(visit, request, context)
        } catch {
            return failure(error, session, context)
        }
    }

    /// Every page that needs a session.
    private func answer(
        _ visit: ConsoleVisit, _ request: Request, _ context: VouchRequestContext
    ) async throws -> Response {
        switch visit.route {
        case .home: try await home(visit)
        case .signOut: try await signOut(visit, RequestOrigin(request))
        case .find: try await find(visit)
        case .transactions: try await transactions(visit)
        case .transaction: try await transaction(visit)
        case .evidence: try await evidence(visit)
        case .evidenceText: try await evidenceText(visit)
        case .recheck: try await recheck(visit)
        case .order: try await order(visit)
        case .account: try await account(visit)
        case .createOverride: try await createOverride(visit)
        case .endOverride: try await endOverride(visit)
        case .eraseAccount: try await eraseAccount(visit)
        case .cases: try await cases(visit)
        case .claimCase: try await claimCase(visit)
        case .resolveCase: try await resolveCase(visit)
        case .audit: try await audit(visit)
        case .finance: try await finance(visit)
        case .paidRecords: try await paidRecords(visit, context)
        case .coverage: try await coverage(visit)
        case .apple: try await appleHealth(visit)
        case .asset, .signInForm, .signIn: throw ConsoleError.fault("a public route asked for a session")
        }
    }

    /// The fields of a form that this session's own page sent.
    private func form(
        of request: Request, from origin: RequestOrigin, in session: ConsoleSession
    ) async throws -> [FormField] {
        guard origin.isOwn else { throw ConsoleError.foreignForm }
        let fields = try await FormFields.body(of: request, maximumBytes: configuration.maximumFormBytes)
        let shown = fields.first { $0.name == CSRFToken.field }?.value
        guard CSRFToken(secret: session.csrfSecret).isShown(by: shown) else { throw ConsoleError.foreignForm }
        return fields.filter { $0.name != CSRFToken.field }
    }

    // MARK: Answers

    /// A page of the person who is signed in.
    func page<Content: Sendable>(
        _ template: ConsoleTemplate, _ title: String, _ content: Content, _ visit: ConsoleVisit,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        renderer.page(
            template, title: title, content: content, session: visit.session, current: visit.route, status: status)
    }

    /// Answers a form that was acted upon: to a page, which then says what was done.
    func done(_ notice: ConsoleNotice, _ visit: ConsoleVisit, goTo address: String) async throws -> Response {
        try await useCases.leaveNotice(notice.rawValue, in: visit.session.token)
        return Self.redirect(to: address)
    }

    /// Another address, to be opened with GET; always one of the console's own.
    static func redirect(to address: String) -> Response {
        Response(status: .seeOther, headers: [.location: address])
    }

    private func failure(
        _ error: any Error, _ session: ConsoleSession?, _ context: VouchRequestContext
    ) -> Response {
        let shown = ConsoleError(error)
        if let cause = shown.cause {
            context.logger.error(
                "page failed",
                metadata: [LogKey.cause.rawValue: .string(Syntax.printable(cause, maximumCharacters: 500))])
        }
        return renderer.failure(shown, session: session, requestID: context.requestID)
    }

    /// Where to sign in, and what to open then: the page, or the one that a form is on.
    private static func signInAddress(for request: Request, isForm: Bool) -> String {
        var wanted = request.uri.path
        if isForm {
            wanted = ConsoleAddress.pageOfForm(at: wanted)
        } else if let query = request.uri.query {
            wanted += "?" + query
        }
        guard let next = ConsoleAddress.local(wanted), next != ConsoleAddress.home else { return ConsoleAddress.signIn }
        return ConsoleAddress.signIn + "?next=" + ConsoleAddress.encoded(next)
    }
}

/// The metadata keys of this module's log lines; never a field, a token or an account.
private enum LogKey: String {
    case cause
}

/// A request of somebody who is signed in.
struct ConsoleVisit: Sendable {
    let route: ConsoleRoute
    let session: ConsoleSession
    /// Names the exchange.
    let requestID: String
    /// The moment that the whole page is about.
    let now: Instant
    let pathParameters: Parameters
    /// Of the query, or of the form, without its token.
    var fields: [FormField]

    /// Whose key it is.
    var caller: Caller { session.caller }

    /// A part of the path; the page is not there when it isn't what it should be.
    func path<Value>(_ name: String, _ convert: (String) -> Value?) throws(ConsoleError) -> Value {
        let text = PercentEncoding.decode((pathParameters.get(name) ?? "")[...])
        guard let value = text.flatMap(convert) else { throw .notFound }
        return value
    }
}
