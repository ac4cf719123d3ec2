// swift-tools-version:6.2
import PackageDescription

// The arrows between these targets are the architecture; `HouseTests` reads this file against their list.
// C libraries come from Debian by pkg-config; QuickJS-ng is built by `make deps`.

// libFuzzer's archive, where `make fuzz` builds: all our code is then compiled to tell it what an input reached.
let fuzzer = Context.environment["VEROFORGE_FUZZ"]

let house: [SwiftSetting] =
    (fuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"])]) + [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: house)
}

func program(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
    linkerSettings: [LinkerSetting] = [], plugins: [Target.PluginUsage] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: house,
        linkerSettings: linkerSettings, plugins: plugins)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)Tests",
        exclude: exclude, swiftSettings: house)
}

func system(_ name: String, pkgConfig: String, apt: String? = nil) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: apt.map { [.apt([$0])] })
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdHTTP2 = Target.Dependency.product(name: "HummingbirdHTTP2", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

// Swift's own libraries inside the program, and lld: `veroforge` is started for every verb, `veroforge-worker` for every
// bundle, and with shared ones they spent half their start on looking up symbols in 36 libraries; in `veroforge-runtime`
// every call goes through them. `make bench NAME=scan` prints what a start takes. They stay position-independent: without
// that they would start 3 ms sooner and stand at an address that everybody knows.
let startsFast: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-use-ld=lld", "-Xlinker", "--no-export-dynamic",
            // A pointer to be moved is one bit in place of 24 bytes.
            "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
            // What Foundation's own static libraries need, for these are compiled against the shared ones.
            "-lFoundationInternationalization", "-lFoundationEssentials", "-l_FoundationCollections",
            "-l_FoundationCShims", "-lCoreFoundation", "-l_FoundationICU",
        ], .when(platforms: [.linux]))
]

