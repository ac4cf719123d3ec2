import Foundation
import PackagePlugin

/// Has the scripts of a target's folder `Prelude` compiled before the target is.
@main struct CompilePrelude: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let target = target as? any SourceModuleTarget else { return [] }
        let folder = target.directoryURL.appending(path: "Prelude")
        let scripts = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".js") }.sorted().map { folder.appending(path: $0) }
        let output = context.pluginWorkDirectoryURL.appending(path: "PreludeScripts.swift")
        return [
            .buildCommand(
                displayName: "Compiling the prelude",
                executable: try context.tool(named: "prelude-compiler").url,
                arguments: [output.path] + scripts.map(\.path), inputFiles: scripts, outputFiles: [output])
        ]
    }
}
