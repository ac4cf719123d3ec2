import Foundation
import Marketplace
import Sandbox
import TestSupport
import Testing

/// The corpus of hostile plugins. The first line of each says how it must end: `ends:` by a limit's name,
/// `fails:` with an error's code, or `answers:` with a value; alternatives are parted by `|`.
@Suite(.serialized) struct HostilePlugins {
    static let folder = Products.file("Tests/Security/plugins/js")
    static let names: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasSuffix(".mjs") }.sorted()

    /// One of each kind of end; `make test-full` runs all.
    static let representatives = [
        "cpu-spin.mjs", "memory-arrays.mjs", "microtask-starvation.mjs", "timer-forever.mjs",
        "operation-flood.mjs",
        "egress.mjs", "temp.mjs", "result-size.mjs", "import-routes.mjs", "prototype-poisoning.mjs",
    ]

    @Test func theCorpusIsThere() {
        #expect(Self.names.count >= 40)
        #expect(Set(Self.representatives).isSubset(of: Self.names))
    }

    @Test(arguments: names) func endsAsItMustOnNative(name: String) async throws {
        try await check(name, .native)
    }

    @Test(arguments: Rounds.isFull ? names : representatives) func endsAsItMustUnderGVisor(name: String)
        async throws
    {
        try await check(name, .gvisor)
    }

    /// A bundle's names are names: whatever they look like, they lead to the bundle's own bytes or nowhere.
    @Test(arguments: BackEnds.all) func linksAndPathsInABundleLeadNowhere(backEnd: BackEnd) async throws {
        let main = """
            export default { async execute() {
              const found = [];
              for (const name of ["./link", "./link.js", "/etc/passwd", "../../etc/passwd", "./a/../../../etc/passwd",
                "./proc/self/environ", "./folder/", ".", "..", "./nul\\0.js"])
                try { found.push(Object.values(await import(name)).join()); } catch {}
              return found.filter((text) => /root:|HOME=/.test(text)).length;
            } };
            """
        let names = [
            "link", "/etc/passwd", "../../etc/passwd", "etc/passwd", "proc/self/environ",
            "a/../../../etc/passwd",
        ]
        var files = Dictionary(uniqueKeysWithValues: names.map { ($0, Array("/etc/passwd".utf8)) })
        files["index.mjs"] = Array(main.utf8)
        let runner = try await BackEnds.isolation(backEnd).start(RunnerLimits(BackEnds.quick(on: backEnd)))
        let loaded = try await runner.load(PluginImage(files: files, main: "index.mjs"))
        #expect(loaded.outcome.value != nil, "\(loaded.outcome)")
        let result = try await runner.execute(action: "go", data: nil, handler: Answering())
        #expect(result.outcome.value == 0, "\(result.outcome)")
        await runner.kill()
    }

    @Test(arguments: Rounds.isFull ? names : representatives) func endsAsItMustInAVirtualMachine(name: String)
        async throws
    {
        try await check(name, .microvm)
    }

    private func check(_ name: String, _ backEnd: BackEnd) async throws {
        let source = try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
        let first = try #require(source.split(separator: "\n").first).dropFirst(3)
        let colon = try #require(first.firstIndex(of: ":"))
        let kind = first[..<colon]
        let rest = first[first.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        let result = try await run(
            source, backEnd, rest == "wall" ? BackEnds.short(on: backEnd) : BackEnds.quick(on: backEnd))
        switch kind {
        case "ends":
            let allowed = rest.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(allowed.contains(result.outcome.limit?.rawValue ?? "none"), "\(name): \(result.outcome)")
        case "fails":
            let allowed = rest.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(allowed.contains(result.outcome.failure?.code ?? "none"), "\(name): \(result.outcome)")
        case "answers":
            let expected = try JSONValue.parse(rest)
            #expect(result.outcome.value == expected, "\(name): \(result.outcome)")
        default: Issue.record("\(name) does not say how it ends")
        }
    }

    private func run(_ source: String, _ backEnd: BackEnd, _ limits: Limits) async throws -> ExecutionResult {
        let isolation = try await BackEnds.isolation(backEnd)
        let runner = try await isolation.start(RunnerLimits(limits))
        let image = PluginImage(files: ["index.mjs": Array(source.utf8)], main: "index.mjs")
        var result = try await runner.load(image)
        if case .success = result.outcome { result = try await runner.initialize(Answering()) }
        if case .success = result.outcome {
            result = try await runner.execute(action: "go", data: nil, handler: Answering())
        }
        await runner.kill()
        return result
    }
}
