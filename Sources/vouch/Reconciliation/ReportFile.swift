import Glibc
import PurchaseService

/// A report of App Store Connect on disk: tab-separated text, or the same in gzip, as Apple serves it.
///
/// It is read piece by piece: memory doesn't grow with the file.
enum ReportFile {
    /// The most bytes of text; a small file can inflate to any size.
    static let bytesMax = 1 << 30

    private static let chunkBytes = 64 << 10

    /// Adds a file to what was read so far.
    ///
    /// Throws a sentence with the name of the file, and the line if there is one; exit code 2.
    static func read(
        _ path: String, into reports: inout SalesReports, bytesMax: Int = bytesMax
    ) throws(CommandFailure) {
        do {
            try readBytes(path, into: &reports, bytesMax: bytesMax)
        } catch let fault as SalesReportFault {
            let place = fault.line.map { ", line \($0)" } ?? ""
            throw failure(path, place, fault.sentence)
        } catch let fault as GzipInflater.Fault {
            throw failure(path, "", fault == .memory ? "no memory to inflate it" : "the gzip file is damaged")
        } catch let fault as InputFile.Fault {
            throw failure(path, "", fault.description)
        } catch {
            throw failure(path, "", "it can't be read (\(type(of: error)))")
        }
    }

    private static func failure(_ path: String, _ place: String, _ sentence: String) -> CommandFailure {
        CommandFailure(
            "\(Printable.quote(path))\(place): \(Printable.escape(sentence, scalarsMax: 1_000))", exit: .couldNot)
    }

    private static func readBytes(_ path: String, into reports: inout SalesReports, bytesMax: Int) throws {
        // A path with a NUL would name another file than it shows.
        guard !path.utf8.contains(0) else { throw InputFile.Fault.notFound }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw InputFile.Fault(errno: errno) }
        defer { close(descriptor) }
        var reader = SalesReportReader(file: Printable.quote(path))
        var inflater: GzipInflater?
        var bytesLeft = bytesMax
        var isFirst = true
        while let chunk = try next(descriptor) {
            if isFirst {
                if chunk.starts(with: [0x1F, 0x8B]) { inflater = try GzipInflater() }
                if chunk.starts(with: Array("PK\u{3}\u{4}".utf8)) {
                    throw SalesReportFault(line: nil, "it is a ZIP archive: unpack it first")
                }
                isFirst = false
            }
            func take(_ text: ArraySlice<UInt8>) throws {
                bytesLeft -= text.count
                guard bytesLeft >= 0 else {
                    throw SalesReportFault(line: nil, "it holds more than \(bytesMax) bytes of text")
                }
                try reader.read(text, into: &reports)
            }
            if let inflater { try inflater.inflate(chunk, to: take) } else { try take(chunk) }
        }
        if let inflater, !inflater.isComplete {
            throw SalesReportFault(line: nil, "the gzip file breaks off: download it again")
        }
        try reader.finish(into: &reports)
    }

    private static func next(_ descriptor: Int32) throws -> ArraySlice<UInt8>? {
        while true {
            var failed: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { room, count in
                let read = Glibc.read(descriptor, room.baseAddress, room.count)
                if read < 0 { failed = errno }
                count = max(0, read)
            }
            if failed == EINTR { continue }
            guard failed == 0 else { throw InputFile.Fault(errno: failed) }
            return chunk.isEmpty ? nil : chunk[...]
        }
    }
}
