import AppStoreJWS
import PurchaseCore
import Testing

@testable import vouch

@Suite("Single settings")
struct SettingsValuesTests {
    let fixture: SettingsFixture

    init() throws { fixture = try SettingsFixture() }

    // MARK: Secrets

    @Test(
        "a faulty database URL is refused without a word of it",
        arguments: [
            "hunter2", "mysql://a:hunter2@b/c", "postgresql://a:hunter2%@b/c", "postgresql://a:hunter2 x@b/c",
            "postgresql://a:hun@ter2@b/c", "postgresql://a:hun/ter2@b/c", "postgresql://a@b:hunter2/c",
            "postgresql://a:hunter2%00@b/c", "postgresql://a:hunter2%zz@b/c", "host=b password=hunter2",
            "postgresql://",
        ])
    func databaseURL(text: String) throws {
        let faults = try fixture.faults(["VOUCH_DATABASE_URL": text])
        #expect(faults.map(\.name) == ["VOUCH_DATABASE_URL"])
        for part in ["hunter2", "ter2", "hun"] { #expect(!faults.description.contains(part)) }
    }

    @Test(
        "what libpq takes is taken",
        arguments: [
            "postgresql://vouch@127.0.0.1/vouch", "postgres://u:p%40ss%2F@h:5432/d?sslmode=verify-full",
            "postgresql://u@h1:5432,h2,[::1]:5434/d?target_session_attrs=read-write",
            "postgresql:///d?host=/run/postgresql",
            "postgresql://u:a:b@h/d",
        ])
    func soundDatabaseURL(text: String) throws {
        #expect(try fixture.load(["VOUCH_DATABASE_URL": text]).databaseURL == text)
    }

    @Test("a private key where its path belongs is refused without showing it")
    func keyInPlaceOfPath() throws {
        let key = try SettingsFixture.contents(of: fixture.path("key.p8"))
        for text in [key, key.replacing("\n", with: ""), key.replacing("\n", with: "\\n")] {
            let faults = try fixture.faults(["VOUCH_APP_PRIVATE_KEY_FILE": text])
            #expect(faults.map(\.name) == ["VOUCH_APP_PRIVATE_KEY_FILE"])
            #expect(!faults.description.contains(key.split(separator: "\n")[1].prefix(20)))
            #expect(!faults.description.contains("BEGIN"))
            #expect(faults.first?.problem == "holds a key where the path of one belongs")
        }
    }

    @Test("a file that holds no usable key says which mistake it is")
    func faultyKeyFiles() throws {
        let root = try SettingsFixture.contents(of: fixture.rootPath)
        for text in ["", "not a key", root, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            let path = try fixture.write(text, to: "faulty.p8")
            let faults = try fixture.faults(["VOUCH_APP_PRIVATE_KEY_FILE": path])
            #expect(faults.map(\.name) == ["VOUCH_APP_PRIVATE_KEY_FILE"])
        }
        #expect(
            try fixture.faults(["VOUCH_APP_PRIVATE_KEY_FILE": fixture.directoryPath]).first?.problem
                == "it is a directory")
    }

    @Test("settings print and reflect as a placeholder")
    func redaction() throws {
        let settings = try fixture.load()
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped] { #expect(!text.contains("hunter2")) }
    }

    // MARK: Durations

    @Test(
        "durations are ISO 8601 of fixed length",
        arguments: [
            ("PT90M", Span.minutes(90)), ("P1W", .days(7)), ("P1DT1H", .hours(25)), ("PT0S", .zero),
            (" PT5S ", .seconds(5)),
        ])
    func durations(text: String, span: Span) throws {
        #expect(try fixture.load(["VOUCH_FRESH_FOR": text]).times.freshFor == span)
    }

    @Test(
        "other durations are refused",
        arguments: ["P1M", "P1Y", "1h", "PT1.5S", "PT", "P", "pt1h", "-PT1S", "P999999W"])
    func faultyDurations(text: String) throws {
        #expect(try fixture.faults(["VOUCH_FRESH_FOR": text]).map(\.name) == ["VOUCH_FRESH_FOR"])
    }

    @Test("durations are shown in the form in which they are read")
    func durationText() {
        for span in [Span.zero, .seconds(8), .minutes(15), .days(3), .seconds(90_061), .hours(25), .seconds(3_605)] {
            #expect(CalendarDuration(iso8601: span.iso8601)?.fixedSpan == span)
        }
        #expect(Span.days(3).iso8601 == "P3D" && Span.minutes(15).iso8601 == "PT15M" && Span.zero.iso8601 == "PT0S")
    }

