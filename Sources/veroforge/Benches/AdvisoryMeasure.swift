import Advisories
import Foundation
import Marketplace
import Pipeline

/// How long it takes to import generated OSV records from one zip's worth of files, and to look packages up.
struct AdvisoryMeasure: MeasuredBench {
    let name = "advisories"
    let summary = "import of 250,000 generated OSV records, and 1,000 packages looked up"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        let records = count ?? 250_000
        let folder = NSTemporaryDirectory() + "/veroforge-advisories-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let export = folder + "/all.zip"
        try GeneratedExport.write(records, to: export)
        let begin = ContinuousClock.now
        let result = try AdvisoryImport.run(source: export, destination: folder + "/store.sqlite")
        let imported = begin.duration(to: .now)
        let opening = ContinuousClock.now
        let store = try AdvisoryStore(path: folder + "/store.sqlite")
        var found = 0
        for number in 0..<1_000 {
            let package = GeneratedExport.package(number * 37 % records)
            found += try store.advisories(package: package, version: Version(1, UInt64(number % 9), 0)).count
        }
        let lookedUp = opening.duration(to: .now)
        func seconds(_ duration: Duration) -> Double {
            Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        }
        return """
            import of \(result.records) records: \(String(format: "%.1f", seconds(imported))) s
            1,000 packages looked up, \(found) advisories: \(String(format: "%.1f", seconds(lookedUp) * 1_000)) ms
            """
    }
}

/// A zip of made-up records, stored and not compressed, in the form in which databases give theirs out.
enum GeneratedExport {
    static func package(_ number: Int) -> String { "generated-\(number / 3)" }

    static func record(_ number: Int) -> String {
        """
        {"schema_version":"1.6.0","id":"GEN-2026-\(number)","modified":"2026-11-01T00:00:00Z",\
        "published":"2026-10-01T00:00:00Z","aliases":["CVE-2026-\(number)"],"summary":"Generated record \(number)",\
        "details":"\(String(repeating: "What is wrong with it, in some words. ", count: 20))",\
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],\
        "affected":[{"package":{"ecosystem":"npm","name":"\(package(number))"},\
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.\(number % 7).0"}]}],\
        "versions":["2.0.0","2.0.1"]}],"database_specific":{"severity":"HIGH","cwe_ids":["CWE-79"]}}
        """
    }

    static func write(_ count: Int, to path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw PipelineError(.incomplete, "\(path) cannot be written") }
        defer { try? file.close() }
        var directory: [UInt8] = []
        var chunk: [UInt8] = []
        var offset: UInt64 = 0
        func put(_ value: UInt64, _ bytes: Int, _ into: inout [UInt8]) {
            for index in 0..<bytes { into.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
        }
        for number in 0..<count {
            let name = Array("GEN-2026-\(number).json".utf8)
            let data = Array(record(number).utf8)
            let crc = UInt64(Self.crc32(data))
            let start = offset + UInt64(chunk.count)
            put(0x0403_4B50, 4, &chunk)
            for value in [20, 0, 0, 0, 33] as [UInt64] { put(value, 2, &chunk) }
            for value in [crc, UInt64(data.count), UInt64(data.count)] { put(value, 4, &chunk) }
            put(UInt64(name.count), 2, &chunk)
            put(0, 2, &chunk)
            chunk += name + data
            put(0x0201_4B50, 4, &directory)
            for value in [20, 20, 0, 0, 0, 33] as [UInt64] { put(value, 2, &directory) }
            for value in [crc, UInt64(data.count), UInt64(data.count)] { put(value, 4, &directory) }
            for value in [UInt64(name.count), 0, 0, 0, 0] { put(value, 2, &directory) }
            put(0, 4, &directory)
            put(start, 4, &directory)
            directory += name
            if chunk.count > 4 << 20 {
                try file.write(contentsOf: chunk)
                offset += UInt64(chunk.count)
                chunk = []
            }
        }
        let begin = offset + UInt64(chunk.count)
        chunk += directory
        let end = begin + UInt64(directory.count)
        // ZIP64, as every export of more than 65,535 records needs it.
        put(0x0606_4B50, 4, &chunk)
        put(44, 8, &chunk)
        for value in [45, 45] as [UInt64] { put(value, 2, &chunk) }
        for value in [0, 0] as [UInt64] { put(value, 4, &chunk) }
        for value in [UInt64(count), UInt64(count), UInt64(directory.count), begin] { put(value, 8, &chunk) }
        put(0x0706_4B50, 4, &chunk)
        put(0, 4, &chunk)
        put(end, 8, &chunk)
        put(1, 4, &chunk)
        put(0x0605_4B50, 4, &chunk)
        for value in [0, 0, 0xFFFF, 0xFFFF] as [UInt64] { put(value, 2, &chunk) }
        put(0xFFFF_FFFF, 4, &chunk)
        put(0xFFFF_FFFF, 4, &chunk)
        put(0, 2, &chunk)
        try file.write(contentsOf: chunk)
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
