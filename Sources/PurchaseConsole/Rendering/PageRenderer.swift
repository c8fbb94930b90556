import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseService

/// Turns contents into pages: the template, and the frame that all pages share.
struct PageRenderer: Sendable {
    let templates: ConsoleTemplates
    let assets: ConsoleAssets

    /// A page; with a session it has the navigation, and says what the last action left to be said.
    func page<Content: Sendable>(
        _ template: ConsoleTemplate, title: String, content: Content, session: ConsoleSession? = nil,
        current: ConsoleRoute? = nil, status: HTTPResponse.Status = .ok
    ) -> Response {
        let frame = PageFrame(
            title: title, assets: assets.links,
            person: session.map { PageFrame.Person($0, current: current) },
            notice: session?.notice.flatMap(ConsoleNotice.init(rawValue:))?.text, page: content)
        return Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: templates.render(template, frame))))
    }

    /// The page that says why there is no other one.
    func failure(_ error: ConsoleError, session: ConsoleSession?, requestID: String) -> Response {
        let content = FailureContent(
            heading: error.title, text: error.text, details: error.details,
            requestID: requestID, isSignedIn: session != nil)
        var response = page(.failure, title: error.title, content: content, session: session, status: error.status)
        response.headers[.retryAfter] = error.retryAfterSeconds.map(String.init)
        if !error.allowed.isEmpty {
            response.headers[.allow] = error.allowed.map(\.rawValue).joined(separator: ", ")
        }
        return response
    }
}

/// What `layout.mustache` shows around every page.
struct PageFrame<Content: Sendable>: Sendable {
    /// Of the window; what the page is about comes first.
    let title: String
    let assets: ConsoleAssets.Links
    /// Who is signed in.
    let person: Person?
    /// What was just done.
    let notice: String?
    /// The page's own part.
    let page: Content

    /// Somebody who is signed in.
    struct Person: Sendable {
        let name: String
        let roles: String
        /// For the forms of the page.
        let csrf: String
        let navigation: [NavigationItem]
        /// Whether the search box is there: it finds customers.
        let isSupport: Bool

        init(_ session: ConsoleSession, current: ConsoleRoute?) {
            name = session.caller.name
            roles = session.caller.roles.intersection(ConsoleSession.roles).map(\.rawValue).sorted()
                .joined(separator: " and ")
            csrf = CSRFToken(secret: session.csrfSecret).text
            navigation = NavigationItem.all(for: session.caller.roles, current: current)
            isSupport = session.caller.roles.contains(.support)
        }
    }
}

/// One link of the navigation.
struct NavigationItem: Sendable {
    let label: String
    let address: String
    /// Whether the page is this one, or one below it.
    let isCurrent: Bool

    /// The sections that roles may see; a new section is a line here.
    static func all(for roles: Set<Role>, current: ConsoleRoute?) -> [NavigationItem] {
        let sections: [(label: String, route: ConsoleRoute)] = [
            ("Start", .home), ("Transactions", .transactions), ("Cases", .cases), ("Audit", .audit),
            ("Finance", .finance), ("Coverage", .coverage), ("Apple", .apple),
        ]
        return sections.filter { !$0.route.roles.isDisjoint(with: roles) }.map { section in
            let path = section.route.path
            let isBelow = section.route != .home && (current?.path.hasPrefix(path + "/") ?? false)
            return NavigationItem(label: section.label, address: path, isCurrent: current?.path == path || isBelow)
        }
    }
}

/// What `failure.mustache` shows.
struct FailureContent: Sendable {
    let heading: String
    let text: String
    let details: [String]
    let requestID: String
    let isSignedIn: Bool
}
