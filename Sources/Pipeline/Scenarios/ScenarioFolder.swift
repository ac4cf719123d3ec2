import Foundation
public import Marketplace
public import Sandbox

/// `plugin test`: the scenarios of a plugin's folder, each in the native sandbox.
public enum ScenarioFolder {
    /// Where the programs and files are that a run needs.
    public struct Places: Sendable {
        /// `veroforge-runner`
        public let runner: String
        /// `rules/seccomp/runner.list`
        public let seccompList: String
        /// `plugins/sdk/scenario.schema.json`
        public let schema: String

        public init(runner: String, seccompList: String, schema: String) {
            self.runner = runner
            self.seccompList = seccompList
            self.schema = schema
        }
    }

    /// Runs every file of `scenarios/`, in the order of their names. What cannot be run is a result that does not hold;
    /// a folder without scenarios has no results.
    ///
    /// - Parameters:
    ///   - isolation: what the runs are kept apart by; the native sandbox unless it is given.
    ///   - only: runs the files whose name contains it.
    public static func run(
        _ folder: String, manifest: Manifest, places: Places, isolation given: (any Isolation)? = nil,
        only: String? = nil
    ) async -> [ScenarioResult] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/scenarios")) ?? [])
            .sorted()
            .filter { $0.hasSuffix(".json") && (only.map($0.contains) ?? true) }
        guard let bytes = FileManager.default.contents(atPath: places.schema),
            let schema = try? JSONValue.parse([UInt8](bytes))
        else { return names.map { failed($0, "\(places.schema) cannot be read") } }
        let isolation: any Isolation
        do {
            isolation =
                try given ?? NativeIsolation(executable: places.runner, seccompList: places.seccompList)
        } catch {
            return names.map { failed($0, "the sandbox cannot be used: \(error)") }
        }
        let runner = ScenarioRunner(isolation: isolation, manifest: manifest, files: files(of: folder))
        var results: [ScenarioResult] = []
        for name in names {
            let bytes = [UInt8](FileManager.default.contents(atPath: "\(folder)/scenarios/\(name)") ?? Data())
            switch Scenario.read(bytes, schema: JSONSchema(schema)) {
            case .problems(let problems):
                results.append(ScenarioResult(name: name, file: name, problems: problems))
            case .scenario(let scenario): results.append(await runner.run(scenario, file: name))
            }
        }
        return results
    }

    private static func failed(_ name: String, _ why: String) -> ScenarioResult {
        ScenarioResult(name: name, file: name, problems: [why])
    }

    /// The bytes of the plugin's code, as it is loaded.
    public static func bytesOfCode(_ folder: String) -> Int {
        files(of: folder).filter { $0.key.hasPrefix("dist/") }.reduce(0) { $0 + $1.value.count }
    }

    /// What of the folder would be in the bundle and is of use at run time.
    static func files(of folder: String) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for path in (FileManager.default.subpaths(atPath: folder) ?? []).sorted() {
            guard
                path.hasPrefix("dist/") || path.hasPrefix("ui/") || path == "plugin.json"
                    || path == "package.json"
            else {
                continue
            }
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
            guard !isFolder.boolValue, let data = FileManager.default.contents(atPath: "\(folder)/\(path)")
            else { continue }
            files[path] = [UInt8](data)
        }
        return files
    }
}