    @Test("the longest pause between rechecks is not shorter than the first")
    func recheckOrder() throws {
        let faults = try fixture.faults(["VOUCH_RECHECK_FIRST": "PT10M", "VOUCH_RECHECK_MAX": "PT5M"])
        #expect(faults.map(\.name) == ["VOUCH_RECHECK_MAX"])
        #expect(try fixture.faults(["VOUCH_RECHECK_FIRST": "PT5M", "VOUCH_RECHECK_MAX": "PT5M"]).isEmpty)
    }

    // MARK: The App Store

    @Test(
        "plain http is for loopback hosts alone",
        arguments: [
            ("http://127.0.0.1:9100/production", true), ("http://localhost:9100", true), ("http://[::1]:9100", true),
            ("https://store.example.com", true), ("http://store.example.com", false), ("http://10.0.0.1", false),
            ("http://localhost.example.com", false), ("ftp://127.0.0.1", false),
            ("https://user:hunter2@example.com", false),
            ("https://example.com?x=1", false), ("https://api.storekit.apple.com.", false),
            ("https://api.storekit-sandbox.apple.com", false),
        ])
    func urls(text: String, isAccepted: Bool) throws {
        let faults = try fixture.faults(["VOUCH_APP_STORE_PRODUCTION_URL": text])
        #expect(faults.map(\.name) == (isAccepted ? [] : ["VOUCH_APP_STORE_PRODUCTION_URL"]))
        #expect(!faults.description.contains("hunter2"))
    }

    @Test("a replaced root is refused while either App Store URL is Apple's")
    func replacedRoot() throws {
        let simulator: [String: String?] = [
            "VOUCH_TRUSTED_ROOTS_FILE": fixture.rootPath,
            "VOUCH_APP_STORE_PRODUCTION_URL": "http://127.0.0.1:9100/production",
            "VOUCH_APP_STORE_SANDBOX_URL": "http://127.0.0.1:9100/sandbox",
        ]
        #expect(try !fixture.load(simulator).appStore.trustedRoots.isBuiltIn)
        for name in ["VOUCH_APP_STORE_PRODUCTION_URL", "VOUCH_APP_STORE_SANDBOX_URL"] {
            var changes = simulator
            changes[name] = .some(nil)
            let faults = try fixture.faults(changes)
            #expect(faults.map(\.name) == ["VOUCH_TRUSTED_ROOTS_FILE"])
            #expect(faults.first?.problem.contains(name) == true)
        }
        // Another spelling of Apple's own name is no way around it.
        for host in ["API.StoreKit.Apple.COM", "api.storekit.apple.com:443", "api.storekit.itunes.apple.com"] {
            let changes = simulator.merging(["VOUCH_APP_STORE_PRODUCTION_URL": "https://\(host)"]) { $1 }
            #expect(try fixture.faults(changes).map(\.name) == ["VOUCH_TRUSTED_ROOTS_FILE"])
        }
    }

    @Test("a file of Apple's own root replaces nothing")
    func appleRootFile() throws {
        let settings = try fixture.load(["VOUCH_TRUSTED_ROOTS_FILE": SettingsFixture.appleRootPath])
        #expect(settings.appStore.trustedRoots.isBuiltIn)
    }

