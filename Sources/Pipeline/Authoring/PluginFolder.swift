import Bundles
import Foundation
public import Marketplace
import Subprocess

/// A plugin's source folder on its author's machine.
public struct PluginFolder: Sendable {
    public let path: String

    public struct Packed: Sendable {
        /// `<id>-<version>.vfp`
        public let name: String
        public let bytes: [UInt8]
        public let manifest: Manifest
    }

    public init(_ path: String) {
        self.path = path.hasSuffix("/") && path.count > 1 ? String(path.dropLast()) : path
    }

    public func manifest() throws(PipelineError) -> Manifest {
        let file = "\(path)/plugin.json"
        guard let bytes = try Files.readIfPresent(file) else {
            throw PipelineError(
                .usage, "\(path) has no plugin.json",
                remedy: "Every plugin has a manifest; docs/manifest.md says what stands in it.")
        }
        do {
            return try Manifest.parse(bytes)
        } catch {
            throw PipelineError(.usage, "\(file) is no valid manifest:\n\(error)")
        }
    }

    /// The one build line of TypeScript plugins; a plugin of plain JavaScript has nothing to build.
    public static let esbuildArguments = [
        "src/index.ts", "--bundle", "--format=esm", "--platform=neutral", "--main-fields=module,main",
        "--target=es2022", "--charset=utf8",
        "--external:@veroforge/sdk", "--outfile=dist/index.js",
    ]

    public func build() async throws(PipelineError) {
        guard Files.exists("\(path)/src/index.ts") else { return }
        let output: (ok: Bool, text: String)
        do {
            let result = try await Subprocess.run(
                .name("env"),
                arguments: Arguments(
                    ["-C", DataDirectory.absolute(path), "esbuild"] + Self.esbuildArguments + [
                        "--log-level=warning"
                    ]),
                output: .discarded, error: .string(limit: 65_536))
            output = (result.terminationStatus.isSuccess, result.standardError)
        } catch {
            throw PipelineError(
                .usage, "esbuild could not be started",
                remedy: "Install Debian's package esbuild, or build dist/ yourself.")
        }
        guard output.ok else {
            throw PipelineError(.usage, "\(path)/src/index.ts does not build:\n\(output.text)")
        }
    }

    /// Builds and packs: the same folder gives the same bytes.
    public func pack() async throws(PipelineError) -> Packed {
        let manifest = try manifest()
        try await build()
        guard Files.exists("\(path)/\(manifest.main)") else {
            throw PipelineError(
                .usage, "\(path)/\(manifest.main), which plugin.json names as main, does not exist")
        }
        do {
            let bytes = try BundleWriter.pack(folder: path)
            return Packed(name: "\(manifest.id)-\(manifest.version).vfp", bytes: bytes, manifest: manifest)
        } catch {
            throw PipelineError(.usage, "\(path) cannot be packed: \(error)")
        }
    }

    /// A bundle file as it is, or a folder packed. A file's manifest is read by the confined worker, as always.
    public static func bundle(at path: String, programs: ProgramFiles) async throws(PipelineError) -> Packed {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw PipelineError(.notFound, "\(path) does not exist")
        }
        if isFolder.boolValue { return try await PluginFolder(path).pack() }
        let bytes = try Files.read(path)
        switch await (try Workshop(programs: programs)).inspect(bytes) {
        case .incomplete(let why): throw PipelineError(.incomplete, "\(path) was not read: \(why)")
        case .refused(let why): throw PipelineError(.usage, "\(path) is no plugin bundle: \(why)")
        case .done(let manifestBytes):
            do {
                let manifest = try Manifest.parse(manifestBytes)
                return Packed(name: (path as NSString).lastPathComponent, bytes: bytes, manifest: manifest)
            } catch {
                throw PipelineError(.usage, "\(path): plugin.json is no valid manifest:\n\(error)")
            }
        }
    }

    /// The files of a bundle by path, taken apart by the confined worker.
    public static func files(
        of packed: Packed, programs: ProgramFiles
    ) async throws(PipelineError) -> [String: [UInt8]] {
        switch await (try Workshop(programs: programs)).unpack(packed.bytes) {
        case .done(let files): return files.byPath
        case .refused(let why): throw PipelineError(.usage, "\(packed.name) cannot be taken apart: \(why)")
        case .incomplete(let why):
            throw PipelineError(.incomplete, "\(packed.name) was not taken apart: \(why)")
        }
    }

    /// Where a bundle is written: the file or folder that was named, else here.
    public static func place(_ name: String, _ output: String?) -> String {
        guard let output else { return name }
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: output, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? "\(output)/\(name)" : output
    }

    /// `publisher.name@version`
    public static func split(_ text: String) throws(PipelineError) -> (PluginID, Version) {
        let parts = text.split(separator: "@", maxSplits: 1)
        guard parts.count == 2, let id = PluginID(String(parts[0])), let version = Version(String(parts[1]))
        else {
            throw PipelineError(
                .usage, "\(text) is not publisher.name@version", remedy: "For example veroforge.slack@1.0.0.")
        }
        return (id, version)
    }
}
