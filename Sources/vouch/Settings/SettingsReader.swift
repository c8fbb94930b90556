import PurchaseCore

/// Reads settings by name from the environment and the file, and collects what is wrong with them.
///
/// Every method gives back something usable, so that one fault doesn't hide the next; ``finish(_:)`` decides.
struct SettingsReader {
    private let environment: [String: String]
    private let file: SettingsFile?
    private(set) var faults: [SettingsFault] = []

    /// Takes the whole environment, of which only names that begin with `VOUCH_` matter, and the file of `--config`.
    init(environment: [String: String], configPath: String?) throws(SettingsFaults) {
        let file: SettingsFile? = if let configPath { try SettingsFile(path: configPath) } else { nil }
        self.init(environment: environment, file: file)
    }

    /// Takes a file that was read already.
    init(environment: [String: String], file: SettingsFile?) {
        self.environment = environment
        self.file = file
        faults = file?.faults ?? []
        for name in environment.keys where name.hasPrefix("VOUCH_") && !SettingName.isForDevelopment(name) {
            if SettingName(rawValue: name) == nil { faults.append(.unknown(name, where: "the environment")) }
        }
    }

    /// The `products` section of the file.
    var products: SettingsFile? { file?.products == nil ? nil : file }

    /// Notes a fault.
    mutating func fault(_ name: SettingName, _ problem: String, _ fix: String) {
        faults.append(SettingsFault(name: name.rawValue, problem: problem, fix: fix))
    }

    /// Notes a fault under another name than a setting's.
    mutating func fault(_ fault: SettingsFault) { faults.append(fault) }

    /// Gives the value if nothing was wrong; a `nil` comes only from settings that a fault names.
    func finish<Value>(_ value: Value?) throws(SettingsFaults) -> Value {
        guard faults.isEmpty, let value else { throw SettingsFaults(faults) }
        return value
    }

    // MARK: Texts

    /// A value that was set, without white space around it; `nil` when it is not set or empty.
    mutating func text(_ name: SettingName) -> String? {
        if let value = environment[name.rawValue]?.trimmed, !value.isEmpty { return value }
        switch file?.values[name] {
        case .none: return nil
        case .text(let text): return text.trimmed.isEmpty ? nil : text.trimmed
        case .list:
            fault(name, "a list", "give it one value")
            return nil
        }
    }

    /// A value that must be set.
    mutating func required(_ name: SettingName, _ fix: String) -> String? {
        let faultsBefore = faults.count
        if let text = text(name) { return text }
        if faults.count == faultsBefore { fault(name, "required, and not set", fix) }
        return nil
    }

    /// The entries of a list; `nil` when it is not set, an empty list when it is set and empty.
    mutating func list(_ name: SettingName) -> [String]? {
        let entries: [String]
        if let text = environment[name.rawValue] {
            entries = Self.split(text)
        } else {
            switch file?.values[name] {
            case .none: return nil
            case .text(let text): entries = Self.split(text)
            case .list(let list): entries = list.map(\.trimmed)
            }
        }
        guard !entries.contains("") else {
            fault(name, "an entry is empty", "separate entries by single commas")
            return entries.filter { !$0.isEmpty }
        }
        return entries
    }

    private static func split(_ text: String) -> [String] {
        if text.trimmed.isEmpty { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
    }

    // MARK: Values

    /// `true` or `false`.
    mutating func boolean(_ name: SettingName, default fallback: Bool) -> Bool {
        switch text(name) {
        case .none: return fallback
        case "true": return true
        case "false": return false
        case .some(let text):
            fault(name, "\(Printable.quote(text)) is neither true nor false", "use true or false")
            return fallback
        }
    }

    /// One of the raw values of an enumeration.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: SettingName, default fallback: Choice
    ) -> Choice {
        guard let text = text(name) else { return fallback }
        if let choice = Choice(rawValue: text) { return choice }
        fault(
            name, "\(Printable.quote(text)) is none of its values",
            "use \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        return fallback
    }

    /// A whole number in a range.
    mutating func integer(_ name: SettingName, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        guard let text = text(name) else { return fallback }
        if text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text), range.contains(number) {
            return number
        }
        fault(
            name, "\(Printable.quote(text)) is no whole number from \(range.lowerBound) to \(range.upperBound)",
            "use one, such as \(fallback)")
        return fallback
    }

    /// An ISO 8601 duration of fixed length in a range.
    mutating func span(_ name: SettingName, default fallback: Span, in range: ClosedRange<Span>) -> Span {
        guard let text = text(name) else { return fallback }
        guard let span = CalendarDuration(iso8601: text)?.fixedSpan else {
            fault(
                name, "\(Printable.quote(text)) is no ISO 8601 duration of whole weeks, days, hours, minutes, seconds",
                "use one, such as \(fallback.iso8601)")
            return fallback
        }
        guard range.contains(span) else {
            fault(
                name, "\(text) is out of range",
                "use \(range.lowerBound.iso8601) to \(range.upperBound.iso8601); the default is \(fallback.iso8601)")
            return fallback
        }
        return span
    }
}

extension StringProtocol {
    /// The text without white space at both ends.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else {
            return ""
        }
        return String(self[first...last])
    }
}

extension Span {
    /// The span as settings state it, in whole seconds: `P3D`, `PT15M`, `PT1H30M`, `PT0S`.
    var iso8601: String {
        var seconds = milliseconds / 1_000
        var text = "P"
        if seconds >= 86_400 {
            text += "\(seconds / 86_400)D"
            seconds %= 86_400
        }
        if seconds == 0, text != "P" { return text }
        text += "T"
        if seconds >= 3_600 { text += "\(seconds / 3_600)H" }
        if seconds % 3_600 >= 60 { text += "\(seconds % 3_600 / 60)M" }
        if seconds % 60 > 0 || seconds == 0 { text += "\(seconds % 60)S" }
        return text
    }
}
