/// A PostgreSQL data type by its object identifier (`pg_type.oid`); the built-in ones never change.
package struct PostgresType: Sendable, Hashable {
    /// `pg_type.oid`.
    package let oid: UInt32

    /// Names a type by its object identifier.
    package init(oid: UInt32) { self.oid = oid }

    /// `boolean`: one byte, 0 or 1.
    package static let bool = PostgresType(oid: 16)
    /// `bytea`: raw bytes.
    package static let bytea = PostgresType(oid: 17)
    /// `"char"`: one byte, as in the system catalogues.
    package static let char = PostgresType(oid: 18)
    /// `name`: an identifier of at most 63 bytes.
    package static let name = PostgresType(oid: 19)
    /// `bigint`: 8 bytes.
    package static let int8 = PostgresType(oid: 20)
    /// `smallint`: 2 bytes.
    package static let int2 = PostgresType(oid: 21)
    /// `integer`: 4 bytes.
    package static let int4 = PostgresType(oid: 23)
    /// `text`: UTF-8.
    package static let text = PostgresType(oid: 25)
    /// `oid`: 4 bytes, unsigned.
    package static let objectID = PostgresType(oid: 26)
    /// `json`: its text.
    package static let json = PostgresType(oid: 114)
    /// `real`: 4 bytes.
    package static let float4 = PostgresType(oid: 700)
    /// `double precision`: 8 bytes.
    package static let float8 = PostgresType(oid: 701)
    /// A literal whose type nothing has settled.
    package static let unknown = PostgresType(oid: 705)
    /// `boolean[]`.
    package static let boolArray = PostgresType(oid: 1000)
    /// `bytea[]`.
    package static let byteaArray = PostgresType(oid: 1001)
    /// `name[]`.
    package static let nameArray = PostgresType(oid: 1003)
    /// `smallint[]`.
    package static let int2Array = PostgresType(oid: 1005)
    /// `integer[]`.
    package static let int4Array = PostgresType(oid: 1007)
    /// `text[]`.
    package static let textArray = PostgresType(oid: 1009)
    /// `character(n)`, padded with blanks.
    package static let bpchar = PostgresType(oid: 1042)
    /// `varchar[]`.
    package static let varcharArray = PostgresType(oid: 1015)
    /// `bigint[]`.
    package static let int8Array = PostgresType(oid: 1016)
    /// `varchar`: UTF-8.
    package static let varchar = PostgresType(oid: 1043)
    /// `date`: days since 2000-01-01.
    package static let date = PostgresType(oid: 1082)
    /// `timestamp` without zone: microseconds since 2000-01-01.
    package static let timestamp = PostgresType(oid: 1114)
    /// `timestamptz`: microseconds since 2000-01-01T00:00:00Z.
    package static let timestamptz = PostgresType(oid: 1184)
    /// `timestamptz[]`.
    package static let timestamptzArray = PostgresType(oid: 1185)
    /// `numeric`: exact decimals; what `sum(bigint)` returns.
    package static let numeric = PostgresType(oid: 1700)
    /// `uuid`: 16 bytes.
    package static let uuid = PostgresType(oid: 2950)
    /// What a function without a result returns.
    package static let void = PostgresType(oid: 2278)
    /// `jsonb`: its text behind a version byte.
    package static let jsonb = PostgresType(oid: 3802)
    /// `jsonb[]`.
    package static let jsonbArray = PostgresType(oid: 3807)

    /// The first identifier of types made by CREATE TYPE, such as enums (`FirstNormalObjectId`).
    static let firstUserDefinedOID: UInt32 = 16384
}
