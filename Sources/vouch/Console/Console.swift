import Glibc

/// Standard output and standard error, written at once: what a command prints is not lost when the process ends.
enum Console {
    /// Writes a line to standard output.
    static func output(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    /// Writes a line to standard error.
    static func error(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// Writes text to standard error in one call where the system allows it, so that lines of threads don't mix.
    static func writeError(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Writes as much as the descriptor takes; there is nowhere left to report that nobody reads any more.
    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                offset += written
            } else if errno == EAGAIN {
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                // A reader that has stopped reading must not stop the service: a second, then the rest is dropped.
                guard poll(&request, 1, 1_000) > 0 else { return }
            } else if errno != EINTR {
                return
            }
        }
    }
}
