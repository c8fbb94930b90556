import CLibPQ

/// The one owner of a libpq connection; finishing it is the end of its lifetime.
///
/// `OpaquePointer` is not Sendable, so the compiler keeps it on the thread that made it, as libpq demands.
struct PGConn: ~Copyable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQfinish(pointer) }

    var isOK: Bool { PQstatus(pointer) == CONNECTION_OK }

    /// libpq's words about the last failure; may name host, user and database, never the password.
    var errorMessage: String { string(PQerrorMessage(pointer)) }
}

/// The one owner of a libpq result.
struct PGResult: ~Copyable {
    private let pointer: OpaquePointer

    init?(owning pointer: OpaquePointer?) {
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    deinit { PQclear(pointer) }

    var status: ExecStatusType { PQresultStatus(pointer) }

    /// The command tag, such as `INSERT 0 1` or `BEGIN`.
    var commandTag: String { string(PQcmdStatus(pointer)) }

    /// Whether the server ended the session with this error.
    var endsSession: Bool { field("V").map { $0 == "FATAL" || $0 == "PANIC" } ?? false }

    /// An error field by its letter: the `PG_DIAG_…` character macros are not imported into Swift.
    private func field(_ letter: Unicode.Scalar) -> String? {
        PQresultErrorField(pointer, Int32(letter.value)).map { String(cString: $0) }
    }

    /// The server's error, typed; without a SQLSTATE it is libpq's own, and then the connection is gone.
    func error() -> PostgresError {
        let sqlState = field("C")
        let code: PostgresError.Code =
            switch sqlState {
            case nil: .connectionLost
            // Our own cancels are told apart by whoever sent them; what remains is the server's time-out.
            case "57014"?: .deadlineExceeded
            default: .server
            }
        return PostgresError(
            code, sqlState: sqlState, message: field("M") ?? string(PQresultErrorMessage(pointer)),
            detail: field("D"), constraint: field("n"), table: field("t"))
    }

    func columns() -> ResultColumns {
        let indices = 0..<PQnfields(pointer)
        return ResultColumns(
            names: indices.map { string(PQfname(pointer, $0)) },
            types: indices.map { PostgresType(oid: PQftype(pointer, $0)) })
    }

    var rowCount: Int { Int(PQntuples(pointer)) }

    /// Copies every cell behind what the builder has already.
    func append(to builder: inout ResultBuilder) {
        let columnCount = PQnfields(pointer)
        for row in 0..<PQntuples(pointer) {
            for column in 0..<columnCount {
                guard PQgetisnull(pointer, row, column) == 0, let value = PQgetvalue(pointer, row, column) else {
                    builder.appendNull()
                    continue
                }
                let length = Int(PQgetlength(pointer, row, column))
                builder.append(UnsafeRawBufferPointer(start: value, count: length))
            }
        }
    }
}

/// Gathers the cells of one or (in single-row mode) many libpq results into one storage.
struct ResultBuilder {
    private var bytes: [UInt8] = []
    private var cells: [ResultStorage.Cell] = []

    /// Takes room for as much as another one gathered: portions of a stream are alike.
    init(roomFor other: borrowing ResultBuilder) {
        bytes.reserveCapacity(other.bytes.count)
        cells.reserveCapacity(other.cells.count)
    }

    init() {}

    var byteCount: Int { bytes.count + cells.count * MemoryLayout<ResultStorage.Cell>.stride }

    mutating func appendNull() { cells.append(ResultStorage.Cell(offset: 0, length: -1)) }

    mutating func append(_ value: UnsafeRawBufferPointer) {
        cells.append(ResultStorage.Cell(offset: bytes.count, length: value.count))
        bytes.append(contentsOf: value)
    }

    /// The rows gathered; a result without columns has as many empty rows as libpq counted.
    consuming func rows(columns: ResultColumns, rowCount: Int) -> [PostgresRow] {
        let storage = ResultStorage(columns: columns, bytes: bytes, cells: cells)
        return (0..<rowCount).map { PostgresRow(storage: storage, index: $0) }
    }
}

/// A C string of libpq's as a String; NULL is empty.
func string(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
