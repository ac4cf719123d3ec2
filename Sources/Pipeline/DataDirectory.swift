import Foundation
public import Marketplace
import Yams

/// A marketplace's data on disk. Its layout is a contract: other programs read and mirror these folders.
public struct DataDirectory: Sendable {
    /// The layout's version that this program writes; a higher one is refused, never guessed at.
    public static let format = 1

    public let root: String
    public let configuration: Configuration

    public var configurationFile: String { root + "/veroforge.yaml" }
    public var registry: String { root + "/registry.sqlite" }
    public var advisories: String { root + "/advisories.sqlite" }
    public var ledger: String { root + "/ledger.sqlite" }
    public var inbox: String { root + "/inbox" }
    public var keys: String { root + "/keys" }
    public var bundles: String { root + "/bundles" }
    public var usage: String { root + "/usage" }
    public var billing: String { root + "/billing" }
    public var audit: String { root + "/audit" }
    public var site: String { root + "/site" }
    public var locks: String { root + "/locks" }
    /// Unpacked bundles and rendered texts, by digest: may be deleted at any time.
    public var cache: String { root + "/cache" }

    public func inbox(_ bundle: Digest) -> String { "\(inbox)/\(bundle).vfp" }
    public func signature(_ bundle: Digest) -> String { "\(inbox)/\(bundle).sig.json" }
    public func bundle(_ bundle: Digest) -> String { "\(bundles)/\(bundle).vfp" }
    public func report(_ bundle: Digest, _ name: String) -> String { "\(root)/reports/\(bundle)/\(name)" }

    static let folders = [
        "inbox", "keys", "bundles", "reports", "usage", "billing", "audit", "log", "site/builds", "locks",
        "cache",
    ]

    /// Opens an existing data directory and reads its configuration.
    public static func open(_ root: String) throws(PipelineError) -> DataDirectory {
        let file = root + "/veroforge.yaml"
        guard let text = FileManager.default.contents(atPath: file) else {
            throw PipelineError(
                .notFound, "\(root) is no data directory: it has no veroforge.yaml",
                remedy:
                    "Make one with `veroforge init --data \(root)`, or name another with --data or VEROFORGE_DATA."
            )
        }
        let configuration = try Configuration.read(String(decoding: text, as: UTF8.self), named: file)
        guard configuration.format <= format else {
            throw PipelineError(
                .usage,
                "\(root) was written by a newer version (format \(configuration.format), this one reads \(format))",
                remedy: "Use the programs that wrote it, or a newer release.")
        }
        return DataDirectory(root: absolute(root), configuration: configuration)
    }

    /// Makes a new one. An existing file is never overwritten.
    public static func create(_ root: String, configuration text: String) throws(PipelineError)
        -> DataDirectory
    {
        let manager = FileManager.default
        guard !manager.fileExists(atPath: root + "/veroforge.yaml") else {
            throw PipelineError(
                .usage, "\(root) is a data directory already",
                remedy: "Nothing was changed. Name another with --data.")
        }
        do {
            for folder in folders {
                try manager.createDirectory(
                    atPath: "\(root)/\(folder)", withIntermediateDirectories: true,
                    attributes: folder == "keys" ? [.posixPermissions: 0o700] : nil)
            }
        } catch {
            throw PipelineError(.notFound, "\(root) cannot be made: \(error.localizedDescription)")
        }
        _ = try Configuration.read(text, named: "the new veroforge.yaml")
        try Files.write(Array(text.utf8), to: root + "/veroforge.yaml")
        return try open(root)
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}

/// Small whole files: read at once, written beside and renamed, so that no reader sees half of one.
public enum Files {
    public static func read(_ path: String) throws(PipelineError) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw PipelineError(.notFound, "\(path) cannot be read: \(words(error))")
        }
    }

    public static func readIfPresent(_ path: String) throws(PipelineError) -> [UInt8]? {
        FileManager.default.fileExists(atPath: path) ? try read(path) : nil
    }

    /// Written, synced and renamed into place; folders on the way are made.
    public static func write(_ bytes: [UInt8], to path: String, mode: Int = 0o644) throws(PipelineError) {
        let folder = (path as NSString).deletingLastPathComponent
        let temporary = "\(path).\(getpid()).partial"
        do {
            if !folder.isEmpty {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            guard
                FileManager.default.createFile(
                    atPath: temporary, contents: Data(bytes), attributes: [.posixPermissions: mode])
            else { throw CocoaError(.fileWriteUnknown) }
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: temporary))
            try handle.synchronize()
            try handle.close()
        } catch {
            throw PipelineError(.tryLater, "\(path) cannot be written: \(words(error))")
        }
        guard rename(temporary, path) == 0 else {
            throw PipelineError(
                .tryLater, "\(path) cannot be put in place: \(String(cString: strerror(errno)))")
        }
    }

    public static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Names in a folder, sorted; empty if there is none.
    public static func list(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// An operating system's reason without the framework's wrapping.
    static func words(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        if let posix = underlying, posix.domain == NSPOSIXErrorDomain {
            return String(cString: strerror(Int32(posix.code)))
        }
        return error.localizedDescription
    }
}
