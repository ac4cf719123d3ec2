import Bundles
import Foundation
import Testing

struct BundleWriterTests {
    private let files: [(path: String, bytes: [UInt8])] = [
        ("plugin.json", Array("{\"id\": \"acme.sample\"}".utf8)),
        ("dist/index.js", Array(String(repeating: "export const answer = 42;\n", count: 200).utf8)),
        ("README.md", Array("# Sample\n".utf8)), ("dist/leer.txt", []),
    ]

    @Test("the same files give the same bytes, in whatever order they come")
    func packsTheSameBytesEveryTime() throws {
        let first = try BundleWriter.pack(files: files)
        #expect(try BundleWriter.pack(files: files.reversed()) == first)
        #expect(first.count < 1_000)
    }

    @Test("what is packed is read back, byte for byte, without a finding")
    func readsBackWhatItPacked() throws {
        let bundle = ArchiveReader.read(try BundleWriter.pack(files: files))
        #expect(bundle.problems.isEmpty)
        #expect(bundle.format == .zip)
        #expect(bundle.entries.map(\.path) == ["README.md", "dist/index.js", "dist/leer.txt", "plugin.json"])
        for file in files { #expect(bundle.file(file.path)?.bytes == file.bytes) }
    }

    @Test("other programs read what is packed")
    func isReadByUnzip() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("a.zip")
        try Data(try BundleWriter.pack(files: files)).write(to: path)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); sys.exit(z.testzip() is not None or len(z.namelist())!=4)",
            path.path,
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test(
        "a name that a reader would refuse is not packed",
        arguments: ["../a", "/a", "a\\b", "con", "a:b", "a "])
    func refusesUnsafeNames(_ name: String) {
        #expect(throws: BundleError.self) { try BundleWriter.pack(files: [(name, [1])]) }
    }

    @Test("a folder is packed by the rules of content, and a missing manifest is said")
    func packsAFolder() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("dist"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("src"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("1".utf8).write(to: folder.appendingPathComponent("dist/index.js"))
        try Data("2".utf8).write(to: folder.appendingPathComponent("src/index.ts"))
        do {
            _ = try BundleWriter.pack(folder: folder.path)
            Issue.record("a folder without plugin.json was packed")
        } catch {
            #expect(error.code == .missingManifest)
        }
        try Data("{}".utf8).write(to: folder.appendingPathComponent("plugin.json"))
        let bundle = ArchiveReader.read(try BundleWriter.pack(folder: folder.path))
        #expect(bundle.entries.map(\.path) == ["dist/index.js", "plugin.json"])
        try FileManager.default.createSymbolicLink(
            atPath: folder.appendingPathComponent("dist/link.js").path, withDestinationPath: "/etc/passwd")
        do {
            _ = try BundleWriter.pack(folder: folder.path)
            Issue.record("a link was packed")
        } catch {
            #expect(error.code == .link)
        }
    }

    @Test("tar and tar.gz are read as well, and the single folder of npm pack is the root")
    func readsTarballs() {
        let tar = TarFixture(.init("package/plugin.json", "{}"), .init("package/dist/index.js", "1")).bytes()
        for (bytes, format) in [(tar, UnpackedBundle.Format.tar), (gzip(tar), .tarGzip)] {
            let bundle = ArchiveReader.read(bytes)
            #expect(bundle.isSound)
            #expect(bundle.format == format)
            #expect(bundle.root == "package/")
            #expect(bundle.file("dist/index.js")?.bytes == Array("1".utf8))
        }
    }

    @Test("an archive inside is read too, under the path of the outer one")
    func readsNestedArchives() {
        var entry = ZipFixture.Entry("inner.tgz")
        entry.data = gzip(TarFixture(.init("a.js", "deep")).bytes())
        let bundle = ArchiveReader.read(ZipFixture(.init("plugin.json", "{}"), entry).bytes())
        #expect(bundle.isSound)
        #expect(bundle.entries.map(\.path) == ["inner.tgz", "inner.tgz!/a.js", "plugin.json"])
    }

    @Test("a stream of entries comes back as it went, and a cut one is refused")
    func streamsEntries() throws {
        let items = [
            EntryStream.Item(path: "a.js", bytes: Array("hello".utf8)),
            EntryStream.Item(kind: .skipped, path: "link", bytes: Array("it is a link".utf8)),
        ]
        let bytes = EntryStream.encode(items)
        #expect(try EntryStream.decode(bytes) == items)
        for count in 0..<bytes.count {
            #expect(throws: BundleError.self) { try EntryStream.decode(Array(bytes.prefix(count))) }
        }
        let bundle = ArchiveReader.read(bytes)
        #expect(bundle.format == .folder)
        #expect(bundle.unread.map(\.why) == ["it is a link"])
    }

    @Test("DEFLATE is inflated as it was deflated, whatever the content")
    func inflates() throws {
        var generator = SystemRandomNumberGenerator()
        for size in [1, 100, 5_000, 70_000] {
            let content = (0..<size).map { _ in
                UInt8.random(in: 0...(size.isMultiple(of: 100) ? 3 : 255), using: &generator)
            }
            let packed = try BundleWriter.pack(files: [("a", content)])
            #expect(ArchiveReader.read(packed).entries.first?.bytes == content)
        }
        #expect(throws: Inflate.Failure.malformed) { try Inflate.inflate([7, 0, 0][...], limit: 10) }
        #expect(throws: Inflate.Failure.truncated) { try Inflate.inflate([][...], limit: 10) }
    }
}