let package = Package(
    name: "veroforge",
    products: [
        .executable(name: "veroforge", targets: ["veroforge"]),
        .executable(name: "veroforge-runtime", targets: ["veroforge-runtime"]),
        .executable(name: "veroforge-runner", targets: ["veroforge-runner"]),
        .executable(name: "veroforge-worker", targets: ["veroforge-worker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    ],
    targets: [
        // C libraries: a module map and a shim each.
        system("CArchive", pkgConfig: "libarchive", apt: "libarchive-dev"),
        system("CYara", pkgConfig: "yara", apt: "libyara-dev"),
        system("CMark", pkgConfig: "libcmark", apt: "libcmark-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CSeccomp", pkgConfig: "libseccomp", apt: "libseccomp-dev"),
        system("CQuickJS", pkgConfig: "quickjs-ng"),

        // How a process of ours confines itself, in C, in one visible order.
        .target(name: "CSandbox", dependencies: ["CSeccomp"]),

        // Many Ed25519 signatures checked as one equation.
        .target(name: "CEd25519"),

        // The words of the field, and the pure rooms.
        library("Marketplace"),
        library("Provenance", ["Marketplace", "CEd25519", crypto]),
        library("Bundles", ["Marketplace", "Provenance", "CArchive", "CZlib"]),
        library("Scanning", ["Marketplace", "Bundles", "CYara", yams]),
        library("Advisories", ["Marketplace", "Scanning", grdb]),
        library("Frames"),
        library("Sandbox", ["Marketplace", "Frames", subprocess]),
        library("SimulatedApp", ["Marketplace"]),
        library("Registry", ["Marketplace", "Provenance", grdb]),
        library("Metering", ["Marketplace", "Provenance", "CZstd"]),
        library("Billing", ["Marketplace", "Metering", "Provenance", grdb, mustache]),
        library("Publishing", ["Marketplace", "Provenance", "CMark", "CZlib", mustache]),

        // What account pages say, from registry, segments and books: for the stage that writes them and the service
        // that answers with them.
        library("Accounts", ["Marketplace", "Registry", "Metering", "Billing", "Publishing"]),

        // Where the rooms meet.
        library(
            "Pipeline",
            [
                "Marketplace", "Provenance", "Bundles", "Scanning", "Advisories", "Frames", "Sandbox",
                "SimulatedApp",
                "Registry", "Metering", "Billing", "Publishing", "Accounts", yams, logging, subprocess,
                httpClient, nioCore, nioHTTP1,
            ]),
        library(
            "PluginRuntime",
            [
                "Marketplace", "Registry", "Sandbox", "Frames", "Metering", "Billing", "Publishing",
                "Provenance", "Accounts", yams,
                logging, hummingbird, hummingbirdTLS, hummingbirdHTTP2, lifecycle, httpClient, httpTypes,
                nioCore, nioHTTP1, nioPosix, nioSSL, crypto,
            ]),
        library(
            "SimulatedServers", ["Marketplace", "SimulatedApp", hummingbird, httpTypes, nioCore, logging]),

        // The programs.
        program(
            "veroforge",
            [
                "Pipeline", "SimulatedServers", "Marketplace", "Provenance", "Bundles", "Scanning",
                "Advisories",
                "Sandbox", "SimulatedApp", "Registry", "Metering", "Billing", "Publishing", argumentParser,
                logging,
                httpClient, nioCore, nioHTTP1, yams, subprocess, histogram,
            ], linkerSettings: startsFast),
        program(
            "veroforge-runtime", ["PluginRuntime", "Marketplace", argumentParser, logging],
            linkerSettings: startsFast),
        program(
            "veroforge-runner", ["Frames", "CQuickJS", "CSandbox"], exclude: ["Prelude"],
            // One static file: the same program runs in an empty root, under runsc and as a guest's init.
            linkerSettings: [.unsafeFlags(["-static-executable"])], plugins: ["CompilePrelude"]),
        // The runner's own JavaScript, compiled when the runner is built.
        .executableTarget(name: "prelude-compiler", dependencies: ["CQuickJS"]),
        .plugin(
            name: "CompilePrelude", capability: .buildTool(), dependencies: ["prelude-compiler"],
            path: "Sources/CompilePrelude"),
        program(
            "veroforge-worker", ["Marketplace", "Bundles", "Scanning", "Publishing", "CQuickJS", "CSandbox"],
            linkerSettings: startsFast),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Marketplace", "Provenance", subprocess],
            path: "Tests/Support",
            swiftSettings: house),
        tests("House", ["Marketplace"]),
        tests("Marketplace", ["Marketplace"]),
        tests("Provenance", ["Provenance", "Marketplace", crypto]),
        tests("Bundles", ["Bundles", "Marketplace", "Provenance"], exclude: ["peak.py"]),
        tests("Scanning", ["Scanning", "Bundles", "Marketplace"], exclude: ["Oracle"]),
        tests("Advisories", ["Advisories", "Scanning", "Marketplace"]),
        tests("Frames", ["Frames"]),
        tests("Sandbox", ["Sandbox", "Frames", "Marketplace"]),
        tests("SimulatedApp", ["SimulatedApp", "Marketplace"]),
        tests("Registry", ["Registry", "Provenance", "Marketplace", grdb]),
        tests("Metering", ["Metering", "Marketplace", "Provenance"]),
        tests("Billing", ["Billing", "Metering", "Marketplace", "Provenance", grdb]),
        tests("Publishing", ["Publishing", "Marketplace", "Provenance"]),
        tests(
            "Pipeline",
            [
                "Pipeline", "Registry", "Marketplace", "Metering", "Billing", "Provenance", "Bundles",
                "Publishing", "Sandbox",
            ]),
        tests(
            "Accounts",
            ["Accounts", "Registry", "Metering", "Billing", "Publishing", "Marketplace", "Provenance"]),
        tests(
            "PluginRuntime",
            [
                "PluginRuntime", "Registry", "Marketplace", "Provenance", "Metering", "Sandbox", "Publishing",
                "SimulatedApp", "SimulatedServers", hummingbird,
                hummingbirdTesting, hummingbirdTLS, httpClient, httpTypes, nioCore, nioHTTP1, nioSSL,
            ]),
        tests(
            "SimulatedServers",
            ["SimulatedServers", "SimulatedApp", "Marketplace", httpClient, nioCore, nioHTTP1]),
        tests("CommandLine", ["Marketplace", "Metering", "Provenance"]),
        .testTarget(
            name: "SecurityTests", dependencies: ["Sandbox", "Frames", "Marketplace", "TestSupport"],
            path: "Tests/Security", exclude: ["plugins", "host.py", "firecracker.py", "jailer.py"],
            swiftSettings: house),
    ]
)

// `make fuzz` alone builds this one.
if let fuzzer {
    package.targets.append(
        .executableTarget(
            name: "veroforge-fuzz", dependencies: ["Marketplace", "Bundles", "Scanning"],
            path: "Tests/Fuzz/Harness",
            swiftSettings: house + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-use-ld=lld", "-Xlinker", fuzzer, "-lstdc++"])]))
}
