// Which versions of a plugin's dependencies fit together: newest first, with backtracking, always the same answer for
// the same catalogue. One version of a plugin runs for a tenant, so every requirement on it must hold at once.
public import Marketplace

/// Chooses versions.
public struct Resolver {
    /// A version that could be chosen.
    public struct Candidate: Hashable, Sendable {
        public let version: Version
        public let dependencies: [Manifest.Dependency]

        public init(version: Version, dependencies: [Manifest.Dependency]) {
            self.version = version
            self.dependencies = dependencies
        }
    }

    /// A requirement and who has it.
    public struct Requirement: Hashable, Sendable {
        /// `nil` for what the customer asked for.
        public let from: String?
        public let range: VersionRange

        public init(from: String? = nil, range: VersionRange) {
            self.from = from
            self.range = range
        }
    }

    /// Why there is no answer, in words.
    public struct Conflict: Error, Hashable, Sendable, CustomStringConvertible {
        public let plugin: PluginID
        public let description: String
    }

    /// Choices tried before the resolver gives up: far beyond what a catalogue needs, short of an attack on its time.
    public static let stepsMax = 20_000

    private let candidates: (PluginID) -> [Candidate]
    private let preferred: [PluginID: Version]

    /// `preferred` versions are tried before newer ones: what the tenant has installed already stays, if it can.
    public init(preferred: [PluginID: Version] = [:], candidates: @escaping (PluginID) -> [Candidate]) {
        self.candidates = candidates
        self.preferred = preferred
    }

    /// The versions to use, for the roots and everything they lead to.
    public func resolve(_ roots: [PluginID: VersionRange]) throws(Conflict) -> [PluginID: Version] {
        var search = Search(candidates: candidates, preferred: preferred)
        var state = State()
        for (id, range) in roots { state.requirements[id] = [Requirement(range: range)] }
        if let answer = search.solve(state) { return answer.chosen.mapValues(\.version) }
        if search.steps >= Resolver.stepsMax {
            throw Conflict(
                plugin: roots.keys.min()!,
                description: "no answer after \(Resolver.stepsMax) choices; name exact versions")
        }
        throw search.firstConflict!
    }

    private struct State {
        var chosen: [PluginID: Candidate] = [:]
        var requirements: [PluginID: [Requirement]] = [:]
    }

    private struct Search {
        let candidates: (PluginID) -> [Candidate]
        let preferred: [PluginID: Version]
        var steps = 0
        var firstConflict: Conflict?
        var known: [PluginID: [Candidate]] = [:]

        mutating func solve(_ state: State) -> State? {
            // The smallest undecided id next: a fixed order makes the answer one and the same.
            guard let id = state.requirements.keys.filter({ state.chosen[$0] == nil }).min() else {
                return state
            }
            let requirements = state.requirements[id]!
            let all = versions(of: id)
            let fitting = all.filter { candidate in
                requirements.allSatisfy { $0.range.contains(candidate.version) }
            }
            if fitting.isEmpty { note(id, words(id, requirements, all)) }
            for candidate in fitting {
                steps += 1
                guard steps < Resolver.stepsMax else { return nil }
                if let next = choose(candidate, for: id, in: state), let answer = solve(next) {
                    return answer
                }
            }
            return nil
        }

        private mutating func choose(_ candidate: Candidate, for id: PluginID, in state: State) -> State? {
            var next = state
            next.chosen[id] = candidate
            let name = "\(id) \(candidate.version)"
            for dependency in candidate.dependencies.sorted(by: { $0.id < $1.id }) {
                let requirement = Requirement(from: name, range: dependency.range)
                next.requirements[dependency.id, default: []].append(requirement)
                guard let present = next.chosen[dependency.id], !dependency.range.contains(present.version)
                else {
                    continue
                }
                let others = (state.requirements[dependency.id] ?? []).map { words($0) }.joined(
                    separator: ", ")
                note(
                    dependency.id,
                    "\(name) needs \(dependency.id) \(dependency.range), but \(present.version) is chosen because \(others)"
                )
                return nil
            }
            if let cycle = cycle(through: id, in: next) {
                note(id, "depends on itself: \(cycle.map(\.text).joined(separator: " → "))")
                return nil
            }
            return next
        }

        private mutating func versions(of id: PluginID) -> [Candidate] {
            if let known = known[id] { return known }
            var sorted = candidates(id).sorted {
                $0.version.compare($1.version) == 0
                    ? $0.version.description > $1.version.description : $0.version > $1.version
            }
            if let wanted = preferred[id], let index = sorted.firstIndex(where: { $0.version == wanted }) {
                sorted.insert(sorted.remove(at: index), at: 0)
            }
            known[id] = sorted
            return sorted
        }

        /// The way from a plugin back to itself over chosen versions.
        private func cycle(through start: PluginID, in state: State) -> [PluginID]? {
            var visited: Set<PluginID> = []
            func walk(_ id: PluginID, _ path: [PluginID]) -> [PluginID]? {
                for next in (state.chosen[id]?.dependencies ?? []).map(\.id).sorted() {
                    if next == start { return path + [next] }
                    if visited.insert(next).inserted, let found = walk(next, path + [next]) { return found }
                }
                return nil
            }
            return walk(start, [start])
        }

        /// The first conflict met is about the newest versions, the ones the reader has in mind.
        private mutating func note(_ id: PluginID, _ text: String) {
            if firstConflict == nil { firstConflict = Conflict(plugin: id, description: text) }
        }

        private func words(_ id: PluginID, _ requirements: [Requirement], _ all: [Candidate]) -> String {
            let wants = requirements.map { words($0) }.joined(separator: ", and ")
            if all.isEmpty { return "\(id) is not in the catalogue: \(wants)" }
            let versions = all.map(\.version).sorted(by: >).prefix(5).map(\.description).joined(
                separator: ", ")
            return "no version of \(id) fits: \(wants); there is \(versions)\(all.count > 5 ? ", …" : "")"
        }

        private func words(_ requirement: Requirement) -> String {
            "\(requirement.from ?? "the customer") needs \(requirement.range)"
        }
    }
}
