/// A read by key, or a write that finds or makes a key's rows, that concurrent callers share: while one of its statements
/// runs, the keys of later callers gather, and the next statement answers all of them.
///
/// A caller's key is a row of values. Statement parameters are the columns of all those rows, as arrays: `$1` holds the
/// first value of each key, `$2` the second. The first column of a result's row is the place of its key in the arrays,
/// from 1, as `unnest($1, $2) WITH ORDINALITY` gives it; a key may have any number of rows.
///
/// The statement runs by the one plan that is made for any value, with sequential scans avoided: it must find its rows by
/// index, and in a `LATERAL` part with a LIMIT wherever a join over whole tables would be another way.
package struct PostgresLookup: Sendable, Hashable {
    /// The statement; also what tells one kind of lookup from another.
    package let text: String
    /// The types of a key's values: text, int8 or timestamptz.
    package let keyTypes: [PostgresType]
    /// Keys that one statement answers at most.
    package let keysMax: Int

    /// Makes a kind of lookup; `statement` numbers its own parameters.
    package init(_ statement: SQL, keyTypes: [PostgresType], keysMax: Int) {
        self.text = statement.text
        self.keyTypes = keyTypes
        self.keysMax = max(1, keysMax)
    }

    /// Server settings of the connections for lookups, by name.
    ///
    /// PostgreSQL would otherwise plan anew for most numbers of keys, and scan tables that were small when it planned.
    package static let sessionSettings = [
        "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off",
    ]

    /// The statement for some keys, in their order.
    package func statement(for keys: [[PostgresValue]]) -> SQL {
        SQL(
            text: text,
            values: keyTypes.indices.map { column in
                .array(of: keyTypes[column], keys.map { $0[column] })
            })
    }

    /// Why a key can't be looked up, or nil.
    func fault(of key: [PostgresValue]) -> PostgresError? {
        if key.map(\.type) != keyTypes || !keyTypes.allSatisfy(PostgresValue.arrayElementTypes.contains) {
            return PostgresError(.statementInvalid, message: "a key has other types than its lookup")
        }
        return nil
    }
}

extension PostgresValue {
    /// The types that ``array(of:_:)`` takes.
    static let arrayElementTypes: Set<PostgresType> = [.text, .int8, .timestamptz]

    /// One array of values of one of ``arrayElementTypes``; NULLs stay NULL.
    static func array(of type: PostgresType, _ values: [PostgresValue]) -> PostgresValue {
        switch type {
        case .int8: .int8Array(values.map { if case .int8(let value) = $0 { value } else { nil } })
        case .timestamptz: .timestamptzArray(values.map { if case .timestamptz(let value) = $0 { value } else { nil } })
        default: .textArray(values.map { if case .text(let value) = $0 { value } else { nil } })
        }
    }
}
