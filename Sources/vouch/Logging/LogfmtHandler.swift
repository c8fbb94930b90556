import Logging
import PurchaseCore
import PurchaseService

/// Writes each log message as one line of `key=value` pairs.
///
/// Whatever a value holds stays inside its value: line breaks, control characters and characters that turn the order of
/// text around are escaped, so that nobody who gets text into a message can forge a line or a field.
struct LogfmtHandler: LogHandler {
    /// The most scalars of one value.
    static let valueScalarsMax = LogfmtLine.valueScalarsMax
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
        var line = LogfmtLine()
        line.begin(at: clock(), level: event.level, label: label, message: event.message.description)
        if let error = event.error { line.append("error", String(describing: error)) }
        let provided = metadataProvider?.get() ?? [:]
        let own = event.metadata ?? [:]
        // The call's word counts before the provider's, and that before the logger's own.
        var all = Array(own)
        for (name, value) in provided where own[name] == nil { all.append((name, value)) }
        for (name, value) in metadata where own[name] == nil && provided[name] == nil { all.append((name, value)) }
        var room = Self.valuesMax
        Self.append(all, prefix: "", hasError: event.error != nil, to: &line, room: &room)
        write(line.ended)
    }

    private static func append(
        _ metadata: [(key: String, value: Logger.MetadataValue)], prefix: String, hasError: Bool,
        to line: inout LogfmtLine, room: inout Int
    ) {
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            guard room > 0 else { return }
            var key = LogfmtLine.key(name)
            if prefix.isEmpty {
                // A field of ours can't be given a second, other value.
                if LogfmtLine.isOwn(key) || hasError && key == "error" { key = "metadata.\(key)" }
            } else {
                key = prefix + key
            }
            switch value {
            case .dictionary(let nested):
                append(Array(nested), prefix: key + ".", hasError: hasError, to: &line, room: &room)
            case .string(let text):
                room -= 1
                line.append(key, text)
            case .stringConvertible, .array:
                room -= 1
                line.append(key, value.description)
            @unknown default:
                room -= 1
                line.append(key, value.description)
            }
        }
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
