import Foundation
import Marketplace
import Provenance
import Scanning

/// Scans that were done before, by everything they depend on: the bytes, the rules, the scanner and the day. Only what
/// a worker finished is kept; what did not complete is done again.
struct ScanCache: Sendable {
    let folder: String

    /// Beside the user's other caches; nil where there is no home.
    static func standard(_ environment: [String: String]) -> ScanCache? {
        if let folder = environment["VEROFORGE_SCAN_CACHE"] {
            return folder.isEmpty ? nil : ScanCache(folder: folder)
        }
        let base = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { $0 + "/.cache" }
        return base.map { ScanCache(folder: $0 + "/veroforge/scans") }
    }

    /// - Parameter rules: digest of all that the worker is given besides the input.
    static func key(_ input: Digest, rules: String, name: String, day: Day, worker: String) -> String {
        digest([input.hex, rules, Scanner.version, stamp(worker), name, day.description])
    }

    /// Of what is printed: what the scan depends on, the form, the advisories that were asked, and who writes it.
    static func key(_ scan: String, form: String, advisories: String) -> String {
        digest([scan, form, advisories, stamp(ProgramFiles.executablePath())])
    }

    private static func digest(_ parts: [String]) -> String {
        Digest.sha256(of: Array(parts.joined(separator: "\n").utf8)).hex
    }

    /// Another build of a program is another program; the same of any other file.
    static func stamp(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "none" }
        return "\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    func outcome(_ key: String) -> ScanOutcome? {
        guard let data = FileManager.default.contents(atPath: path(key)) else { return nil }
        return try? ScanOutcome(json: [UInt8](data))
    }

    /// A cache that cannot be written is no reason to fail a scan.
    func keep(_ outcome: ScanOutcome, _ key: String) {
        guard outcome.report.verdict != .incomplete else { return }
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try? Files.write(outcome.json(), to: path(key), mode: 0o600)
        trim()
    }

    /// What was printed of a scan; nil where it was not, or is not whole.
    func printed(_ key: String) -> PrintedScan? {
        guard let data = FileManager.default.contents(atPath: printedPath(key)) else { return nil }
        return PrintedScan(stored: [UInt8](data))
    }

    func keep(_ printed: PrintedScan, _ key: String) {
        guard printed.verdict != .incomplete else { return }
        try? Files.write(printed.stored, to: printedPath(key), mode: 0o600)
    }

    private func printedPath(_ key: String) -> String { folder + "/" + key + ".printed" }

    /// A scan is two: what the worker found, and what was printed of it.
    private static let entriesMax = 1_000

    /// The oldest go when there are too many.
    private func trim() {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder),
            names.count > Self.entriesMax
        else { return }
        let dated = names.map { name -> (Date, String) in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)
            return (attributes?[.modificationDate] as? Date ?? .distantPast, name)
        }
        for (_, name) in dated.sorted(by: { $0 < $1 }).prefix(names.count - Self.entriesMax) {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
        }
    }

    private func path(_ key: String) -> String { folder + "/" + key + ".json" }
}
