import Foundation
import TestSupport
import Testing

/// The arrows between targets, as the design draws them. An import is allowed along an arrow and whatever lies
/// behind it; there is no circle.
@Suite struct ArrowTests {
    static let arrows: [String: [String]] = [
        "Marketplace": [], "Frames": [],
        "Provenance": ["Marketplace", "CEd25519"],
        "Bundles": ["Marketplace", "Provenance", "CArchive", "CZlib"],
        "Scanning": ["Marketplace", "Bundles", "CYara"],
        "Advisories": ["Marketplace", "Scanning"],
        "Sandbox": ["Marketplace", "Frames"],
        "SimulatedApp": ["Marketplace"],
        "Registry": ["Marketplace", "Provenance"],
        "Metering": ["Marketplace", "Provenance", "CZstd"],
        "Billing": ["Marketplace", "Metering", "Provenance"],
        "Publishing": ["Marketplace", "Provenance", "CMark", "CZlib"],
        "Accounts": ["Marketplace", "Registry", "Metering", "Billing", "Publishing"],
        "Pipeline": [
            "Marketplace", "Provenance", "Bundles", "Scanning", "Advisories", "Frames", "Sandbox",
            "SimulatedApp",
            "Registry", "Metering", "Billing", "Publishing", "Accounts",
        ],
        "PluginRuntime": [
            "Registry", "Sandbox", "Metering", "Billing", "Publishing", "Provenance", "Accounts",
        ],
        "SimulatedServers": ["SimulatedApp"],
        "veroforge": ["Pipeline", "SimulatedServers"],
        "veroforge-runtime": ["PluginRuntime"],
        "veroforge-worker": ["Bundles", "Scanning", "Publishing", "CQuickJS", "CSandbox"],
        "veroforge-runner": ["Frames", "CQuickJS", "CSandbox"],
    ]

    static func reachable(from target: String) -> Set<String> {
        var seen: Set<String> = []
        var waiting = arrows[target] ?? []
        while let next = waiting.popLast() {
            if seen.insert(next).inserted { waiting += arrows[next] ?? [] }
        }
        return seen
    }

    /// `library("X", ["A", "B", …])` and `program("X", […])` as Package.swift writes them.
    static func declared() throws -> [String: Set<String>] {
        let text = try String(contentsOfFile: Products.repositoryRoot + "/Package.swift", encoding: .utf8)
        let pattern = /(?:library|program)\(\s*"([^"]+)"\s*(?:,\s*\[([^\]]*)\])?/
        var out: [String: Set<String>] = [:]
        for match in text.matches(of: pattern) {
            let names = (match.output.2 ?? "").matches(of: /"([^"]+)"/).map { String($0.output.1) }
            out[String(match.output.1)] = Set(names)
        }
        return out
    }

    static func swiftFiles(_ folder: String) -> [String] {
        let enumerator = FileManager.default.enumerator(atPath: Products.repositoryRoot + "/" + folder)
        return (enumerator?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".swift") }.sorted()
            .map { "\(folder)/\($0)" }
    }

    static func imports(_ file: String) throws -> Set<String> {
        let text = try String(contentsOfFile: Products.repositoryRoot + "/" + file, encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return Set(
            lines.compactMap { line -> String? in
                let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }.map(String.init)
                guard let at = words.firstIndex(of: "import"), at <= 1, at + 1 < words.count else {
                    return nil
                }
                return words[at + 1]
            })
    }

    @Test func packageDependenciesFollowTheArrows() throws {
        let declared = try Self.declared()
        #expect(Set(declared.keys) == Set(Self.arrows.keys))
        for (target, dependencies) in declared {
            let allowed = Self.reachable(from: target)
            #expect(
                dependencies.subtracting(allowed).isEmpty,
                "\(target) → \(dependencies.subtracting(allowed).sorted())")
        }
    }

    @Test func importsFollowTheArrows() throws {
        let ours = Set(Self.arrows.keys).union([
            "CArchive", "CYara", "CMark", "CZlib", "CZstd", "CSeccomp", "CQuickJS", "CSandbox",
            "CEd25519",
        ])
        for target in Self.arrows.keys.sorted() {
            let allowed = Self.reachable(from: target)
            for file in Self.swiftFiles("Sources/\(target)") {
                let wrong = try Self.imports(file).intersection(ours).subtracting(allowed).subtracting([
                    target
                ])
                #expect(wrong.isEmpty, "\(file) imports \(wrong.sorted())")
            }
        }
    }

    @Test func thereIsNoCircle() {
        for target in Self.arrows.keys { #expect(!Self.reachable(from: target).contains(target)) }
    }

    @Test(arguments: [
        ("GRDB", ["Sources/Registry/", "Sources/Advisories/", "Sources/Billing/Ledger/"]),
        ("Hummingbird", ["Sources/PluginRuntime/", "Sources/SimulatedServers/"]),
        ("SQLite3", []),
        (
            "AsyncHTTPClient",
            ["Sources/PluginRuntime/", "Sources/veroforge/", "Sources/Pipeline/HTTPSender.swift"]
        ),
    ])
    func aLibraryIsSeenOnlyWhereItBelongs(_ library: String, _ places: [String]) throws {
        for file in Self.swiftFiles("Sources") where try Self.imports(file).contains(library) {
            #expect(places.contains { file.hasPrefix($0) }, "\(file) imports \(library)")
        }
    }

    @Test(arguments: ["Sources/veroforge-runner", "Sources/Frames"])
    func theRunnerIsFreeOfFoundation(_ folder: String) throws {
        for file in Self.swiftFiles(folder) {
            let seen = try Self.imports(file).intersection(["Foundation", "FoundationEssentials"])
            #expect(seen.isEmpty, "\(file) imports \(seen)")
        }
    }

    @Test func noTargetIsEmpty() {
        for target in Self.arrows.keys {
            #expect(!Self.swiftFiles("Sources/\(target)").isEmpty, "\(target) is empty")
        }
    }
}
