/// One thing that is wrong with the settings; shows nothing of a secret.
struct SettingsFault: Hashable, Sendable, CustomStringConvertible {
    /// The setting's name, or `products.ID.FIELD`, or `--config` for the file as a whole.
    let name: String
    /// What is wrong.
    let problem: String
    /// What to do.
    let fix: String

    /// One line.
    var description: String { "\(name): \(problem); \(fix)" }
}

/// Everything that is wrong with the settings at once, by name; never empty.
struct SettingsFaults: Error, Equatable, Sendable, CustomStringConvertible {
    let faults: [SettingsFault]

    init(_ faults: [SettingsFault]) {
        self.faults = faults.sorted { ($0.name, $0.problem) < ($1.name, $1.problem) }
    }

    /// A line for each.
    var description: String { faults.map(\.description).joined(separator: "\n") }
}
