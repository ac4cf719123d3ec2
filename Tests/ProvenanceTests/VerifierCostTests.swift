import Foundation
import Glibc
import Marketplace
import Provenance
import TestSupport
import Testing

/// `catalogue verify` over 2,000 versions against `sha256sum` over the same files, in processor time.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["VEROFORGE_TEST_FULL"] != nil))
struct VerifierCostTests {
    /// The processor time of this thread, so that tests beside this one do not count.
    static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test func verifyingCostsLittleMoreThanHashing() throws {
        let versions = 2_000
        var site = try SampleSite(versions: versions)
        var random = SeededRandom(4)
        let block = (0..<1 << 16).map { _ in UInt8.random(in: 0...255, using: &random) }
        for number in 0..<versions {
            // A bundle and its reports come to some 200 kB.
            site.files["plugins/acme/tool/1.\(number).0/report/scan.sarif"] =
                block + block + block + bytes("\(number)")
        }
        try site.publish()
        let before = Self.threadSeconds()
        let report = CatalogueVerifier.verify(
            directory: site.site, trust: .key(try site.store.verifyingKey(.root)), asOf: SampleSite.start,
            threads: 1)
        let ours = Self.threadSeconds() - before
        #expect(report.problems == [])
        #expect(report.proofsChecked == versions)

        // The last line of the shell's `times` is the processor time of its children: user and system.
        let (_, output) = OthersReadUsTests.run([
            "bash", "-c",
            "find '\(site.site)' -type f -print0 | xargs -0 sha256sum > /dev/null; times",
        ])
        let times = output.split(separator: "\n").last ?? ""
        let theirs = times.split(separator: " ").reduce(0.0) { sum, part in
            let fields = part.split { $0 == "m" || $0 == "s" }.compactMap { Double($0) }
            return fields.count == 2 ? sum + fields[0] * 60 + fields[1] : sum
        }
        #expect(theirs > 0, "\(output)")
        print(
            "verify \(Double(report.bytesChecked) / 1e6) MB, \(versions) proofs: \(ours) s; sha256sum: \(theirs) s"
        )
    }
}
