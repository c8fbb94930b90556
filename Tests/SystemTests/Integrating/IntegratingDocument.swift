import Foundation
import TestSupport

/// The fenced blocks of docs/integrating.md.
struct IntegratingDocument {
    /// One fenced block.
    struct Block {
        /// `sh`, `http`, `swift`.
        let language: String
        /// What is between the fences, without the last line break.
        let text: String
        /// Of the opening fence, from 1.
        let line: Int
        /// `METHOD path` of the comment `<!-- an answer to METHOD path -->` before it.
        let answerTo: String?
    }

    /// A shell block with the answers that are shown below it.
    struct Step {
        let commands: Block
        var answers: [Block] = []
    }

    let blocks: [Block]

    init() throws {
        let text = try String(contentsOfFile: Checkout.path("docs/integrating.md"), encoding: .utf8)
        self.init(text: text)
    }

    init(text: String) {
        var blocks: [Block] = []
        var open: (language: String, line: Int, lines: [String])?
        var comment: String?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).enumerated()
        {
            if let block = open {
                if line == "```" {
                    blocks.append(
                        Block(
                            language: block.language, text: block.lines.joined(separator: "\n"), line: block.line,
                            answerTo: comment))
                    (open, comment) = (nil, nil)
                } else {
                    open?.lines.append(line)
                }
            } else if line.hasPrefix("```") {
                open = (String(line.dropFirst(3)), index + 1, [])
            } else if line.hasPrefix("<!-- an answer to ") {
                comment = String(line.dropFirst(18).dropLast(4))
            }
        }
        self.blocks = blocks
    }

    /// The commands in their order, each with its answers.
    var steps: [Step] {
        var steps: [Step] = []
        for block in blocks where block.answerTo == nil {
            if block.language == "sh" {
                steps.append(Step(commands: block))
            } else if block.language == "http", !steps.isEmpty {
                steps[steps.count - 1].answers.append(block)
            }
        }
        return steps
    }
}
