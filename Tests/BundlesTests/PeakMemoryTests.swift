import Bundles
import Foundation
import TestSupport
import Testing

/// The worker's peak of resident memory, measured on the real process: no archive, hostile or only large, takes it past
/// 256 MiB.
struct PeakMemoryTests {
    static let peakMiBMax = 256

    /// Text that compresses about fourfold, different at each place.
    private static func text(_ count: Int, seed: Int) -> [UInt8] {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 64)
        while bytes.count < count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            let call = "value\(state % 100_000) = call(item, \(state % 977)); // \(state % 1_000_000)\n"
            bytes += Array(call.utf8)
        }
        return Array(bytes.prefix(count))
    }

    /// As large as a bundle may be: 240 MiB of text in 16 files.
    private static func files() -> [(String, [UInt8])] {
        (0..<16).map { ("data/\($0).txt", text(15 << 20, seed: $0 + 1)) }
    }

    private static func tar(_ files: [(String, [UInt8])]) -> TarFixture {
        var fixture = TarFixture()
        for (name, bytes) in files {
            var entry = TarFixture.Entry(name, "")
            entry.data = bytes
            fixture.entries.append(entry)
        }
        return fixture
    }

    /// Compressed by a program that others wrote.
    private func gzipped(_ path: String) throws {
        let result = try Tool.run("/bin/gzip", ["-f", path])
        #expect(result.code == 0, "\(result.errors)")
    }

    private func peaks(_ job: String, _ archives: [String], in scratch: Scratch) throws -> [String: (
        Int, Int
    )] {
        let rules = scratch.path + "/rules"
        try Data(EntryStream.encode(FolderStream.items(folder: Products.file("rules")))).write(
            to: URL(fileURLWithPath: rules))
        let result = try Tool.run(
            "/usr/bin/python3",
            [
                Products.file("Tests/BundlesTests/peak.py"), Products.path("veroforge-worker"),
                Products.file("rules/seccomp/worker.list"), rules, job,
            ] + archives)
        #expect(result.code == 0, "\(result.errors)")
        var found: [String: (Int, Int)] = [:]
        for line in result.output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            found[words[2]] = (Int(words[0]) ?? -1, (Int(words[1]) ?? .max) / 1_024)
        }
        return found
    }

    @Test("a bundle as large as one may be, zip or tar.gz, scanned and unpacked")
    func largeArchivesStayBelow() throws {
        let scratch = try Scratch()
        let files = Self.files()
        let zip = scratch.path + "/large.zip"
        try Data(BundleWriter.pack(files: files)).write(to: URL(fileURLWithPath: zip))
        let tar = scratch.path + "/large.tar"
        try Data(Self.tar(files).bytes()).write(to: URL(fileURLWithPath: tar))
        try gzipped(tar)
        for job in ["scan", "unpack", "inspect"] {
            let found = try peaks(job, [zip, tar + ".gz"], in: scratch)
            #expect(found.count == 2)
            for (name, (status, peak)) in found {
                #expect(status == 0, "\(job) \(name)")
                #expect(peak <= Self.peakMiBMax, "\(job) \(name): \(peak) MiB")
            }
        }
    }

    @Test("every archive of the hostile table")
    func hostileArchivesStayBelow() throws {
        let scratch = try Scratch()
        var paths: [String] = []
        for (index, item) in HostileArchiveTests.all.enumerated() {
            let path = scratch.path + "/\(index)"
            try Data(item.bytes()).write(to: URL(fileURLWithPath: path))
            paths.append(path)
        }
        let found = try peaks("scan", paths, in: scratch)
        #expect(found.count == paths.count && paths.count > 40)
        for (name, (status, peak)) in found {
            let item = HostileArchiveTests.all[Int(name) ?? 0].name
            #expect(status == 0, "\(item)")
            #expect(peak <= Self.peakMiBMax, "\(item): \(peak) MiB")
        }
    }
}
