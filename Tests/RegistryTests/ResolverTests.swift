import Marketplace
import Registry
import TestSupport
import Testing

@Suite struct ResolverTests {
    typealias Universe = [PluginID: [Resolver.Candidate]]

    static func id(_ name: String) -> PluginID { PluginID("acme.\(name)")! }
    static func range(_ text: String) -> VersionRange { VersionRange(text)! }

    /// `["tool": ["1.0.0": ["base ^1.0.0"]]]`
    static func universe(_ plugins: [String: [String: [String]]]) -> Universe {
        var result: Universe = [:]
        for (name, versions) in plugins {
            result[id(name)] = versions.map { version, needs in
                Resolver.Candidate(
                    version: Version(version)!,
                    dependencies: needs.map { need in
                        let parts = need.split(separator: " ", maxSplits: 1)
                        return Manifest.Dependency(id: id(String(parts[0])), range: range(String(parts[1])))
                    })
            }
        }
        return result
    }

    static func resolve(
        _ universe: Universe, _ roots: [String: String], preferred: [String: String] = [:]
    ) throws(Resolver.Conflict) -> [String: String] {
        let resolver = Resolver(
            preferred: Dictionary(uniqueKeysWithValues: preferred.map { (id($0.key), Version($0.value)!) })
        ) { universe[$0] ?? [] }
        let answer = try resolver.resolve(
            Dictionary(uniqueKeysWithValues: roots.map { (id($0.key), range($0.value)) }))
        return Dictionary(uniqueKeysWithValues: answer.map { ($0.key.name, $0.value.description) })
    }

    static func conflict(_ universe: Universe, _ roots: [String: String]) -> String? {
        do {
            _ = try resolve(universe, roots)
            return nil
        } catch { return error.description }
    }

    @Test func theNewestThatFitsIsChosen() throws {
        let universe = Self.universe([
            "tool": ["1.0.0": ["base ^1.0.0"]],
            "base": ["1.0.0": [], "1.10.0": [], "1.9.0": [], "2.0.0": []],
        ])
        #expect(try Self.resolve(universe, ["tool": "*"]) == ["tool": "1.0.0", "base": "1.10.0"])
    }

