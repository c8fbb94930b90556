import HTTPTypes
import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    /// `GET /console/sign-in`.
    func signInForm(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let origin = RequestOrigin(request)
        let wanted = try FormFields.query(of: request).first { $0.name == "next" }?.value
        let next = wanted.flatMap(ConsoleAddress.local)
        if let token = origin.token(in: request.headers),
            try await useCases.session(of: token, takesNotice: false) != nil
        {
            return Self.redirect(to: next ?? ConsoleAddress.home)
        }
        return signInPage(request, next: next, fault: nil, status: .ok)
    }

    /// `POST /console/sign-in`: a key for a session, under a new token.
    func signIn(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let origin = RequestOrigin(request)
        guard origin.isOwn else { throw ConsoleError.foreignForm }
        let fields = try await FormFields.body(of: request, maximumBytes: configuration.maximumFormBytes)
        var reader = FormReader(fields, known: [CSRFToken.field, "key", "next"])
        let shown = reader.text(CSRFToken.field)
        let key = reader.value("key", isRequired: true, rule: "Paste the whole key.") { text in
            text.utf8.count <= 256 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
        }
        let next = reader.text("next").flatMap(ConsoleAddress.local)
        guard let browser = origin.signInToken(in: request.headers),
            CSRFToken(signIn: browser).isShown(by: shown)
        else {
            return signInPage(
                request, next: next,
                fault:
                    "The form had been open for too long, or the browser keeps no cookie for this address (is it HTTPS?). "
                    + "Paste the key again.",
                status: .forbidden)
        }
        guard let key else {
            return signInPage(
                request, next: next, fault: reader.faults.first?.message ?? "Paste the whole key.",
                status: .unprocessableContent)
        }
        let network = configuration.callerNetwork(
            context.channel.remoteAddress?.ipAddress, request.headers[values: .forwardedFor])
        let result = try await useCases.signIn(
            key: key, from: network, replacing: origin.token(in: request.headers))
        return answer(result, request, next: next)
    }

    private func answer(_ result: SignInResult, _ request: Request, next: String?) -> Response {
        switch result {
        case .signedIn(let token, _):
            var response = Self.redirect(to: next ?? ConsoleAddress.home)
            response.headers[.setCookie] = RequestOrigin(request).keepingSession(token)
            return response
        case .unknownKey:
            return signInPage(
                request, next: next,
                fault: "This key is not known, or it was revoked. Check that it was copied whole, or ask for a new "
                    + "one.",
                status: .unauthorized)
        case .wrongRole(let roles):
            let names = roles.map(\.rawValue).sorted().joined(separator: ", ")
            return signInPage(
                request, next: next,
                fault: "This key has the role \(names). The console is for keys of the role support or finance: "
                    + "ask for one in your own name.",
                status: .forbidden)
        case .heldUp(let seconds):
            let minutes = max(1, (seconds + 59) / 60)
            var response = signInPage(
                request, next: next,
                fault: "There were too many attempts without success. Try again in "
                    + (minutes == 1 ? "a minute." : "\(minutes) minutes."),
                status: .tooManyRequests)
            response.headers[.retryAfter] = String(seconds)
            return response
        }
    }

    /// The form, tied to the browser by a cookie of its own.
    private func signInPage(
        _ request: Request, next: String?, fault: String?, status: HTTPResponse.Status
    ) -> Response {
        let origin = RequestOrigin(request)
        let known = origin.signInToken(in: request.headers)
        let browser = known ?? ConsoleToken.fresh()
        let content = SignInContent(
            csrf: CSRFToken(signIn: browser).text, next: next,
            // The cookie stays at home when a link on another site is followed; one click here brings it along.
            returnTo: origin.isFromElsewhere ? next : nil, fault: fault, bundle: configuration.bundleID.rawValue)
        var response = renderer.page(.signIn, title: "Sign in", content: content, status: status)
        if known == nil { response.headers[.setCookie] = origin.keepingSignIn(browser) }
        return response
    }

    /// `POST /console/sign-out`.
    func signOut(_ visit: ConsoleVisit, _ origin: RequestOrigin) async throws -> Response {
        try await useCases.signOut(visit.session.token)
        var response = Self.redirect(to: ConsoleAddress.signIn)
        response.headers[.setCookie] = origin.droppingSession
        // What the browser still holds of the console goes too.
        response.headers[.named("Clear-Site-Data")] = #""cache""#
        return response
    }
}

/// What `sign-in.mustache` shows.
struct SignInContent: Sendable {
    let csrf: String
    let next: String?
    let returnTo: String?
    let fault: String?
    let bundle: String
}
