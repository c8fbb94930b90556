import AppStoreJWS
import Logging
import PurchaseCore
import Testing

@testable import vouch

@Suite("Settings")
struct SettingsTests {
    let fixture: SettingsFixture

    init() throws { fixture = try SettingsFixture() }

    @Test("what is not set has the documented default")
    func defaults() throws {
        let settings = try fixture.load()
        #expect(settings.httpAddress == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(settings.operatorAddress == ListenAddress(host: "127.0.0.1", port: 9090))
        #expect(settings.app.environments == [.production, .sandbox])
        #expect(!settings.app.isUnreleased)
        #expect(settings.entitling.sandboxAccounts == .listed([]))
        #expect("\(settings.appStore.productionURL)" == "https://api.storekit.apple.com")
        #expect("\(settings.appStore.sandboxURL)" == "https://api.storekit-sandbox.apple.com")
        #expect(settings.appStore.requestsPerSecond == 50)
        #expect(settings.appStore.trustedRoots.isBuiltIn)
        #expect(settings.appStore.ocsp == .on(hosts: ["ocsp.apple.com"]))
        #expect(settings.times.answerWithin == .seconds(8))
        #expect(
            settings.times.recheck
                == RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3)))
        #expect(settings.times.freshFor == .days(1))
        #expect(settings.times.renewalLeeway == .hours(1))
        #expect(settings.entitling.accountTokenRule == .matchWhenPresent)
        #expect(settings.entitling.accountTokenNamespace == nil)
        #expect(settings.entitling.catalogue == Catalogue(products: [:], unknownProducts: .lenient))
        #expect(!settings.entitling.catalogueIsFromFile)
        #expect(settings.trustedProxies.isEmpty)
        #expect(settings.logLevel == .info)
    }

    @Test("a start without settings names every required one")
    func requiredNames() throws {
        let faults = try fixture.faults(fixture.environment.mapValues { _ in nil })
        #expect(
            faults.map(\.name) == [
                "VOUCH_APP_APPLE_ID", "VOUCH_APP_BUNDLE_ID", "VOUCH_APP_ISSUER_ID", "VOUCH_APP_KEY_ID",
                "VOUCH_APP_PRIVATE_KEY_FILE", "VOUCH_DATABASE_URL",
            ])
        #expect(faults.allSatisfy { $0.problem == "required, and not set" && !$0.fix.isEmpty })
    }

    @Test("every faulty setting is listed at once, by name, with what to do")
    func everyFaultAtOnce() throws {
        let faults = try fixture.faults([
            "VOUCH_DATABASE_URL": "localhost", "VOUCH_HTTP_ADDRESS": "8080", "VOUCH_OPERATOR_ADDRESS": "host:99999",
            "VOUCH_APP_BUNDLE_ID": "com example", "VOUCH_APP_APPLE_ID": "id123", "VOUCH_APP_ISSUER_ID": "me",
            "VOUCH_APP_KEY_ID": "a/b", "VOUCH_APP_PRIVATE_KEY_FILE": fixture.path("nothing.p8"),
            "VOUCH_APP_ENVIRONMENTS": "Production,Prod", "VOUCH_APP_UNRELEASED": "yes",
            "VOUCH_SANDBOX_ACCOUNTS": "fine,not fine", "VOUCH_APP_STORE_PRODUCTION_URL": "http://example.com",
            "VOUCH_APP_STORE_SANDBOX_URL": "api.example.com", "VOUCH_APP_STORE_REQUESTS_PER_SECOND": "0",
            "VOUCH_TRUSTED_ROOTS_FILE": fixture.path("nothing.pem"), "VOUCH_OCSP": "true",
            "VOUCH_OCSP_HOSTS": "http://ocsp.apple.com", "VOUCH_ANSWER_WITHIN": "8s", "VOUCH_RECHECK_FIRST": "PT0S",
            "VOUCH_RECHECK_MAX": "P1M", "VOUCH_NOT_FOUND_DEADLINE": "3 days", "VOUCH_FRESH_FOR": "P2Y",
            "VOUCH_ACCOUNT_TOKEN_RULE": "always", "VOUCH_ACCOUNT_TOKEN_NAMESPACE": "dns",
            "VOUCH_RENEWAL_LEEWAY": "-PT1H", "VOUCH_CATALOGUE": "loose", "VOUCH_USER_ISSUER": "a\u{7}b",
            "VOUCH_USER_AUDIENCE": "a\u{7}b", "VOUCH_USER_JWKS": "http://id.example.com/keys",
            "VOUCH_TRUSTED_PROXIES": "10.0.0.0/33", "VOUCH_LOG_LEVEL": "loud",
        ])
        #expect(faults.map(\.name) == SettingName.allCases.map(\.rawValue).sorted())
        for fault in faults {
            #expect(!fault.problem.isEmpty && !fault.fix.isEmpty)
            #expect(!fault.description.contains("\n"))
        }
    }

    @Test("the environment wins over the file, and an empty variable does not")
    func environmentWins() throws {
        let file = "VOUCH_FRESH_FOR: P2D\nVOUCH_CATALOGUE: strict\nVOUCH_APP_APPLE_ID: 77\n"
        let settings = try fixture.load(
            ["VOUCH_FRESH_FOR": "P5D", "VOUCH_CATALOGUE": "", "VOUCH_APP_APPLE_ID": nil], file: file)
        #expect(settings.times.freshFor == .days(5))
        #expect(settings.entitling.catalogue.unknownProducts == .strict)
        #expect(settings.app.appAppleID == 77)
    }

    @Test("unknown names are faults in the file and, with our prefix, in the environment; near ones are suggested")
    func unknownNames() throws {
        let faults = try fixture.faults(
            [
                "VOUCH_APP_PRIVATE_KEY": "x", "VOUCH_LOGLEVEL": "info", "VOUCH_TEST_ANYTHING": "1",
                "VOUCH_TARGETS": "x", "VOUCHER": "x", "HOME": "/root",
            ], file: "vouch_fresh_for: P1D\nPATH: x\nVOUCH_SOMETHING_ELSE: 1\n")
        #expect(
            faults.map(\.name) == [
                "PATH", "VOUCH_APP_PRIVATE_KEY", "VOUCH_LOGLEVEL", "VOUCH_SOMETHING_ELSE", "vouch_fresh_for",
            ])
        #expect(faults[1].fix == "did you mean VOUCH_APP_PRIVATE_KEY_FILE?")
        #expect(faults[2].fix == "did you mean VOUCH_LOG_LEVEL?")
        #expect(faults[4].fix == "did you mean VOUCH_FRESH_FOR?")
        #expect(faults[0].problem.contains("the file") && faults[1].problem.contains("the environment"))
    }

    @Test("in the file, lists may be lists, nulls are not set, and words are not turned into booleans")
    func fileForms() throws {
        let file = """
            VOUCH_APP_ENVIRONMENTS: [Sandbox]
            VOUCH_SANDBOX_ACCOUNTS:
              - one
              - two
            VOUCH_FRESH_FOR:
            VOUCH_LOG_LEVEL: ~
            VOUCH_OCSP: off
            VOUCH_OCSP_HOSTS: a.example, b.example:8080
            VOUCH_APP_UNRELEASED: true
            """
        let settings = try fixture.load(file: file)
        #expect(settings.app.environments == [.sandbox])
        #expect(settings.entitling.sandboxAccounts == .listed([AccountID("one"), AccountID("two")]))
        #expect(settings.times.freshFor == .days(1))
        #expect(settings.logLevel == .info)
        #expect(settings.appStore.ocsp == .off)
        #expect(settings.app.isUnreleased)
        #expect(try fixture.faults(file: "VOUCH_FRESH_FOR: [P1D]").map(\.name) == ["VOUCH_FRESH_FOR"])
        #expect(try fixture.faults(file: "VOUCH_FRESH_FOR: {a: b}").map(\.name) == ["VOUCH_FRESH_FOR"])
        #expect(try fixture.load(file: "").times.freshFor == .days(1))
        #expect(try fixture.load(file: "# nothing\n").times.freshFor == .days(1))
    }

    @Test(
        "a file that can't be read as settings is one fault, which shows none of its lines",
        arguments: [
            "VOUCH_DATABASE_URL: \"postgresql://a:hunter2@b/c", "- hunter2", "hunter2",
            "VOUCH_LOG_LEVEL: info\n\thunter2",
            "VOUCH_LOG_LEVEL: info\nVOUCH_LOG_LEVEL: debug # hunter2", "a: *hunter2", "a: b\n---\nb: hunter2",
        ])
    func brokenFiles(text: String) throws {
        let faults = try fixture.faults(file: text)
        #expect(faults.map(\.name) == ["--config"])
        #expect(!faults.description.contains("hunter2"))
        #expect(!(faults.first?.fix.isEmpty ?? true))
    }

    @Test("a missing file is a fault that names it")
    func missingFile() throws {
        let error = #expect(throws: SettingsFaults.self) {
            try Settings.load(environment: fixture.environment, configPath: fixture.path("nowhere.yaml"))
        }
        #expect(error?.faults.first?.problem.contains("nowhere.yaml") == true)
    }

    @Test("each command needs only what it uses")
    func needs() throws {
        let broken = ["VOUCH_APP_APPLE_ID": "x", "VOUCH_FRESH_FOR": "x", "VOUCH_TRUSTED_ROOTS_FILE": "/nowhere"]
        let database = try DatabaseSettings.load(
            environment: broken.merging(["VOUCH_DATABASE_URL": "postgres://a@b/c"]) { $1 }, configPath: nil)
        #expect(database.databaseURL == "postgres://a@b/c")
        #expect(try VerifySettings.load(environment: [:], configPath: nil).trustedRoots.isBuiltIn)
        let roots = try VerifySettings.load(
            environment: ["VOUCH_TRUSTED_ROOTS_FILE": fixture.rootPath, "VOUCH_DATABASE_URL": "x"], configPath: nil)
        #expect(!roots.trustedRoots.isBuiltIn)
    }

    @Test("every setting, its default too, is the same in the code, the README, the example and docs/configuration.md")
    func documents() throws {
        let readme = try SettingsFixture.repositoryFile("README.md")
        let table = readme.matches(of: /\| `(VOUCH_[A-Z_]+)` \| ([^|]*) \|/).map { (String($0.1), String($0.2)) }
        #expect(table.map(\.0) == SettingName.allCases.map(\.rawValue))
        let example = try SettingsFixture.repositoryFile("deploy/vouch.example.yaml")
        let named = Set(example.matches(of: /(?m)^(?:# )?(VOUCH_[A-Z_]+):/).map { String($0.1) })
        #expect(named == Set(SettingName.allCases.map(\.rawValue)))
        let manual = try SettingsFixture.repositoryFile("docs/configuration.md")
        let sections = manual.matches(of: /(?m)^### `(VOUCH_[A-Z_]+)`$/).map { String($0.1) }
        #expect(Set(sections) == Set(SettingName.allCases.map(\.rawValue)) && sections.count == Set(sections).count)

        let words: Set = ["required", "none", "built in", "Apple's host", "empty"]
        let stated = table.filter { !words.contains($0.1) }
        #expect(stated.count == 16)
        let spelledOut = try fixture.load(Dictionary(uniqueKeysWithValues: stated.map { ($0.0, .some($0.1)) }))
        #expect(SettingsSummary(spelledOut) == SettingsSummary(try fixture.load()))
    }

    @Test("the example file is accepted, as it is and with every commented setting turned on")
    func exampleFile() throws {
        let example = try SettingsFixture.repositoryFile("deploy/vouch.example.yaml")
        let key = ["VOUCH_APP_PRIVATE_KEY_FILE": fixture.path("key.p8"), "VOUCH_APP_BUNDLE_ID": nil]
        let settings = try fixture.load(key, file: example)
        #expect(settings.entitling.catalogue.products.count == 4)
        let turnedOn = example.replacing(/(?m)^# (VOUCH_(?!USER|TRUSTED_ROOTS)[A-Z_]+:)/) { String($0.1) }
        #expect(try fixture.load(key, file: turnedOn).trustedProxies == [IPNetwork("10.0.0.10")])
    }
}

/// What can be compared of two settings.
struct SettingsSummary: Equatable {
    let addresses: [ListenAddress]
    let proxies: [IPNetwork]
    let level: Logger.Level
    let environments: Set<StoreEnvironment>
    let isUnreleased: Bool
    let urls: [String]
    let rate: Int
    let ocsp: AppStoreSettings.OCSP
    let entitling: EntitlingSettings
    let times: TimeSettings

    init(_ settings: Settings) {
        addresses = [settings.httpAddress, settings.operatorAddress]
        proxies = settings.trustedProxies
        level = settings.logLevel
        environments = settings.app.environments
        isUnreleased = settings.app.isUnreleased
        urls = ["\(settings.appStore.productionURL)", "\(settings.appStore.sandboxURL)"]
        rate = settings.appStore.requestsPerSecond
        ocsp = settings.appStore.ocsp
        entitling = settings.entitling
        times = settings.times
    }
}
