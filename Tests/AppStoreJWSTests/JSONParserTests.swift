import Testing

@testable import AppStoreJWS

@Suite("Strict JSON")
struct JSONParserTests {
    private func parse(_ text: String) throws(JSONFault) -> JSONObject {
        try JSONParser.object(Array(text.utf8), limits: JSONLimits(depth: 4, values: 16))
    }

    @Test("values are kept as they are written")
    func values() throws {
        let object = try parse(#" {"a": -1.50e+3 ,"b":[true,false,null],"c":{"d":"x"}, "é":""} "#)
        #expect(object["a"] == .number("-1.50e+3"))
        #expect(object["b"] == .array([.bool(true), .bool(false), .null]))
        #expect(object["c"] == .object(JSONObject(members: ["d": .init(value: .string("x"), source: 48..<51)])))
        #expect(object["é"] == .string(""))
        #expect(object["z"] == nil)
    }

    @Test("escapes are read")
    func escapes() throws {
        let object = try parse(#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000"}"#)
        #expect(object["a"] == .string("\"\\/\u{8}\u{c}\n\r\té😀\0"))
    }

    @Test(
        "what isn't JSON is refused",
        arguments: [
            "", " ", "{", "}", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{a:1}",
            "{\"a\":01}", "{\"a\":-}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":+1}", "{\"a\":0x1}",
            "{\"a\":tru}",
            "{\"a\":True}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"",
            "{\"a\":\"\\", "{\"a\":[1,]}", "{\"a\":1}//", "{\"a\":Infinity}", "[]", "1", "null", "{\"a\":1}\u{0}",
        ])
    func syntax(text: String) {
        #expect(throws: JSONFault.syntax) { try parse(text) }
    }

    @Test(
        "half a surrogate pair is no character",
        arguments: [
            #"{"a":"\ud83d"}"#, #"{"a":"\ude00"}"#, #"{"a":"\ud83d\ud83d"}"#, #"{"a":"\ud83dx"}"#, #"{"\ud800":1}"#,
        ])
    func surrogates(text: String) {
        #expect(throws: JSONFault.encoding) { try parse(text) }
    }

    @Test(
        "bytes that aren't UTF-8 are refused",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
        ] as [[UInt8]])
    func encoding(bytes: [UInt8]) {
        let text = Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8)
        #expect(throws: JSONFault.encoding) { try JSONParser.object(text, limits: .payload) }
    }

    @Test(
        "a name twice in one object is refused; in two objects it is not",
        arguments: [
            #"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#, #"{"x":{"a":1,"b":2,"a":3}}"#,
        ])
    func duplicates(text: String) throws {
        #expect(throws: JSONFault.duplicateName) { try parse(text) }
        #expect(throws: Never.self) { try parse(#"{"a":{"a":{"a":1}},"b":{"a":1}}"#) }
    }

    @Test("depth and number of values are bounded")
    func bounds() {
        #expect(throws: Never.self) { try parse(#"{"a":[[[1]]]}"#) }
        #expect(throws: JSONFault.tooDeep) { try parse(#"{"a":[[[[1]]]]}"#) }
        #expect(throws: Never.self) { try parse(#"{"a":[1,2,3,4,5,6,7,8,9,10,11,12,13,14]}"#) }
        #expect(throws: JSONFault.tooMany) { try parse(#"{"a":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}"#) }
    }
}
