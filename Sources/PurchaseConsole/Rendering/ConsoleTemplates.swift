import Mustache

/// A page's template: the file's name in `Templates/`, without its ending.
enum ConsoleTemplate: String, CaseIterable, Sendable {
    case account
    case apple
    case audit
    case cases
    case claimCase = "case"
    case coverage
    case evidence
    case failure
    case finance
    case found
    case home
    case order
    case signIn = "sign-in"
    case transaction
    case transactions
}

/// Why the pages can't be served: a template is broken.
///
/// Found when the process starts, never while somebody waits.
package struct ConsoleTemplateFault: Error, Hashable, CustomStringConvertible {
    /// The template's name.
    package let template: String
    /// What is wrong with it.
    package let fault: String

    /// Name and fault.
    package var description: String { "the template \(template): \(fault)" }
}

/// Every template, compiled.
struct ConsoleTemplates: Sendable {
    private let library: MustacheLibrary

    /// Tags that are written out as they are, by template; everything else is escaped, always.
    ///
    /// They are drawings that the server made itself, of numbers, and of text that it has escaped.
    static let unescaped: [String: Set<String>] = ["chart": ["svg"]]

    /// The templates that the binary carries.
    static func embedded() throws(ConsoleTemplateFault) -> ConsoleTemplates { try ConsoleTemplates(sources) }

    init(_ sources: [(name: String, text: String)]) throws(ConsoleTemplateFault) {
        var templates: [String: MustacheTemplate] = [:]
        let names = Set(sources.map(\.name))
        for source in sources {
            for tag in TemplateTag.all(in: source.text) {
                if let fault = tag.fault(in: source.name, names) {
                    throw ConsoleTemplateFault(template: source.name, fault: fault)
                }
            }
            do {
                templates[source.name] = try MustacheTemplate(string: source.text)
            } catch {
                throw ConsoleTemplateFault(template: source.name, fault: "\(error)")
            }
        }
        if let missing = ConsoleTemplate.allCases.first(where: { !names.contains($0.rawValue) }) {
            throw ConsoleTemplateFault(template: missing.rawValue, fault: "is missing")
        }
        library = MustacheLibrary(templates: templates)
    }

    /// The text of a page.
    func render(_ template: ConsoleTemplate, _ context: Any) -> String {
        // Present: every case was looked for at the start.
        library.render(TemplateNode(context, isRoot: true), withTemplate: template.rawValue) ?? ""
    }
}

/// One tag of a template, as far as it can be wrong without being a syntax error.
struct TemplateTag {
    private let sigil: Character?
    private let name: String

    /// Every tag of a text, with the usual delimiters; others are a fault.
    static func all(in text: String) -> [TemplateTag] {
        text.split(separator: "{{", omittingEmptySubsequences: false).dropFirst().map { rest in
            let inner = rest.prefix { $0 != "}" }
            let sigil = inner.first.flatMap { "#^/!{&><$=%".contains($0) ? $0 : nil }
            let name = inner.drop { $0 == sigil || $0 == " " }
            return TemplateTag(sigil: sigil, name: String(name.prefix { $0 != " " }))
        }
    }

    /// What is wrong with it in a template, given the names of all.
    func fault(in template: String, _ names: Set<String>) -> String? {
        switch sigil {
        case "{", "&":
            let allowed = ConsoleTemplates.unescaped[template] ?? []
            return allowed.contains(name) ? nil : "{{\(name)}} is not escaped"
        case ">", "<": return names.contains(name) ? nil : "there is no template \(name)"
        case "=", "%": return "a template changes neither delimiters nor the content type"
        default: return nil
        }
    }
}
