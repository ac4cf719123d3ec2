import Bundles
import Foundation
import Marketplace
import Pipeline
import Scanning

/// How fast packages are scanned and how they are judged: the whole scan with the syntax tree, and the byte rules alone,
/// in one confined worker over the same files.
struct ScanMeasure: MeasuredBench {
    let name = "scan"
    let summary =
        "megabytes a CPU-second with and without the syntax tree, and the verdicts on harmless packages"

    /// A folder with one folder a package: `VEROFORGE_SCAN_CORPUS`, else the launch plugins.
    private func corpus(_ programs: ProgramFiles) -> String {
        ProcessInfo.processInfo.environment["VEROFORGE_SCAN_CORPUS"] ?? programs.plugins
    }

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        let folder = corpus(programs)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().prefix(count ?? .max)
        let workshop = try Workshop(programs: programs)
        var sum = ScanBench()
        var share: [EntryStream.Item] = []
        var shareBytes = 0
        func flush() async throws {
            guard !share.isEmpty else { return }
            let input = EntryStream.encode(share)
            (share, shareBytes) = ([], 0)
            switch await workshop.bench(input) {
            case .done(let part): sum.add(part)
            case .refused(let why), .incomplete(let why): throw PipelineError(.incomplete, why)
            }
        }
        for name in names {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder),
                isFolder.boolValue
            else { continue }
            for item in try FolderStream.items(folder: folder + "/" + name) {
                share.append(
                    EntryStream.Item(kind: item.kind, path: name + "/" + item.path, bytes: item.bytes))
                shareBytes += item.bytes.count
            }
            if shareBytes > 32 << 20 { try await flush() }
        }
        try await flush()
        return text(sum)
    }

    private func text(_ sum: ScanBench) -> String {
        func number(_ value: Double) -> String { String(format: "%.1f", value) }
        var lines = [
            "\(sum.packages) packages, \(sum.files) files, \(sum.bytes) bytes, of them \(sum.codeBytes) of code",
            "whole scan        \(number(sum.megabytesPerSecond)) MB per CPU-second (\(number(sum.cpuSeconds)) s)",
            "without the tree  \(number(sum.megabytesPerSecondBytesOnly)) MB per CPU-second",
            "the engine's part \(number(sum.cpuSecondsEngine)) s",
        ]
        for verdict in ScanVerdict.allCases {
            lines.append("\(verdict.rawValue): \(sum.verdicts[verdict.rawValue] ?? 0)")
        }
        for (package, rules) in sum.objections.sorted(by: { $0.key < $1.key }) {
            for rule in rules { lines.append("  \(package): \(rule)") }
        }
        for (rule, count) in sum.findings.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(count) \(rule)")
        }
        return lines.joined(separator: "\n")
    }
}
