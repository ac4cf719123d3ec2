import Foundation
import Glibc
import Marketplace
import Provenance
import TestSupport
import Testing

/// What we publish is read by programs that others wrote. They come with `make venv`; without it there is nobody to
/// ask, and the tests say that they were skipped.
@Suite struct OthersReadUsTests {
    static let python =
        ProcessInfo.processInfo.environment["VEROFORGE_TEST_PYTHON"] ?? Products.file(".venv/bin/python")
    static var canAsk: Bool {
        run([python, "-c", "import tuf, securesystemslib, in_toto_attestation"]).status == 0
    }

    /// The real clock: python's client knows no other.
    static let now = Instant(seconds: Int64(Glibc.time(nil)))

    static func read(_ site: SampleSite, root: Int = 1) -> (status: Int32, output: String) {
        run([
            python, Products.file("Tests/Python/tuf_reads_catalogue.py"), site.site,
            "\(site.store.rootsFolder)/\(root).root.json", site.folder("work"),
        ])
    }

    static func site(versions: Int, pages: Int = 0) throws -> SampleSite {
        var site = try SampleSite(versions: versions)
        try FileManager.default.removeItem(atPath: site.store.rootsFolder)
        try site.store.createRootMetadata(now: now)
        for number in 0..<pages { site.files["docs/page-\(number).html"] = bytes("page \(number)") }
        return site
    }

    @Test(.enabled(if: canAsk, "python's tuf is not installed: make venv"))
    func pythonTUFAndInTotoReadEveryFileAndStatement() throws {
        let site = try Self.site(versions: 2)
        try site.publish(now: Self.now)
        let (status, output) = Self.read(site)
        #expect(status == 0, "\(output)")
        #expect(output.contains("14 targets, 14 statements, root version 1"), "\(output)")
    }

    @Test(.enabled(if: canAsk, "python's tuf is not installed: make venv"))
    func pythonTUFFollowsARotatedRootAndReadsBins() throws {
        let site = try Self.site(versions: 1, pages: 2_050)
        let old = try site.store.signingKey(.root)
        try site.store.rotateRoot(signers: [old], to: [fixedKey(78)], now: Self.now)
        try site.publish(now: Self.now)
        let (status, output) = Self.read(site)
        #expect(status == 0, "\(output)")
        #expect(output.contains("root version 2"), "\(output)")
    }

    @Test(.enabled(if: canAsk, "python's tuf is not installed: make venv"))
    func pythonTUFRefusesWhatWeRefuse() throws {
        let site = try Self.site(versions: 1)
        try site.publish(now: Self.now)
        #expect(Self.read(site).status == 0)
        var page = try site.folder.read("site/index.html")
        page[3] ^= 1
        try site.folder.write("site/index.html", page)
        let (status, output) = Self.read(site)
        #expect(status != 0)
        #expect(output.contains("Error"), "\(output)")
    }

    static func run(_ arguments: [String]) -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        do { try process.run() } catch { return (-1, "\(error)") }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
