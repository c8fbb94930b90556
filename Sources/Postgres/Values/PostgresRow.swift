/// The columns of a result: names, types, and the way from a name to its index.
final class ResultColumns: Sendable {
    let names: [String]
    let types: [PostgresType]
    private let indexByName: [String: Int]

    init(names: [String], types: [PostgresType]) {
        self.names = names
        self.types = types
        indexByName = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    func index(of name: String) -> Int? { indexByName[name] }
}

/// All cells of one result in one allocation; its rows are views of it.
final class ResultStorage: Sendable {
    struct Cell: Sendable {
        /// Where the value starts in `bytes`.
        let offset: Int
        /// The value's length in bytes; negative is NULL.
        let length: Int
    }

    let columns: ResultColumns
    let bytes: [UInt8]
    let cells: [Cell]

    init(columns: ResultColumns, bytes: [UInt8], cells: [Cell]) {
        self.columns = columns
        self.bytes = bytes
        self.cells = cells
    }
}

/// One row of a result, in binary format, decoded cell by cell on demand.
///
/// Rows of one result share its memory: keep decoded values, not rows.
package struct PostgresRow: Sendable {
    let storage: ResultStorage
    let index: Int

    init(storage: ResultStorage, index: Int) {
        self.storage = storage
        self.index = index
    }

    /// A row that no server sent, for measurements: each column by its name, in binary format as from a server.
    package init(madeUp columns: [(name: String, value: PostgresValue)]) {
        var bytes: [UInt8] = []
        var cells: [ResultStorage.Cell] = []
        for column in columns {
            let offset = bytes.count
            let isThere = column.value.encode(into: &bytes)
            cells.append(ResultStorage.Cell(offset: offset, length: isThere ? bytes.count - offset : -1))
        }
        let described = ResultColumns(names: columns.map(\.name), types: columns.map(\.value.type))
        self.init(storage: ResultStorage(columns: described, bytes: bytes, cells: cells), index: 0)
    }

    /// The names of the columns, in order.
    package var columnNames: [String] { storage.columns.names }

    /// Decodes the column of that name; throws `decodingFailed` if it is absent, NULL or of another type.
    package func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let position = storage.columns.index(of: column) else {
            throw PostgresError(.decodingFailed, message: "no column \(column)")
        }
        return try decode(position, as: type)
    }

    /// Decodes the column at that position, from 0; throws `decodingFailed` if it is absent, NULL or of another type.
    package func decode<Value: PostgresDecodable>(
        _ position: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try value(at: position)
    }

    fileprivate func value<Value: PostgresDecodable>(at position: Int) throws(PostgresError) -> Value {
        let cell = try cell(at: position)
        do {
            return try Value.decode(cell)
        } catch {
            var named = error
            named.message = "column \(storage.columns.names[position]) as \(Value.self): \(error.message)"
            throw named
        }
    }

    /// Whether the column of that name is NULL; throws `decodingFailed` if it is absent.
    package func isNull(_ column: String) throws(PostgresError) -> Bool {
        guard let position = storage.columns.index(of: column) else {
            throw PostgresError(.decodingFailed, message: "no column \(column)")
        }
        return try cell(at: position).bytes == nil
    }

    /// The size of its values on the wire, in bytes.
    package var byteCount: Int {
        let start = index * storage.columns.names.count
        return storage.cells[start..<start + storage.columns.names.count].reduce(0) { $0 + max(0, $1.length) }
    }

    private func cell(at position: Int) throws(PostgresError) -> PostgresCell {
        guard storage.columns.types.indices.contains(position) else {
            throw PostgresError(.decodingFailed, message: "no column at \(position)")
        }
        let cell = storage.cells[index * storage.columns.names.count + position]
        let bytes = cell.length < 0 ? nil : storage.bytes[cell.offset..<cell.offset + cell.length]
        return PostgresCell(type: storage.columns.types[position], bytes: bytes)
    }
}

/// The plain types once more, each by a function of its own: in here the compiler makes code for the very type, where
/// another module's call of the generic one looks up metadata for each cell of each row.
extension PostgresRow {
    /// Reads text; throws as the generic one does, like all of these.
    package func decode(_ position: Int) throws(PostgresError) -> String { try value(at: position) }
    /// Reads text or NULL.
    package func decode(_ position: Int) throws(PostgresError) -> String? { try value(at: position) }
    /// Reads a whole number.
    package func decode(_ position: Int) throws(PostgresError) -> Int64 { try value(at: position) }
    /// Reads a whole number or NULL.
    package func decode(_ position: Int) throws(PostgresError) -> Int64? { try value(at: position) }
    /// Reads an instant.
    package func decode(_ position: Int) throws(PostgresError) -> PostgresTimestamp { try value(at: position) }
    /// Reads an instant or NULL.
    package func decode(_ position: Int) throws(PostgresError) -> PostgresTimestamp? { try value(at: position) }
    /// Reads a truth value or NULL.
    package func decode(_ position: Int) throws(PostgresError) -> Bool? { try value(at: position) }
}
