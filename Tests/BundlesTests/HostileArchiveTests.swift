import Bundles
import Testing

/// The table of hostile archives: each is refused by the finding that names it.
struct HostileArchiveTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var kind: ArchiveProblem.Kind
        var bytes: @Sendable () -> [UInt8]
        var testDescription: String { name }

        init(_ name: String, _ kind: ArchiveProblem.Kind, _ bytes: @escaping @Sendable () -> [UInt8]) {
            self.name = name
            self.kind = kind
            self.bytes = bytes
        }
    }

    static func zip(_ entry: ZipFixture.Entry) -> [UInt8] {
        ZipFixture(.init("plugin.json", "{}"), entry).bytes()
    }

    static func changed(_ name: String, _ change: (inout ZipFixture.Entry) -> Void) -> [UInt8] {
        var entry = ZipFixture.Entry(name)
        change(&entry)
        return zip(entry)
    }

    static let names: [Case] = [
        Case("traversal", .traversal) { zip(.init("../evil.js")) },
        Case("traversal inside", .traversal) { zip(.init("dist/../../evil.js")) },
        Case("traversal by backslash", .traversal) { zip(.init("..\\evil.js")) },
        Case("absolute", .absolute) { zip(.init("/etc/cron.d/evil")) },
        Case("backslash", .backslash) { zip(.init("dist\\a.js")) },
        Case("drive letter", .driveLetter) { zip(.init("C:/evil.js")) },
        Case("stream", .streamName) { zip(.init("a.js:stream")) },
        Case("reserved name", .reservedName) { zip(.init("dist/aux.js")) },
        Case("reserved name COM1", .reservedName) { zip(.init("COM1")) },
        Case("trailing dot", .trailingDotOrSpace) { zip(.init("dist/a.")) },
        Case("trailing space", .trailingDotOrSpace) { zip(.init("dist/a ")) },
        Case("NUL", .nulName) { changed("a.js") { $0.name = Array("a.js".utf8) + [0] + Array(".txt".utf8) } },
        Case("control", .controlName) { zip(.init("a\u{1B}[2Jb.js")) },
        Case("bidi", .bidirectionalName) { zip(.init("a\u{202E}sj.exe")) },
        Case("invisible", .bidirectionalName) { zip(.init("a\u{200B}.js")) },
        Case("invalid UTF-8", .invalidUTF8) { changed("a") { $0.name = [0x61, 0xFF, 0x62] } },
        Case("empty", .emptyName) { changed("a") { $0.name = [] } },
        Case("empty part", .emptyName) { zip(.init("dist//a.js")) },
        Case("dot", .dotName) { zip(.init("./a.js")) },
        Case("path length", .pathLength) { zip(.init(String(repeating: "a", count: 1_025))) },
        Case("path depth", .pathDepth) { zip(.init(String(repeating: "a/", count: 80) + "b")) },
        Case("case twin", .caseTwin) { ZipFixture(.init("a.js"), .init("A.js")).bytes() },
        Case("case twin folder", .caseTwin) { ZipFixture(.init("dist/a.js"), .init("Dist/b.js")).bytes() },
        Case("normal form twin", .normalFormTwin) {
            ZipFixture(.init("\u{E9}.js"), .init("e\u{301}.js")).bytes()
        },
        Case("duplicate", .duplicate) { ZipFixture(.init("a.js"), .init("a.js", "y")).bytes() },
        Case("file as directory", .fileAsDirectory) { ZipFixture(.init("a"), .init("a/b.js")).bytes() },
        Case("Unicode path extra", .unicodePath) {
            changed("a.js") { entry in
                let other = Array("evil.js".utf8)
                entry.extra = [0x75, 0x70, UInt8(5 + other.count), 0, 1, 0, 0, 0, 0] + other
            }
        },
    ]

    static let kinds: [Case] = [
        Case("symlink", .symlink) { zip(.init("link", "/etc/passwd", mode: 0o120777)) },
        Case("device", .device) { zip(.init("dev", mode: 0o060644)) },
        Case("fifo", .fifo) { zip(.init("pipe", mode: 0o010644)) },
        Case("socket", .socket) { zip(.init("socket", mode: 0o140644)) },
        Case("setuid", .setuid) { zip(.init("tool", mode: 0o104755)) },
        Case("directory with data", .directoryData) { zip(.init("dir/", "data", mode: 0o040755)) },
        Case("encrypted", .encrypted) { changed("a.js") { $0.flags = 1 } },
        Case("tar symlink", .symlink) { TarFixture(.init("l", type: "2", link: "/etc/passwd")).bytes() },
        Case("tar hardlink", .hardlink) { TarFixture(.init("a"), .init("l", type: "1", link: "a")).bytes() },
        Case("tar character device", .device) { TarFixture(.init("d", type: "3")).bytes() },
        Case("tar fifo", .fifo) { TarFixture(.init("p", type: "6")).bytes() },
        Case("tar setuid", .setuid) { TarFixture(.init("t", mode: 0o4755)).bytes() },
        Case("tar sparse", .sparse) { TarFixture(.init("s", type: "S")).bytes() },
        Case("pax sparse", .sparse) {
            TarFixture(.init("x", "22 GNU.sparse.major=1\n", type: "x"), .init("a")).bytes()
        },
        Case("pax global", .paxGlobal) {
            TarFixture(.init("g", "12 path=evi\n", type: "g"), .init("a")).bytes()
        },
        Case("tar traversal", .traversal) { TarFixture(.init("../evil")).bytes() },
        Case("tar absolute", .absolute) { TarFixture(.init("/evil")).bytes() },
        Case("pax path traversal", .traversal) {
            TarFixture(.init("x", "16 path=../evil\n", type: "x"), .init("a")).bytes()
        },
    ]

    static let structure: [Case] = [
        Case("central and local names differ", .headerMismatch) {
            changed("a.js") { $0.localName = Array("b.js".utf8) }
        },
        Case("hidden entry", .hiddenEntry) { changed("secret.js") { $0.isListed = false } },
        Case("gap", .hiddenEntry) { changed("a.js") { $0.gap = Array("left over".utf8) } },
        Case("glued zip in a gap", .glued) {
            changed("a.js") { $0.gap = [0] + ZipFixture(.init("b.js")).bytes() }
        },
        Case("glued zip in the comment", .glued) {
            var fixture = ZipFixture(.init("plugin.json"))
            fixture.comment = ZipFixture(.init("b.js")).bytes()
            return fixture.bytes()
        },
        Case("suffix", .suffix) {
            var fixture = ZipFixture(.init("plugin.json"))
            fixture.suffix = Array("tail".utf8)
            return fixture.bytes()
        },
        Case("prefix", .prefix) {
            var fixture = ZipFixture(.init("plugin.json"))
            fixture.prefix = [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0x41, count: 40)
            return fixture.bytes()
        },
        Case("polyglot JavaScript", .polyglot) {
            var fixture = ZipFixture(.init("plugin.json"))
            fixture.prefix = Array("export default 1;\n/*".utf8)
            return fixture.bytes()
        },
        Case("polyglot PNG inside", .polyglot) {
            var fixture = ZipFixture(.init("a"))
            fixture.prefix = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            var entry = ZipFixture.Entry("icon.png")
            entry.data = fixture.bytes()
            return zip(entry)
        },
        Case("overlap", .overlap) {
            var bytes = ZipFixture(.init("a.js", "aaaa"), .init("b.js", "bbbb")).bytes()
            // The second entry's offset in the directory is pointed at the first one.
            let second = bytes.indices.filter {
                $0 + 4 < bytes.count && Array(bytes[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2]
            }[1]
            for index in 0..<4 { bytes[second + 42 + index] = 0 }
            return bytes
        },
        Case("no central directory", .truncated) {
            let bytes = ZipFixture(.init("a.js", "hello")).bytes()
            return Array(bytes.prefix(bytes.count - 30))
        },
        Case("cut in the middle", .truncated) {
            Array(ZipFixture(.init("a.js", String(repeating: "a", count: 900))).bytes().prefix(300))
        },
        Case("empty file", .truncated) { [] },
        Case("bad CRC", .badChecksum) { changed("a.js") { $0.checksum = 1 } },
        Case("declared too large", .sizeLie) { changed("a.js") { $0.plainBytes = 999 } },
        Case("declared too small", .sizeLie) { changed("a.js") { $0.plainBytes = 0 } },
        Case("not an archive", .unknownFormat) { Array("hello, this is no archive at all".utf8) },
        Case("truncated tar", .truncated) {
            Array(TarFixture(.init("a", String(repeating: "a", count: 600))).bytes().prefix(900))
        },
        Case("tar without end", .truncated) {
            var fixture = TarFixture(.init("a"))
            fixture.end = []
            return fixture.bytes()
        },
        Case("glued tar", .glued) { TarFixture(.init("a")).bytes() + TarFixture(.init("b")).bytes() },
        Case("tar suffix", .suffix) { TarFixture(.init("a")).bytes() + Array("junk".utf8) },
        Case("gzip junk", .gzipJunk) { gzip(TarFixture(.init("a")).bytes()) + Array("junk".utf8) },
        Case("gzip second member", .gzipJunk) {
            gzip(TarFixture(.init("a")).bytes()) + gzip(TarFixture(.init("b")).bytes())
        },
        Case("gzip bad CRC", .badChecksum) {
            var bytes = gzip(TarFixture(.init("a")).bytes())
            bytes[bytes.count - 8] ^= 1
            return bytes
        },
        Case("gzip truncated", .truncated) { Array(gzip(TarFixture(.init("a")).bytes()).dropLast(40)) },
        Case("gzip without tar", .unknownFormat) { gzip(Array("hello".utf8)) },
        Case("nested too deep", .nesting) {
            var bytes = ZipFixture(.init("a.js")).bytes()
            for _ in 0..<3 {
                var entry = ZipFixture.Entry("inner.zip")
                entry.data = bytes
                bytes = zip(entry)
            }
            return bytes
        },
        Case("hostile nested archive", .traversal) {
            var entry = ZipFixture.Entry("inner.zip")
            entry.data = ZipFixture(.init("../evil")).bytes()
            return zip(entry)
        },
    ]

    static let all = names + kinds + structure

    @Test("every hostile name is refused by its own finding", arguments: names)
    func refusesHostileName(_ item: Case) { check(item) }

    @Test("every hostile kind of entry is refused by its own finding", arguments: kinds)
    func refusesHostileKind(_ item: Case) { check(item) }

    @Test("every hostile structure is refused by its own finding", arguments: structure)
    func refusesHostileStructure(_ item: Case) { check(item) }

    private func check(_ item: Case) {
        let bundle = ArchiveReader.read(item.bytes())
        #expect(bundle.problems.contains { $0.kind == item.kind }, "found \(bundle.problems.map(\.rule))")
        #expect(!bundle.isSound)
    }

    @Test("every limit is counted while inflating")
    func countsLimitsWhileInflating() throws {
        let zeros = [UInt8](repeating: 0, count: 3 << 20)
        let bomb = try BundleWriter.pack(files: [("zeros", zeros)])
        #expect(ArchiveReader.read(bomb).problems.map(\.kind) == [.ratio])

        var limits = BundleLimits()
        limits.ratioMax = 1_000_000
        limits.entryBytesMax = 1 << 20
        #expect(ArchiveReader.read(bomb, limits: limits).problems.map(\.kind) == [.entrySize])

        limits.entryBytesMax = 16 << 20
        limits.outputBytesMax = 2 << 20
        #expect(ArchiveReader.read(bomb, limits: limits).problems.map(\.kind) == [.totalSize])

        limits = BundleLimits()
        limits.entriesMax = 2
        let three = try BundleWriter.pack(files: [("a", [1]), ("b", [2]), ("c", [3])])
        #expect(ArchiveReader.read(three, limits: limits).problems.map(\.kind) == [.entryCount])

        limits = BundleLimits()
        limits.inputBytesMax = 10
        #expect(ArchiveReader.read(three, limits: limits).problems.map(\.kind) == [.inputSize])
    }

    @Test("no prefix of an archive is taken for a sound one")
    func refusesEveryTruncation() throws {
        let whole = try BundleWriter.pack(files: [
            ("plugin.json", Array("{}".utf8)),
            ("dist/a.js", Array(String(repeating: "export const a = 1;\n", count: 40).utf8)),
        ])
        #expect(ArchiveReader.read(whole).isSound)
        for count in stride(from: 0, to: whole.count, by: 3) {
            #expect(
                !ArchiveReader.read(Array(whole.prefix(count))).isSound, "\(count) of \(whole.count) bytes")
        }
    }

    @Test("what is not read is listed with its reason")
    func listsWhatIsNotRead() {
        let bundle = ArchiveReader.read(Self.zip(.init("link", "/etc/passwd", mode: 0o120777)))
        #expect(bundle.unread.map(\.path) == ["link"])
        #expect(bundle.entries.map(\.path) == ["plugin.json"])
    }
}
