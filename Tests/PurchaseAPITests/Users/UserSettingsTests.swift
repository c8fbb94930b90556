import Foundation
import TestSupport
import Testing

@testable import vouch

@Suite("Settings of the role user")
struct UserSettingsTests {
    private let fixture: SettingsFixture

    init() throws { fixture = try SettingsFixture() }

    private func faults(_ changes: [String: String?]) throws -> [SettingsFault] {
        try fixture.faults(userSettings(keys: "https://id.example.com/keys").merging(changes) { $1 })
    }

    @Test("all three or none; each one that is missing is named")
    func together() throws {
        #expect(try fixture.load().users == nil)
        let settings = try fixture.load(userSettings(keys: "https://id.example.com/keys?policy=1"))
        #expect(settings.users?.issuer == TestUserToken.issuer)
        #expect(settings.users?.audience == TestUserToken.audience)
        #expect(settings.users?.keys == .url("https://id.example.com/keys?policy=1"))
        let names = ["VOUCH_USER_AUDIENCE", "VOUCH_USER_ISSUER", "VOUCH_USER_JWKS"]
        for name in names { #expect(try faults([name: nil]).map(\.name) == [name]) }
        for name in names {
            let others = names.filter { $0 != name }
            let missing = try faults(Dictionary(uniqueKeysWithValues: others.map { ($0, String?.none) }))
            #expect(missing.map(\.name) == others)
            #expect(missing.allSatisfy { $0.problem == "not set, while others of the role user are" })
        }
    }

    @Test("the keys come over https, over http from this machine alone, or from a file")
    func sources() throws {
        for url in [
            "https://id.example.com", "https://id.example.com:8443/a/keys", "http://127.0.0.1:9000/keys",
            "http://[::1]/keys", "http://localhost/keys", "HTTPS://id.example.com/keys",
        ] {
            #expect(try faults(["VOUCH_USER_JWKS": url]).isEmpty, "\(url)")
        }
        for url in [
            "http://id.example.com/keys", "ftp://id.example.com/keys", "https://", "https:///keys",
            "https://user:hunter2@id.example.com/keys", "https://id.example.com/keys#1", "https://id.example.com/a b",
            "https://id.example.com:99999/", "file://id.example.com/keys",
            "https://" + String(repeating: "a", count: 3_000),
        ] {
            let faults = try faults(["VOUCH_USER_JWKS": url])
            #expect(faults.map(\.name) == ["VOUCH_USER_JWKS"], "\(url)")
            #expect(!faults.description.contains("hunter2"))
        }
    }

    @Test("a file of keys is read once at the start, so that a slip shows there")
    func file() throws {
        let good = try fixture.write(
            String(decoding: TestKeySet.json(of: [providerKey]), as: UTF8.self), to: "keys.json")
        #expect(try fixture.load(userSettings(keys: good)).users?.keys == .file(path: good))
        let empty = try fixture.write(#"{"keys":[]}"#, to: "empty.json")
        let other = try fixture.write("-----BEGIN PUBLIC KEY-----", to: "key.pem")
        for (path, problem) in [
            (fixture.path("nothing.json"), "can't be read"), (fixture.directoryPath, "can't be read"),
            ("-", "can't be read"),
            (empty, "has no key that can be used"), (other, "is no JSON Web Key Set"),
        ] {
            let faults = try faults(["VOUCH_USER_JWKS": path])
            #expect(faults.map(\.name) == ["VOUCH_USER_JWKS"])
            #expect(faults.first?.problem.hasSuffix(problem) == true, "\(faults)")
        }
    }

    @Test("names that can't stand in a token are refused, and are not shown")
    func names() throws {
        for name in ["VOUCH_USER_AUDIENCE", "VOUCH_USER_ISSUER"] {
            for value in ["a\u{7}b", "a\nb", String(repeating: "a", count: 1_025)] {
                #expect(try faults([name: value]).map(\.name) == [name])
            }
        }
    }
}
