import Crypto
import Glibc
import PurchaseCore

/// Where an export goes: standard output, or a file that gets its name when it is complete.
///
/// Used by one task.
final class ExportOutput {
    private let path: String
    /// The file while it grows; `nil` for standard output.
    private let partialPath: String?
    private let descriptor: Int32
    private var hasher = SHA256()
    private var isOpen = true

    /// Opens the place of writing beside the file, readable by its owner alone; `-` is standard output.
    init(path: String) throws(CommandFailure) {
        self.path = path
        guard path != "-" else {
            partialPath = nil
            descriptor = STDOUT_FILENO
            return
        }
        var status = stat()
        // Renaming would replace a device or a directory's entry instead of writing to it.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw CommandFailure("--output \(Printable.quote(path)) is no file: name a file, or - for standard output")
        }
        let partial = "\(path).partial-\(getpid())"
        descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("can't be made", partial) }
        partialPath = partial
    }

    deinit { discard() }

    /// Writes all of it, or throws.
    func write(_ bytes: [UInt8]) throws(CommandFailure) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                offset += written
            } else if errno != EINTR {
                throw Self.failure("can't be written", partialPath ?? "standard output")
            }
        }
        hasher.update(data: bytes)
    }

    /// Makes the file durable and gives it its name.
    func finish() throws(CommandFailure) {
        guard let partialPath, isOpen else { return }
        guard fsync(descriptor) == 0 else { throw Self.failure("can't be written", partialPath) }
        isOpen = false
        guard close(descriptor) == 0, rename(partialPath, path) == 0 else {
            let failure = Self.failure("can't get its name", path)
            unlink(partialPath)
            throw failure
        }
    }

    /// Removes an incomplete file; nothing after ``finish()``.
    func discard() {
        guard let partialPath, isOpen else { return }
        isOpen = false
        close(descriptor)
        unlink(partialPath)
    }

    /// Of what was written so far, 64 hexadecimal digits.
    var sha256: String {
        Hexadecimal.text(hasher.finalize())
    }

    private static func failure(_ what: String, _ path: String) -> CommandFailure {
        let number = errno
        let reason =
            switch number {
            case ENOSPC, EDQUOT: "there is no room"
            case EACCES, EPERM, EROFS: "this user may not"
            case ENOENT: "there is no such directory"
            case EEXIST: "another export of this process id has left it: remove it"
            case EPIPE: "nobody reads it any more"
            default: "errno \(number)"
            }
        return CommandFailure("\(Printable.quote(path)) \(what): \(reason)")
    }
}
