/// A parser of CSV (RFC 4180) that shares nothing with the writer: strict, and it refuses what is not CSV.
package struct CSVText {
    /// What is wrong with a text.
    package struct Fault: Error, CustomStringConvertible {
        /// The fault and the byte where it was found.
        package let description: String
    }

    /// The names of the first line.
    package let names: [String]
    /// The lines after it, each with as many cells as there are names.
    package let rows: [[String]]

    /// Parses bytes; lines must end with CRLF, the last one too.
    package init(parsing bytes: [UInt8]) throws {
        var lines: [[String]] = []
        var line: [String] = []
        var at = bytes.startIndex
        func fault(_ what: String) -> Fault { Fault(description: "\(what) at byte \(at)") }
        while at < bytes.endIndex {
            var cell: [UInt8] = []
            if bytes[at] == UInt8(ascii: "\"") {
                at += 1
                while true {
                    guard at < bytes.endIndex else { throw fault("a quoted cell has no end") }
                    if bytes[at] != UInt8(ascii: "\"") {
                        cell.append(bytes[at])
                        at += 1
                    } else if at + 1 < bytes.endIndex, bytes[at + 1] == UInt8(ascii: "\"") {
                        cell.append(bytes[at])
                        at += 2
                    } else {
                        at += 1
                        break
                    }
                }
            } else {
                while at < bytes.endIndex, ![0x2C, 0x0D, 0x0A].contains(bytes[at]) {
                    guard bytes[at] != UInt8(ascii: "\"") else { throw fault("a quote inside a plain cell") }
                    cell.append(bytes[at])
                    at += 1
                }
            }
            guard let text = String(validating: cell, as: UTF8.self) else { throw fault("not UTF-8") }
            line.append(text)
            guard at < bytes.endIndex else { throw fault("the last line has no end") }
            if bytes[at] == 0x2C {
                at += 1
                continue
            }
            guard bytes[at] == 0x0D, at + 1 < bytes.endIndex, bytes[at + 1] == 0x0A else { throw fault("no CRLF") }
            at += 2
            lines.append(line)
            line = []
        }
        guard line.isEmpty, let names = lines.first else { throw fault("there is no line") }
        guard lines.allSatisfy({ $0.count == names.count }) else { throw fault("a line has other columns") }
        self.names = names
        rows = Array(lines.dropFirst())
    }

    /// The rows as the cells of some columns, in the order asked.
    package func cells(_ columns: String...) -> [[String]] {
        let places = columns.compactMap { names.firstIndex(of: $0) }
        precondition(places.count == columns.count, "no such column among \(names)")
        return rows.map { row in places.map { row[$0] } }
    }
}
