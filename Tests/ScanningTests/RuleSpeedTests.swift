import Foundation
import Glibc
import Marketplace
import Testing

@testable import Scanning

/// No rule may make the pass slow by itself: one letter wrong in a pattern costs a hundredfold.
struct RuleSpeedTests {
    /// Ten times below what the slowest rule reaches, so that a busy machine is no reason to fail.
    private static let megabytesPerSecondMin = 30.0

    /// Two megabytes of the repository's own code, prose and data.
    private static func sample() throws -> [UInt8] {
        var bytes: [UInt8] = []
        for folder in ["plugins", "docs", "rules"] {
            let walk = try #require(FileManager.default.enumerator(atPath: Repository.root + "/" + folder))
            for case let name as String in walk {
                let path = "\(Repository.root)/\(folder)/\(name)"
                guard ["js", "ts", "md", "json", "yaml", "tsv"].contains((name as NSString).pathExtension),
                    let data = FileManager.default.contents(atPath: path)
                else { continue }
                bytes += data
            }
        }
        let once = bytes
        while bytes.count < 2_000_000 { bytes += once }
        return Array(bytes.prefix(2_000_000))
    }

    /// CPU time of this thread alone: other tests run beside it.
    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("each byte rule and each secret pattern keeps its speed by itself")
    func everyRuleIsFast() throws {
        let sample = try Self.sample()
        var sources: [(name: String, text: String)] = []
        let folder = Repository.root + "/rules/yara"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        where name.hasSuffix(".yar") {
            sources.append((name, try Repository.text("rules/yara/\(name)")))
        }
        for rule in try Repository.rules().secrets.rules { sources.append((rule.id, rule.yaraSource)) }
        #expect(sources.count > 130)
        for source in sources {
            let engine = try YaraEngine(sources: [source])
            let begin = Self.seconds()
            _ = try engine.scan(sample)
            let speed = Double(sample.count) / 1e6 / max(Self.seconds() - begin, 1e-9)
            #expect(speed >= Self.megabytesPerSecondMin, "\(source.name): \(Int(speed)) MB a second")
        }
    }

    @Test("all rules together keep half of it")
    func allRulesTogetherAreFast() throws {
        let sample = try Self.sample()
        let rules = try Repository.rules()
        let begin = Self.seconds()
        _ = try rules.yara.scan(sample)
        let speed = Double(sample.count) / 1e6 / max(Self.seconds() - begin, 1e-9)
        #expect(speed >= Self.megabytesPerSecondMin / 2, "\(Int(speed)) MB a second")
    }
}
