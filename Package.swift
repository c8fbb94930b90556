// swift-tools-version: 6.2

import PackageDescription

// Strict everywhere, and a warning is an error: a rule that is optional is a rule that decays.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let swiftASN1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// Every target of the package; `Tests/TidyTests` holds each one's imports to the table in CONTRIBUTING.md.
let everything: [Target] = [
    .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "PurchaseCore", swiftSettings: strict),
    .target(name: "AppStoreJWS", dependencies: ["PurchaseCore", x509, swiftASN1, crypto], swiftSettings: strict),
    .target(
        name: "Postgres", dependencies: ["CLibPQ", nioPosix, nioCore, logging, metrics, serviceLifecycle],
        swiftSettings: strict),
    .target(
        name: "PurchaseService", dependencies: ["PurchaseCore", "AppStoreJWS", logging, metrics, serviceLifecycle],
        swiftSettings: strict),
    .target(
        name: "PurchaseStore",
        dependencies: ["PurchaseCore", "PurchaseService", "Postgres", crypto, logging],
        swiftSettings: strict),
    .target(
        name: "AppStoreClient",
        dependencies: [
            "PurchaseCore", "AppStoreJWS", "PurchaseService", x509, crypto, asyncHTTPClient, nioCore, nioHTTP1, jwtKit,
            logging, metrics,
        ],
        swiftSettings: strict),
    .target(
        name: "UserTokens",
        dependencies: ["PurchaseCore", "PurchaseService", crypto, cryptoExtras, logging, metrics, serviceLifecycle],
        swiftSettings: strict),
    .target(
        name: "PurchaseAPI",
        dependencies: [
            "PurchaseCore", "PurchaseService", hummingbird, hummingbirdCore, httpTypes, nioCore, nioHTTPTypes, logging,
            crypto,
        ],
        swiftSettings: strict),
    .target(
        name: "PurchaseConsole",
        dependencies: [
            "PurchaseCore", "PurchaseService", "PurchaseAPI", hummingbird, httpTypes, nioCore, logging, crypto,
            mustache,
        ],
        // Written into Swift by scripts/embed.
        exclude: ["Templates", "Assets"],
        swiftSettings: strict),
    .executableTarget(
        name: "vouch",
        dependencies: [
            "PurchaseCore", "AppStoreJWS", "AppStoreClient", "Postgres", "PurchaseStore", "PurchaseService",
            "PurchaseAPI", "PurchaseConsole", "UserTokens", "CZlib", argumentParser, asyncHTTPClient, crypto,
            hummingbird, hummingbirdCore, logging, metrics, nioCore, serviceLifecycle, unixSignals, yams,
        ],
        swiftSettings: strict),
    .target(
        name: "AppStoreSimulator",
        dependencies: [
            "CZlib", "PurchaseCore", x509, swiftASN1, crypto, hummingbird, httpTypes, nioCore, nioHTTP1, logging,
            asyncHTTPClient,
        ],
        swiftSettings: strict),
    .executableTarget(
        name: "app-store-simulator",
        dependencies: ["AppStoreSimulator", argumentParser, asyncHTTPClient, hummingbird, logging],
        swiftSettings: strict),
    .executableTarget(
        name: "bench",
        dependencies: [
            "PurchaseCore", "AppStoreJWS", "AppStoreClient", "Postgres", "PurchaseStore", "PurchaseService",
            "PurchaseAPI", "AppStoreSimulator", argumentParser, asyncHTTPClient, crypto, histogram, hummingbird,
            httpTypes, logging, metrics, nioCore, nioHTTP1, nioPosix, serviceLifecycle, x509,
        ],
        swiftSettings: strict),

    .target(
        name: "TestSupport",
        dependencies: [
            "PurchaseCore", "AppStoreJWS", "Postgres", "PurchaseStore", "PurchaseService", "AppStoreSimulator",
            asyncHTTPClient, crypto, cryptoExtras, httpTypes, hummingbird, hummingbirdTesting, logging, nioCore,
            nioPosix, x509, swiftASN1, yams,
        ],
        path: "Tests/TestSupport", swiftSettings: strict),
    .target(name: "StoreKit", path: "Tests/StoreKit", swiftSettings: strict),
    .target(
        name: "IntegrationExamples", dependencies: ["StoreKit"], path: "Tests/IntegrationExamples",
        swiftSettings: strict),
    .testTarget(name: "PurchaseCoreTests", dependencies: ["PurchaseCore"], swiftSettings: strict),
    .testTarget(
        name: "AppStoreJWSTests", dependencies: ["AppStoreJWS", "PurchaseCore", x509, swiftASN1, crypto],
        resources: [.copy("Fixtures")], swiftSettings: strict),
    .testTarget(
        name: "PostgresTests",
        dependencies: ["Postgres", nioCore, nioPosix, logging, metrics, metricsTestKit, serviceLifecycle],
        swiftSettings: strict),
    .testTarget(
        name: "AppStoreSimulatorTests",
        dependencies: [
            "AppStoreSimulator", "app-store-simulator", hummingbird, hummingbirdTesting, httpTypes, crypto, x509,
            swiftASN1,
            asyncHTTPClient, nioCore, nioHTTP1,
        ],
        swiftSettings: strict),
    .testTarget(
        name: "AppStoreClientTests",
        dependencies: [
            "AppStoreClient", "PurchaseCore", "PurchaseService", asyncHTTPClient, hummingbird, httpTypes, jwtKit,
            nioCore, nioHTTP1, nioPosix, logging, metrics, metricsTestKit,
            crypto, x509,
        ],
        swiftSettings: strict),
    .testTarget(
        name: "PurchaseStoreTests",
        dependencies: ["PurchaseStore", "PurchaseService", "PurchaseCore", "Postgres", "TestSupport", crypto, logging],
        swiftSettings: strict),
    .testTarget(
        name: "UserTokensTests",
        dependencies: ["UserTokens", "PurchaseService", "PurchaseCore", "TestSupport", logging, metrics],
        swiftSettings: strict),
    .testTarget(
        name: "PurchaseAPITests",
        dependencies: [
            "vouch", "PurchaseAPI", "PurchaseConsole", "UserTokens", "TestSupport", "PurchaseCore", "PurchaseStore",
            "PurchaseService",
            "AppStoreSimulator",
            "AppStoreJWS", "AppStoreClient", "Postgres", crypto, hummingbird, hummingbirdCore, hummingbirdTesting,
            httpTypes, logging, metrics, asyncHTTPClient, nioCore, nioEmbedded, nioHTTPTypes, serviceLifecycle, yams,
        ],
        swiftSettings: strict),
    .testTarget(
        name: "SystemTests",
        dependencies: [
            "vouch", "app-store-simulator", "bench", "TestSupport", "IntegrationExamples", "StoreKit", "PurchaseCore",
            "PurchaseService", "PurchaseStore", "Postgres", asyncHTTPClient, nioCore, nioHTTP1, logging,
        ],
        swiftSettings: strict),
    .testTarget(name: "TidyTests", dependencies: [yams], swiftSettings: strict),
]

/// `VOUCH_TARGETS=PostgresTests swift test` builds the named targets and what they need, and nothing else:
/// the inner loop of somebody who works on one module.
func selected(from targets: [Target]) -> [Target] {
    guard let names = Context.environment["VOUCH_TARGETS"], !names.isEmpty else { return targets }
    var wanted = Set(names.split(separator: ",").map(String.init))
    var grew = true
    while grew {
        let before = wanted.count
        for target in targets where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies { wanted.insert(name) }
        }
        grew = wanted.count > before
    }
    return targets.filter { wanted.contains($0.name) }
}

let package = Package(
    name: "vouch",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: selected(from: everything),
    swiftLanguageModes: [.v6]
)