    @Test("OCSP can be switched off, and on needs a host")
    func ocsp() throws {
        #expect(try fixture.load(["VOUCH_OCSP": "off", "VOUCH_OCSP_HOSTS": ""]).appStore.ocsp == .off)
        #expect(try fixture.faults(["VOUCH_OCSP_HOSTS": ""]).map(\.name) == ["VOUCH_OCSP_HOSTS"])
        #expect(
            try fixture.load(["VOUCH_OCSP_HOSTS": "OCSP.Apple.com,127.0.0.1:9100"]).appStore.ocsp
                == .on(hosts: ["ocsp.apple.com", "127.0.0.1:9100"]))
    }

    // MARK: The app and its accounts

    @Test("Xcode and LocalTesting are never accepted as environments", arguments: ["Xcode", "LocalTesting", "xcode"])
    func xcode(text: String) throws {
        let faults = try fixture.faults(["VOUCH_APP_ENVIRONMENTS": "Production,\(text)"])
        #expect(faults.map(\.name) == ["VOUCH_APP_ENVIRONMENTS"])
        #expect(faults.first?.problem.contains("never accepted") == true)
    }

    @Test("no environment at all, and an unreleased app without the Sandbox, are faults")
    func environments() throws {
        #expect(try fixture.faults(["VOUCH_APP_ENVIRONMENTS": ""]).map(\.name) == ["VOUCH_APP_ENVIRONMENTS"])
        #expect(
            try fixture.faults(["VOUCH_APP_ENVIRONMENTS": "Production,,Sandbox"]).map(\.name) == [
                "VOUCH_APP_ENVIRONMENTS"
            ])
        #expect(
            try fixture.faults(["VOUCH_APP_ENVIRONMENTS": "Production", "VOUCH_APP_UNRELEASED": "true"]).map(\.name)
                == ["VOUCH_APP_UNRELEASED"])
    }

    @Test("Sandbox purchases entitle nobody by default, and everybody while the app is unreleased")
    func sandboxAccounts() throws {
        func accounts(_ changes: [String: String?]) throws -> SandboxAccounts {
            try fixture.load(changes).entitling.sandboxAccounts
        }
        #expect(try accounts([:]) == .listed([]))
        #expect(try accounts(["VOUCH_APP_UNRELEASED": "true"]) == .all)
        #expect(try accounts(["VOUCH_APP_UNRELEASED": "true", "VOUCH_SANDBOX_ACCOUNTS": ""]) == .listed([]))
        #expect(try accounts(["VOUCH_SANDBOX_ACCOUNTS": "all"]) == .all)
        #expect(
            try accounts(["VOUCH_SANDBOX_ACCOUNTS": "a, 6BA7B810-9DAD-11D1-80B4-00C04FD430C8"])
                == .listed([AccountID("a"), AccountID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")]))
        #expect(try fixture.faults(["VOUCH_SANDBOX_ACCOUNTS": "all,a"]).map(\.name) == ["VOUCH_SANDBOX_ACCOUNTS"])
        #expect(try fixture.faults(["VOUCH_SANDBOX_ACCOUNTS": ".."]).map(\.name) == ["VOUCH_SANDBOX_ACCOUNTS"])
    }

    // MARK: The network

    @Test("addresses to listen at are HOST:PORT")
    func listenAddresses() {
        #expect(ListenAddress("0.0.0.0:80")?.description == "0.0.0.0:80")
        #expect(ListenAddress("[::1]:8080") == ListenAddress(host: "::1", port: 8080))
        #expect(ListenAddress("[::1]:8080")?.description == "[::1]:8080")
        #expect(ListenAddress("vouch.internal:0")?.port == 0)
        for text in [
            "", ":", "8080", ":8080", "host", "host:", "host:65536", "host:-1", "host:+1", "::1:80", "[host]:80",
            "a b:80",
            "http://host:80", "host:80/", "[::1:80",
        ] {
            #expect(ListenAddress(text) == nil, "\(text)")
        }
    }

    @Test("the two servers don't share an address, unless the system chooses the ports")
    func sameAddress() throws {
        #expect(
            try fixture.faults(["VOUCH_OPERATOR_ADDRESS": "127.0.0.1:8080"]).map(\.name) == ["VOUCH_OPERATOR_ADDRESS"])
        #expect(
            try fixture.faults(["VOUCH_OPERATOR_ADDRESS": "127.0.0.1:0", "VOUCH_HTTP_ADDRESS": "127.0.0.1:0"]).isEmpty)
    }

    @Test("networks contain the addresses that begin like them, and slips are refused")
    func networks() throws {
        let network = try #require(IPNetwork("10.1.0.0/16"))
        #expect(network.contains(try #require(IPAddress("10.1.255.9"))))
        #expect(!network.contains(try #require(IPAddress("10.2.0.1"))))
        #expect(!network.contains(try #require(IPAddress("::ffff:10.1.0.1"))))
        #expect(try #require(IPNetwork("2001:db8::/33")).contains(try #require(IPAddress("2001:db8:7fff::1"))))
        #expect(try !#require(IPNetwork("2001:db8::/33")).contains(try #require(IPAddress("2001:db8:8000::1"))))
        #expect(try #require(IPNetwork("0.0.0.0/0")).contains(try #require(IPAddress("203.0.113.9"))))
        #expect(try #require(IPNetwork("192.0.2.7")).contains(try #require(IPAddress("192.0.2.7"))))
        for text in [
            "", "10.0.0.1/16", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "host", "10.0.0",
            "fe80::1%eth0",
        ] {
            #expect(IPNetwork(text) == nil, "\(text)")
        }
    }

    @Test("a value shown in a fault stays on its line")
    func shownValues() throws {
        let faults = try fixture.faults(["VOUCH_CATALOGUE": "a\nVOUCH_FAKE: all is well\u{1B}[2J\u{202E}"])
        #expect(faults.count == 1)
        #expect(faults[0].description.unicodeScalars.allSatisfy { Printable.isPrintable($0) })
        let long = try fixture.faults(["VOUCH_CATALOGUE": String(repeating: "x", count: 100_000)])
        #expect(long[0].description.count < 500)
    }
}
