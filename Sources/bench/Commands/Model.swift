import ArgumentParser
import Foundation

/// `bench model`: what so many purchases a year need, from the figures of a run.
struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reckon cores, bytes and calls to Apple for 1 M, 100 M and 1 G purchases a year.",
        discussion: """
            Needs the JSON lines of `bench run` with the parts validation, repeat, entitlements, notification, ledger and \
            replicas. Prints Markdown, or with --into puts it between the two marks of a document.
            """)

    /// The lines that the text stands between.
    static let marks = (begin: "<!-- bench model: begin -->", end: "<!-- bench model: end -->")

    @Option(help: "JSON lines that `bench run --json` wrote.")
    var figures: String

    @Option(help: "A document with the two marks, whose text between them is replaced.")
    var into: String?

    @Option(help: "The busiest minutes of the year to its average.")
    var peakFactor = ScaleModel.Assumptions().peakFactor

    @Option(help: "Calls a second that Apple grants.")
    var appleBudget = ScaleModel.Assumptions().callsPerSecond

    func run() async throws {
        guard peakFactor >= 1, appleBudget > 0 else {
            throw ValidationError("--peak-factor must be 1 or more, --apple-budget above 0")
        }
        let lines = try String(contentsOfFile: figures, encoding: .utf8)
        var assumptions = ScaleModel.Assumptions()
        assumptions.peakFactor = peakFactor
        assumptions.callsPerSecond = appleBudget
        let text = ScaleModel(figures: try ModelFigures(jsonLines: lines), assumptions: assumptions).markdown
        guard let into else {
            FileHandle.standardOutput.write(Data((text + "\n").utf8))
            return
        }
        let document = try String(contentsOfFile: into, encoding: .utf8)
        try Self.replacing(in: document, with: text).write(toFile: into, atomically: true, encoding: .utf8)
    }

    /// The document with another text between the marks; throws ``BenchFailure`` when it has none.
    static func replacing(in document: String, with text: String) throws -> String {
        guard let begin = document.range(of: marks.begin),
            let end = document.range(of: marks.end, range: begin.upperBound..<document.endIndex)
        else { throw BenchFailure("the document lacks the lines \(marks.begin) and \(marks.end)") }
        return document[..<begin.upperBound] + "\n\n" + text + "\n\n" + document[end.lowerBound...]
    }
}
