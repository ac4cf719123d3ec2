import Foundation
import Marketplace
import Registry

extension DataBackup {
    /// Puts a backup into a new data directory. Everything is checked before anything is there: each file's digest, that
    /// nothing is missing or added, and that each database is whole. A newer program's tables are brought up to date
    /// when a program first opens them.
    public static func restore(_ folder: String, into root: String) throws(PipelineError) -> Summary {
        let files = FileManager.default
        let manifest = try readManifest(folder)
        if let present = try? files.contentsOfDirectory(atPath: root), !present.isEmpty {
            throw PipelineError(
                .usage, "\(root) is not empty", remedy: "Name a new folder, or move the old one away first.")
        }
        try verify(folder, manifest)
        let partial = root + ".partial"
        do {
            try? files.removeItem(atPath: partial)
            try files.createDirectory(atPath: partial, withIntermediateDirectories: true)
            for entry in manifest.files {
                let path = "\(partial)/\(entry.path)"
                try files.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try files.copyItem(atPath: "\(folder)/\(entry.path)", toPath: path)
                try files.setAttributes(
                    [.posixPermissions: entry.secret ? 0o600 : 0o644], ofItemAtPath: path)
            }
            for (path, target) in manifest.links {
                try files.createSymbolicLink(atPath: "\(partial)/\(path)", withDestinationPath: target)
            }
            for name in DataDirectory.folders {
                try files.createDirectory(atPath: "\(partial)/\(name)", withIntermediateDirectories: true)
            }
            sync()
            try? files.removeItem(atPath: root)
            try files.moveItem(atPath: partial, toPath: root)
        } catch {
            try? files.removeItem(atPath: partial)
            throw PipelineError(.incomplete, "nothing was restored: \(error.localizedDescription)")
        }
        return Summary(files: manifest.files.count, bytes: manifest.files.reduce(0) { $0 + $1.bytes })
    }

    private static func readManifest(_ folder: String) throws(PipelineError) -> Manifest {
        guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(manifestName)") else {
            throw PipelineError(
                .notFound, "\(folder) is no whole backup: it has no \(manifestName)",
                remedy: "Take another: a backup without it broke off.")
        }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: bytes), manifest.schema == schema
        else {
            throw PipelineError(.usage, "\(folder)/\(manifestName) is not of a form that this version reads")
        }
        guard manifest.format <= DataDirectory.format else {
            throw PipelineError(
                .usage, "\(folder) was taken by a newer version (format \(manifest.format))",
                remedy: "Restore it with that version.")
        }
        return manifest
    }

    private static func verify(_ folder: String, _ manifest: Manifest) throws(PipelineError) {
        for entry in manifest.files {
            let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.isEmpty, !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
                throw PipelineError(.findings, "\(folder): \(entry.path) leads out of the backup")
            }
            guard let (digest, count) = try? digest("\(folder)/\(entry.path)"), digest == entry.sha256,
                count == entry.bytes
            else {
                throw PipelineError(
                    .findings, "\(folder)/\(entry.path) is not what was backed up; nothing was restored")
            }
        }
        for name in manifest.files.map(\.path) where name.hasSuffix(".sqlite") {
            do { try Registry.checkDatabase("\(folder)/\(name)") } catch {
                throw PipelineError(.findings, "\(folder)/\(name): \(error.cause)")
            }
        }
    }
}
