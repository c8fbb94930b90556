import Logging
import PurchaseCore
import PurchaseService

/// Writes each log message as one line of `key=value` pairs.
///
/// Whatever a value holds stays inside its value: line breaks, control characters and characters that turn the order of
/// text around are escaped, so that nobody who gets text into a message can forge a line or a field.
struct LogfmtHandler: LogHandler {
    /// The most scalars of one value.
    static let valueScalarsMax = 4_096
    /// The most values of one line; nested metadata counts each of its own.
    static let valuesMax = 64

    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let clock: @Sendable () -> Instant
    private let write: @Sendable (String) -> Void

    /// Takes the time of each line from `clock`, and hands whole lines, with their line breaks, to `write`.
    init(
        label: String, level: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil,
        clock: @escaping @Sendable () -> Instant = { UTCTime.now },
        write: @escaping @Sendable (String) -> Void = { Console.writeError($0) }
    ) {
        self.label = label
        self.logLevel = level
        self.metadataProvider = metadataProvider
        self.clock = clock
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "time=\(UTCTime.text(clock())) level=\(event.level.rawValue) logger=\(Self.value(label))"
        line += " msg=\(Self.value(event.message.description))"
        if let error = event.error { line += " error=\(Self.value(String(describing: error)))" }
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        var count = 0
        let taken = event.error == nil ? Self.fields : Self.fields.union(["error"])
        Self.append(all, prefix: "", taken: taken, to: &line, count: &count)
        write(line + "\n")
    }

    private static let fields: Set = ["time", "level", "logger", "msg"]

    private static func append(
        _ metadata: Logger.Metadata, prefix: String, taken: Set<String>, to line: inout String, count: inout Int
    ) {
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            guard count < valuesMax else { return }
            var key = prefix + Self.key(name)
            // A field of ours can't be given a second, other value.
            if taken.contains(key) { key = "metadata.\(key)" }
            switch value {
            case .dictionary(let nested): append(nested, prefix: key + ".", taken: taken, to: &line, count: &count)
            case .string, .stringConvertible, .array:
                count += 1
                line += " \(key)=\(Self.value(value.description))"
            @unknown default:
                count += 1
                line += " \(key)=\(Self.value(value.description))"
            }
        }
    }

    private static func key(_ name: String) -> String {
        let safe = name.unicodeScalars.prefix(64).map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": Character(scalar)
            default: "_"
            }
        }
        return safe.isEmpty ? "_" : String(safe)
    }

    private static func value(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.count <= valueScalarsMax
            && text.utf8.allSatisfy { byte in
                (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
                    && byte != UInt8(ascii: "\\")
            }
        return isPlain ? text : Printable.quote(text, scalarsMax: valueScalarsMax)
    }
}

extension Logger {
    /// Makes ``LogfmtHandler`` the handler of every logger of the process, and returns the service's own; called once.
    static func bootstrapVouch(level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap(
            { LogfmtHandler(label: $0, level: level, metadataProvider: $1) },
            metadataProvider: CurrentRequest.metadataProvider)
        return Logger(label: "vouch")
    }
}
