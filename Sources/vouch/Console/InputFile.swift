import Glibc

/// Reads a whole file that an operator named, up to a bound.
enum InputFile {
    /// Why a file could not be read; a sentence part without the path.
    enum Fault: Error, Equatable, CustomStringConvertible {
        case notFound
        case notReadable
        case isDirectory
        case tooLarge(bytesMax: Int)
        /// Another error of the system, by its number.
        case system(Int32)

        var description: String {
            switch self {
            case .notFound: "there is no such file"
            case .notReadable: "the file can't be read by this user"
            case .isDirectory: "it is a directory"
            case .tooLarge(let bytesMax): "the file has more than \(bytesMax) bytes"
            case .system(let number): "the file can't be read (errno \(number))"
            }
        }

        init(errno number: Int32) {
            switch number {
            case ENOENT, ENOTDIR: self = .notFound
            case EACCES, EPERM: self = .notReadable
            case EISDIR: self = .isDirectory
            default: self = .system(number)
            }
        }
    }

    /// The bytes of a file, or of standard input for `-`.
    static func read(_ path: String, bytesMax: Int) throws(Fault) -> [UInt8] {
        if path == "-" { return try drain(STDIN_FILENO, bytesMax: bytesMax) }
        // A path with a NUL would name another file than it shows.
        guard !path.utf8.contains(0) else { throw .notFound }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Fault(errno: errno) }
        defer { close(descriptor) }
        return try drain(descriptor, bytesMax: bytesMax)
    }

    private static func drain(_ descriptor: Int32, bytesMax: Int) throws(Fault) -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return content }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw Fault(errno: errno)
            }
            content += buffer[..<count]
            guard content.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
        }
    }
}
