/// A PostgreSQL data type by its object identifier (`pg_type.oid`); the built-in ones never change.
package struct PostgresType: Sendable, Hashable {
    /// `pg_type.oid`.
    package let oid: UInt32

    /// Names a type by its object identifier.
    package init(oid: UInt32) { self.oid = oid }

    package static let bool = PostgresType(oid: 16)
    package static let bytea = PostgresType(oid: 17)
    package static let char = PostgresType(oid: 18)
    package static let name = PostgresType(oid: 19)
    package static let int8 = PostgresType(oid: 20)
    package static let int2 = PostgresType(oid: 21)
    package static let int4 = PostgresType(oid: 23)
    package static let text = PostgresType(oid: 25)
    package static let objectID = PostgresType(oid: 26)
    package static let json = PostgresType(oid: 114)
    package static let float4 = PostgresType(oid: 700)
    package static let float8 = PostgresType(oid: 701)
    package static let unknown = PostgresType(oid: 705)
    package static let boolArray = PostgresType(oid: 1000)
    package static let byteaArray = PostgresType(oid: 1001)
    package static let nameArray = PostgresType(oid: 1003)
    package static let int2Array = PostgresType(oid: 1005)
    package static let int4Array = PostgresType(oid: 1007)
    package static let textArray = PostgresType(oid: 1009)
    package static let bpchar = PostgresType(oid: 1042)
    package static let varcharArray = PostgresType(oid: 1015)
    package static let int8Array = PostgresType(oid: 1016)
    package static let varchar = PostgresType(oid: 1043)
    package static let date = PostgresType(oid: 1082)
    package static let timestamp = PostgresType(oid: 1114)
    package static let timestamptz = PostgresType(oid: 1184)
    package static let timestamptzArray = PostgresType(oid: 1185)
    package static let numeric = PostgresType(oid: 1700)
    package static let uuid = PostgresType(oid: 2950)
    package static let void = PostgresType(oid: 2278)
    package static let jsonb = PostgresType(oid: 3802)
    package static let jsonbArray = PostgresType(oid: 3807)

    /// The first identifier of types made by CREATE TYPE, such as enums (`FirstNormalObjectId`).
    static let firstUserDefinedOID: UInt32 = 16384
}
