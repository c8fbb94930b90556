/// Reads a page strictly: every tag closed in order, every attribute quoted, every reference answered.
///
/// Browsers repair what is broken, each in its own way; a page that needs no repair is the same everywhere.
struct HTMLChecker {
    private static let voids: Set = ["meta", "link", "input", "br", "hr", "img"]

    private(set) var complaints: [String] = []
    private var open: [String] = []
    private var ids: Set<String> = []
    private var references: [(kind: String, id: String)] = []
    private var counts: [String: Int] = [:]

    /// What is wrong with a page; empty for one that is right.
    static func complaints(about text: String) -> [String] {
        var checker = HTMLChecker()
        checker.read(text)
        checker.finish()
        return checker.complaints
    }

    private mutating func read(_ text: String) {
        var rest = text[...]
        if rest.hasPrefix("<!DOCTYPE html>\n") { rest = rest.dropFirst(16) } else { complain("no doctype") }
        while let start = rest.unicodeScalars.firstIndex(of: "<") {
            words(rest[..<start])
            guard let end = rest[start...].unicodeScalars.firstIndex(of: ">") else {
                return complain("a tag has no end")
            }
            tag(rest[rest.unicodeScalars.index(after: start)..<end])
            rest = rest[rest.unicodeScalars.index(after: end)...]
        }
        words(rest)
    }

    private mutating func words(_ text: Substring) {
        if text.unicodeScalars.contains(">") { complain("a bare > in \(text.prefix(40))") }
        checkEntities(text)
    }

    private mutating func checkEntities(_ text: Substring) {
        for part in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst()
        where part.prefixMatch(of: /(lt|gt|amp|quot|#39);/) == nil {
            complain("a bare & before \(part.prefix(20))")
        }
    }

    private mutating func tag(_ inner: Substring) {
        if inner.hasPrefix("/") {
            let name = String(inner.dropFirst())
            if open.popLast() != name { complain("</\(name)> closes nothing") }
            return
        }
        guard let name = inner.prefixMatch(of: /[a-z][a-z0-9]*/).map({ String($0.output) }) else {
            return complain("<\(inner.prefix(30))> is no tag")
        }
        counts[name, default: 0] += 1
        var attributes: [String: String] = [:]
        var rest = inner.dropFirst(name.count)
        while let match = rest.prefixMatch(of: /\s+([a-z-]+)(="([^"]*)")?/) {
            let key = String(match.output.1)
            let known = attributes.updateValue(String(match.output.3 ?? ""), forKey: key)
            if known != nil { complain("\(key) is there twice") }
            rest = rest[match.range.upperBound...]
        }
        if !rest.isEmpty { complain("<\(name)> has \(rest.prefix(40)), which is no attribute") }
        judge(name, attributes)
        if !Self.voids.contains(name) { open.append(name) }
    }

    private mutating func judge(_ name: String, _ attributes: [String: String]) {
        for (key, value) in attributes {
            checkEntities(value[...])
            if key == "style" || key.hasPrefix("on") { complain("<\(name)> has \(key)") }
            if ["for", "aria-labelledby", "aria-describedby"].contains(key) {
                for id in value.split(separator: " ") { references.append((key, String(id))) }
            }
            if key == "href" || key == "action" || key == "src" { checkAddress(value) }
        }
        if let id = attributes["id"], !ids.insert(id).inserted { complain("the id \(id) is there twice") }
        if name == "html", attributes["lang"] != "en" { complain("no language") }
        if ["script", "style", "iframe", "object", "base"].contains(name) { complain("there is a <\(name)>") }
        let isField = ["input", "select", "textarea"].contains(name) && attributes["type"] != "hidden"
        if isField {
            if let id = attributes["id"] { references.append(("label", id)) } else { complain("a field without an id") }
        }
        if name == "label" { references.append(("for", attributes["for"] ?? "-")) }
        if name == "label", let target = attributes["for"] { ids.insert("label:" + target) }
        if name == "th", attributes["scope"] == nil { complain("a <th> without scope") }
        if name == "form", attributes["method"] == "post" { counts["post form", default: 0] += 1 }
        if attributes["name"] == "csrf" { counts["csrf", default: 0] += 1 }
    }

    private mutating func checkAddress(_ value: String) {
        if value.hasPrefix("#") { return references.append(("href", String(value.dropFirst()))) }
        if !value.hasPrefix("/") || value.hasPrefix("//") { complain("\(value) is not one of our addresses") }
    }

    private mutating func finish() {
        if !open.isEmpty { complain("never closed: \(open.joined(separator: ", "))") }
        for name in ["html", "head", "body", "title", "main", "h1"] where counts[name] != 1 {
            complain("\(counts[name] ?? 0) of <\(name)>")
        }
        if counts["table"] ?? 0 != counts["caption"] ?? 0 { complain("a table without a caption") }
        if counts["post form"] ?? 0 != counts["csrf"] ?? 0 { complain("a form without its token") }
        for reference in references {
            let id = reference.kind == "label" ? "label:" + reference.id : reference.id
            if !ids.contains(id) { complain("\(reference.kind) names \(reference.id), which is not there") }
        }
    }

    private mutating func complain(_ text: String) { complaints.append(text) }
}
