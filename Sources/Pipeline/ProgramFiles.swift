import Foundation
import Marketplace

/// Where the programs find what they ship with: rules, templates, pipelines, the launch plugins, and each other.
public struct ProgramFiles: Sendable {
    /// The folder that holds `pipelines/`, `rules/`, `site-templates/`.
    public let home: String
    /// The folder of the executables.
    public let programs: String
    /// What the command line says of itself, for the docs.
    public var commands: @Sendable () -> [CommandHelp] = { [] }

    public var rules: String { home + "/rules" }
    public var templates: String { home + "/site-templates" }
    public var pipelines: String { home + "/pipelines" }
    public var plugins: String { home + "/plugins" }
    public var docs: String { home + "/docs" }
    public var runner: String { programs + "/veroforge-runner" }
    public var worker: String { programs + "/veroforge-worker" }
    public var runtime: String { programs + "/veroforge-runtime" }
    public var seccompRunner: String { rules + "/seccomp/runner.list" }
    public var seccompWorker: String { rules + "/seccomp/worker.list" }

    public init(home: String, programs: String) {
        self.home = home
        self.programs = programs
    }

    /// `VEROFORGE_HOME` if it is set; else the nearest folder above the executable that has
    /// `pipelines/submission.yaml`, or `../share/veroforge` beside an installed one.
    public static func locate(
        executable: String = ProgramFiles.executablePath(), environment: [String: String]
    ) throws(PipelineError) -> ProgramFiles {
        let programs = environment["VEROFORGE_PROGRAMS"] ?? parent(executable)
        func holds(_ folder: String) -> Bool {
            FileManager.default.fileExists(atPath: folder + "/pipelines/submission.yaml")
        }
        if let home = environment["VEROFORGE_HOME"] {
            guard holds(home) else {
                throw PipelineError(
                    .usage, "VEROFORGE_HOME is \(home), which has no pipelines/submission.yaml",
                    remedy: "Set it to the folder that holds rules/, pipelines/ and site-templates/.")
            }
            return ProgramFiles(home: home, programs: programs)
        }
        var folder = parent(executable)
        while folder != "/" && !folder.isEmpty {
            for candidate in [folder, folder + "/share/veroforge"] where holds(candidate) {
                return ProgramFiles(home: candidate, programs: programs)
            }
            folder = parent(folder)
        }
        throw PipelineError(
            .usage, "rules/, pipelines/ and site-templates/ were not found above \(executable)",
            remedy: "Set VEROFORGE_HOME to the folder that holds them.")
    }

    public static func executablePath() -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
    }

    private static func parent(_ path: String) -> String {
        String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }
}
