/// One rule about single files: a pure function of path and text, with samples that show it at work.
struct Rule: Sendable {
    /// One sentence that states the rule.
    let name: String
    /// The complaints about a file; empty when it keeps to the rule.
    let check: @Sendable (SourceFile) -> [String]
    /// Files that break the rule.
    let broken: [SourceFile]
    /// Files that look alike and keep to it.
    let kept: [SourceFile]

    init(
        _ name: String, broken: [(path: String, text: String)], kept: [(path: String, text: String)],
        check: @escaping @Sendable (SourceFile) -> [String]
    ) {
        self.name = name
        self.check = check
        self.broken = broken.map { SourceFile(path: $0.path, text: $0.text) }
        self.kept = kept.map { SourceFile(path: $0.path, text: $0.text) }
    }

    /// A rule that bans a pattern in code (not in comments or strings) where `applies` says so.
    static func ban(
        _ name: String, pattern: String, where applies: @escaping @Sendable (SourceFile) -> Bool,
        broken: [(path: String, text: String)], kept: [(path: String, text: String)]
    ) -> Rule {
        let pattern = Pattern(pattern)
        return Rule(name, broken: broken, kept: kept) { file in
            applies(file) ? pattern.hits(in: file.code).map { file.complaint($0, name) } : []
        }
    }
}
