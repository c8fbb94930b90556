/// One forward-only schema change: a landed file never changes.
package struct Migration: Sendable {
    /// `NNNNNN_verb_noun.sql`.
    package let fileName: String
    /// SHA-256 of the file, hexadecimal.
    package let checksum: String
    /// The file.
    let script: String

    /// The number at the front of the file name.
    package var number: Int64 { Int64(fileName.prefix { $0.isNumber }) ?? 0 }

    /// Whether an older version of the service must not run on a schema that has it (header `breaking: yes`).
    var isBreaking: Bool { script.contains("\n-- breaking: yes") }

    /// The number of the newest migration that this version knows.
    package static var newest: Int64 { all.map(\.number).max() ?? 0 }
}
