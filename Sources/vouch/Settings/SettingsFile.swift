import Yams

/// The value of a setting before its meaning is known.
enum SettingValue: Equatable, Sendable {
    case text(String)
    case list([String])
}

/// A configuration file: settings by name, and the products.
struct SettingsFile {
    /// The largest file that is read: a catalogue of thousands of products has room.
    static let bytesMax = 4 * 1024 * 1024

    /// Values that were set; a null is not set.
    private(set) var values: [SettingName: SettingValue] = [:]
    /// The `products` section, if there is one.
    private(set) var products: Node.Mapping?
    /// What is wrong with single entries.
    private(set) var faults: [SettingsFault] = []

    /// Reads a file; throws when it can't be read or isn't YAML, since nothing else can be said then.
    init(path: String) throws(SettingsFaults) {
        let bytes: [UInt8]
        do throws(InputFile.Fault) {
            bytes = try InputFile.read(path, bytesMax: Self.bytesMax)
        } catch {
            throw Self.broken("\(Printable.quote(path)): \(error)", fix: "name a YAML file that this user can read")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.broken("\(Printable.quote(path)): the file is not UTF-8 text", fix: "save it as UTF-8")
        }
        try self.init(yaml: text)
    }

    /// Reads YAML text.
    init(yaml text: String) throws(SettingsFaults) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Self.explain(error)
        }
        guard let root, !Self.isNull(root) else { return }
        guard let mapping = root.mapping else {
            throw Self.broken("the file is not a mapping", fix: "write one `NAME: value` on each line")
        }
        for (key, value) in mapping { take(key.string, value) }
    }

    private mutating func take(_ key: String?, _ node: Node) {
        guard let key else {
            faults.append(
                SettingsFault(name: "--config", problem: "a key is not text", fix: "use the names of settings"))
            return
        }
        if key == "products" {
            if Self.isNull(node) { return }
            guard let mapping = node.mapping else {
                faults.append(
                    SettingsFault(
                        name: "products", problem: "not a mapping",
                        fix: "write `PRODUCT_ID:` and below it, indented, its fields"))
                return
            }
            products = mapping
            return
        }
        guard let name = SettingName(rawValue: key) else {
            faults.append(.unknown(key, where: "the file"))
            return
        }
        if Self.isNull(node) { return }
        if let text = node.scalar?.string {
            values[name] = .text(text)
        } else if let sequence = node.sequence, sequence.allSatisfy({ $0.scalar != nil }) {
            values[name] = .list(sequence.compactMap { $0.scalar?.string })
        } else {
            faults.append(
                SettingsFault(name: key, problem: "a mapping or a nested list", fix: "give it a value, or a flat list"))
        }
    }

    /// Whether a node is YAML's null, which means "not set".
    static func isNull(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private static func broken(_ problem: String, fix: String) -> SettingsFaults {
        SettingsFaults([SettingsFault(name: "--config", problem: problem, fix: fix)])
    }

    /// The parser's own description quotes lines of the file, which may hold a password: only place and kind are kept.
    private static func explain(_ error: any Error) -> SettingsFaults {
        let fix = "correct the YAML"
        guard let error = error as? YamlError else { return broken("the file is not YAML", fix: fix) }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return broken("line \(mark.line), column \(mark.column): \(Printable.escape(problem))", fix: fix)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { Printable.quote($0) }.sorted().joined(separator: ", ")
            return broken("line \(context.mark.line): given twice: \(names)", fix: "keep one of them")
        case .reader:
            return broken("the file has characters that YAML doesn't allow", fix: fix)
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return broken("the file is not YAML", fix: fix)
        }
    }
}

extension SettingsFault {
    /// A name that isn't a setting's.
    static func unknown(_ name: String, where place: String) -> SettingsFault {
        let shown = Printable.escape(name, scalarsMax: 80)
        guard let nearest = SettingName.nearest(to: name) else {
            return SettingsFault(name: shown, problem: "in \(place), and not a setting", fix: "remove it")
        }
        return SettingsFault(
            name: shown, problem: "in \(place), and not a setting", fix: "did you mean \(nearest.rawValue)?")
    }
}
