import Advisories
import Bundles
import Foundation
public import Marketplace
public import Scanning

/// Scans of bundles, archives and folders through the confined worker: what the `scan` stage, `veroforge scan` and
/// `plugin check` share, so that they cannot come to different verdicts.
public struct ScanRoom: Sendable {
    public struct Result: Sendable {
        public let report: ScanReport
        public let sarif: [UInt8]
        public let sbom: [UInt8]
    }

    let workshop: Workshop
    let programs: ProgramFiles
    let advisories: String

    /// `advisories` is the store's file; if there is none, the seed in `rules/advisories` is asked.
    public init(_ programs: ProgramFiles, advisories: String?) throws(PipelineError) {
        workshop = try Workshop(programs: programs)
        self.programs = programs
        self.advisories = advisories ?? ""
    }

    /// A folder or a file from the disk. Contents are not looked into here: they go to the worker as they are.
    public func scan(path: String, asOf: Day) async throws(PipelineError) -> Workshop.Answer<Result> {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw PipelineError(.notFound, "\(path) does not exist")
        }
        let bytes: [UInt8]
        if isFolder.boolValue {
            do {
                bytes = try FolderStream.bytes(folder: path)
            } catch {
                throw PipelineError(.notFound, "\(path) cannot be read: \(error.cause)")
            }
        } else {
            bytes = Self.asArchive(try Files.read(path), name: (path as NSString).lastPathComponent)
        }
        let name = (path as NSString).lastPathComponent
        return await scan(bytes, name: name, asOf: asOf)
    }

    /// Scans an archive's bytes, then looks its dependencies up.
    public func scan(_ bytes: [UInt8], name: String, asOf: Day) async -> Workshop.Answer<Result> {
        switch await workshop.scan(bytes, name: name, today: asOf) {
        case .refused(let why): return .refused(why)
        case .incomplete(let why): return .incomplete(why)
        case .done(let outcome):
            do {
                let rules = try RuleSet(
                    files: try EntryStream.decode(try RulesBlob.bytes(folder: programs.rules)))
                let store = try AdvisoryShelf.open(advisories, programs)
                let report = outcome.completed(
                    advisories: store.source, rules: rules, now: store.isSeed ? nil : asOf.start)
                return .done(
                    Result(
                        report: report, sarif: SARIFWriter.write(report, rules: rules.descriptions),
                        sbom: SBOMWriter.write(outcome)))
            } catch {
                return .incomplete("\(error)")
            }
        }
    }

    /// Archives as they are; any other file as a folder of one.
    private static func asArchive(_ bytes: [UInt8], name: String) -> [UInt8] {
        let endings = [".vfp", ".zip", ".tgz", ".tar", ".gz"]
        if endings.contains(where: name.lowercased().hasSuffix) { return bytes }
        return EntryStream.encode([EntryStream.Item(path: name, bytes: bytes)])
    }
}

/// The advisories that a scan asks: the operator's store, or the small seed that comes with the rules.
enum AdvisoryShelf {
    static func open(
        _ path: String, _ programs: ProgramFiles
    ) throws(AdvisoryError) -> (source: AdvisoryStore, isSeed: Bool) {
        var isFolder: ObjCBool = false
        if !path.isEmpty, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else { return (try AdvisoryStore(path: path), false) }
            return (try imported(path), false)
        }
        return (try imported(programs.rules + "/advisories"), true)
    }

    /// Records from a folder in a store that lives as long as this process reads it.
    private static func imported(_ folder: String) throws(AdvisoryError) -> AdvisoryStore {
        let path = NSTemporaryDirectory() + "/veroforge-advisories-\(processID)-\(UUID().uuidString).sqlite"
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try AdvisoryImport.run(source: folder, destination: path)
        return try AdvisoryStore(path: path)
    }
}