    @Test func whatIsInstalledStaysWhereItCan() throws {
        let universe = Self.universe([
            "tool": ["1.0.0": ["base ^1.0.0"]], "base": ["1.0.0": [], "1.10.0": []],
        ])
        #expect(
            try Self.resolve(universe, ["tool": "*"], preferred: ["base": "1.0.0"])
                == ["tool": "1.0.0", "base": "1.0.0"])
    }

    @Test func itTracksBackToAnOlderVersionThatFits() throws {
        let universe = Self.universe([
            "app": ["1.0.0": ["left *", "right *"]],
            "left": ["2.0.0": ["base ^2.0.0"], "1.0.0": ["base ^1.0.0"]],
            "right": ["1.0.0": ["base ^1.0.0"]], "base": ["1.0.0": [], "2.0.0": []],
        ])
        #expect(
            try Self.resolve(universe, ["app": "*"])
                == ["app": "1.0.0", "left": "1.0.0", "right": "1.0.0", "base": "1.0.0"])
    }

    @Test func aConflictSaysWhoNeedsWhat() {
        let universe = Self.universe([
            "app": ["1.0.0": ["left *", "right *"]], "left": ["1.0.0": ["zbase ^2.0.0"]],
            "right": ["1.0.0": ["zbase ^1.0.0"]], "zbase": ["1.0.0": [], "2.0.0": []],
        ])
        #expect(
            Self.conflict(universe, ["app": "*"])
                == "no version of acme.zbase fits: acme.left 1.0.0 needs ^2.0.0, and acme.right 1.0.0 needs ^1.0.0; there is 2.0.0, 1.0.0"
        )
    }

    @Test func aPluginThatIsNotThereIsNamed() {
        let universe = Self.universe(["app": ["1.0.0": ["gone ^1.0.0"]]])
        #expect(
            Self.conflict(universe, ["app": "*"])
                == "acme.gone is not in the catalogue: acme.app 1.0.0 needs ^1.0.0")
    }

    @Test func aCycleIsRefusedWithItsWay() {
        let universe = Self.universe([
            "one": ["1.0.0": ["two *"]], "two": ["1.0.0": ["three *"]], "three": ["1.0.0": ["one *"]],
        ])
        #expect(
            Self.conflict(universe, ["one": "*"])?.contains("depends on itself: acme.") == true)
    }

    @Test func aPrereleaseIsChosenOnlyWhereItIsNamed() throws {
        let universe = Self.universe(["base": ["1.0.0": [], "1.1.0-beta.1": []]])
        #expect(try Self.resolve(universe, ["base": "^1.0.0"]) == ["base": "1.0.0"])
        #expect(try Self.resolve(universe, ["base": "^1.1.0-beta.0"]) == ["base": "1.1.0-beta.1"])
    }

    @Test func aHopelessSearchEndsInTime() {
        // Every plugin fits with every other except that the last one never does.
        var plugins: [String: [String: [String]]] = [:]
        for number in 0..<12 {
            let next = number == 11 ? ["end ^9.0.0"] : ["p\(number + 1) *"]
            plugins["p\(number)"] = Dictionary(uniqueKeysWithValues: (0..<8).map { ("1.\($0).0", next) })
        }
        plugins["end"] = ["1.0.0": []]
        #expect(Self.conflict(Self.universe(plugins), ["p0": "*"]) != nil)
    }

    /// Against every combination tried in turn: an answer exists exactly where one does, it fits, and it is the same
    /// however the catalogue is ordered.
    @Test func answersAgreeWithTryingEverything() throws {
        var random = SeededRandom(11)
        let names = ["a1", "b1", "c1", "d1"]
        for _ in 0..<300 {
            var plugins: [String: [String: [String]]] = [:]
            for (index, name) in names.enumerated() {
                for major in 1...2 {
                    for minor in 0...1 {
                        var needs: [String] = []
                        for other in names[(index + 1)...] where Int.random(in: 0..<2, using: &random) == 0 {
                            needs.append(
                                "\(other) \(["^1.0.0", "^2.0.0", "~1.1.0", "*"].randomElement(using: &random)!)"
                            )
                        }
                        if Int.random(in: 0..<4, using: &random) > 0 {
                            plugins[name, default: [:]]["\(major).\(minor).0"] = needs
                        }
                    }
                }
            }
            let universe = Self.universe(plugins)
            let answer = try? Self.resolve(universe, ["a1": "*"])
            #expect((answer != nil) == Self.exists(universe, names))
            if let answer {
                for (name, version) in answer {
                    let chosen = universe[Self.id(name)]!.first { $0.version.description == version }!
                    for need in chosen.dependencies {
                        #expect(need.range.contains(Version(answer[need.id.name]!)!))
                    }
                }
                #expect(try Self.resolve(universe.mapValues { $0.reversed() }, ["a1": "*"]) == answer)
            }
        }
    }

    static func exists(_ universe: Universe, _ names: [String]) -> Bool {
        func search(_ index: Int, _ chosen: [PluginID: Resolver.Candidate]) -> Bool {
            guard index < names.count else {
                guard chosen[id("a1")] != nil else { return false }
                // Only what is reachable must fit; the rest may be left out.
                var open = [id("a1")]
                var seen: Set<PluginID> = [id("a1")]
                while let next = open.popLast() {
                    guard let candidate = chosen[next] else { return false }
                    for need in candidate.dependencies {
                        guard let other = chosen[need.id], need.range.contains(other.version) else {
                            return false
                        }
                        if seen.insert(need.id).inserted { open.append(need.id) }
                    }
                }
                return true
            }
            let name = id(names[index])
            if search(index + 1, chosen) { return true }
            return (universe[name] ?? []).contains { candidate in
                search(index + 1, chosen.merging([name: candidate]) { _, new in new })
            }
        }
        return search(0, [:])
    }

    @Test func aLockForATenantKeepsWhatItHas() throws {
        let desk = try Desk()
        try desk.list("acme.base", "1.0.0")
        try desk.list("acme.tool", "1.0.0", dependencies: ["acme.base@^1.0.0"])
        let request = InstallationRequest(
            version: Version("1.0.0")!, plan: "free", accepted: PermissionSet([]))
        try desk.registry.install(Self.id("base"), for: Desk.tenant, request, now: at(0))
        try desk.list("acme.base", "1.1.0")
        let one = Version("1.0.0")!
        #expect(
            try desk.registry.lock(for: Self.id("tool"), one, tenant: Desk.tenant) == [Self.id("base"): one])
        #expect(
            try desk.registry.lock(for: Self.id("tool"), one, tenant: Desk.other)
                == [Self.id("base"): Version("1.1.0")!])
        try desk.list("acme.newer", "1.0.0", dependencies: ["acme.base@^1.1.0"])
        #expect {
            try desk.registry.lock(for: Self.id("newer"), one, tenant: Desk.tenant)
        } throws: { error in
            (error as? RegistryError)?.cause.contains("acme.newer 1.0.0 needs") == true
        }
    }
}
