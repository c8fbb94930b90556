import Foundation

/// One text file of the repository: its path from the root, and its text.
struct SourceFile: Sendable {
    let path: String
    let text: String
    let lines: [Substring]

    /// The lines with comments and the insides of string literals blanked, so that only code is left to search;
    /// empty for files that are not Swift.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = path.hasSuffix(".swift") ? CodeScanner.code(of: text) : []
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isSource: Bool { isSwift && path.hasPrefix("Sources/") }
    var isTest: Bool { isSwift && path.hasPrefix("Tests/") }

    /// The target that a file under `Sources/` or `Tests/` belongs to.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && (isSource || isTest) ? String(parts[1]) : nil
    }

    /// A complaint about a line, counted from 0.
    func complaint(_ line: Int, _ text: String) -> String { "\(path):\(line + 1): \(text)" }
}

/// The files of this checkout.
enum Repository {
    static let root: URL = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url
    }()

    /// Every text file that would be committed.
    static func files() throws -> [SourceFile] { try all.get() }

    private static let all = Result { try read() }

    private static func read() throws -> [SourceFile] {
        let skipped: Set = [".git", ".build", ".run", ".swiftpm", "__pycache__", "Package.resolved"]
        var found: [SourceFile] = []
        var directories = [""]
        while let directory = directories.popLast() {
            let url = root.appendingPathComponent(directory)
            for name in try FileManager.default.contentsOfDirectory(atPath: url.path) where !skipped.contains(name) {
                let path = directory.isEmpty ? name : directory + "/" + name
                var isDirectory: ObjCBool = false
                guard FileManager.default.fileExists(atPath: root.path + "/" + path, isDirectory: &isDirectory) else {
                    continue
                }
                if isDirectory.boolValue {
                    if !name.hasPrefix(".build") { directories.append(path) }
                } else if let data = FileManager.default.contents(atPath: root.path + "/" + path),
                    let text = String(data: data, encoding: .utf8), !text.contains("\0")
                {
                    found.append(SourceFile(path: path, text: text))
                }
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    /// One file that must be there.
    static func file(_ path: String) throws -> SourceFile {
        SourceFile(path: path, text: try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
    }
}

/// Blanks what is not code in Swift source, keeping every line and column where it is.
///
/// It knows comments, nested ones too, and string literals of every kind; regular expression literals it does not.
struct CodeScanner {
    private let input: [UInt8]
    private var position = 0
    private var output: [UInt8] = []

    static func code(of text: String) -> [String] {
        var scanner = CodeScanner(input: Array(text.utf8))
        scanner.scan()
        return String(decoding: scanner.output, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private init(input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    private mutating func scan() {
        while position < input.count {
            if at("//") {
                while position < input.count, !at("\n") { blank(1) }
            } else if at("/*") {
                blankBlockComment()
            } else if let hashes = hashesBeforeQuote {
                blankString(hashes: hashes)
            } else {
                output.append(input[position])
                position += 1
            }
        }
    }

    private func at(_ text: StaticString, plus offset: Int = 0) -> Bool {
        let start = position + offset
        guard start + text.utf8CodeUnitCount <= input.count else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(input[start..<start + $0.count]) }
    }

    private func hashes(from start: Int) -> Int {
        input[min(start, input.count)...].prefix { $0 == UInt8(ascii: "#") }.count
    }

    /// How many `#` stand before the quote, if a string literal begins here.
    private var hashesBeforeQuote: Int? {
        let count = hashes(from: position)
        return at("\"", plus: count) ? count : nil
    }

    private mutating func blankBlockComment() {
        var depth = 0
        repeat {
            if at("/*") {
                depth += 1
                blank(2)
            } else if at("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && position < input.count
    }

    private mutating func blankString(hashes count: Int) {
        let isMultiline = at("\"\"\"", plus: count)
        let width = isMultiline ? 3 : 1
        blank(count + width)
        while position < input.count {
            let isEnd = isMultiline ? at("\"\"\"") : at("\"")
            if isEnd, hashes(from: position + width) >= count {
                blank(width + count)
                return
            }
            if !isMultiline, at("\n") { return }
            let isEscape = at("\\") && hashes(from: position + 1) >= count
            blank(isEscape ? 2 + count : 1)
        }
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where position < input.count {
            output.append(input[position] == UInt8(ascii: "\n") ? input[position] : UInt8(ascii: " "))
            position += 1
        }
    }
}

/// A regular expression, compiled once; `^` and `$` match at every line.
struct Pattern: Sendable {
    private let expression: NSRegularExpression

    init(_ pattern: String) {
        expression = try! NSRegularExpression(pattern: pattern, options: .anchorsMatchLines)
    }

    func matches(_ text: some StringProtocol) -> Bool {
        let text = String(text)
        return expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
    }

    /// The indices of the lines that match.
    func hits(in lines: [some StringProtocol]) -> [Int] {
        // Most files have none: one search through all of it says so.
        guard matches(lines.joined(separator: "\n")) else { return [] }
        return lines.indices.filter { matches(lines[$0]) }
    }

    /// Of each match the first group, or the whole where the pattern has none.
    func captures(in text: String) -> [String] {
        expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap { match in
            Range(match.range(at: match.numberOfRanges > 1 ? 1 : 0), in: text).map { String(text[$0]) }
        }
    }
}

extension String {
    /// Whether a regular expression matches anywhere.
    func matches(_ pattern: String) -> Bool { Pattern(pattern).matches(self) }

    /// Of each match of a regular expression the first group, or the whole where it has none.
    func captures(_ pattern: String) -> [String] { Pattern(pattern).captures(in: self) }
}
