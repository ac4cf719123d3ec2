import Foundation
import Marketplace
import TestSupport
import Testing

/// Ranges mean what npm means: its published cases, and node-semver itself asked about thousands of generated ones.
@Suite struct NodeSemverTests {
    /// Strict cases that node-semver publishes as inside; its loose spellings and its prerelease option are no part
    /// of a manifest's language.
    static let inside = """
        1.0.0 - 2.0.0|1.2.3; ^1.2.3+build|1.2.3; ^1.2.3+build|1.3.0; 1.2.3-pre+asdf - 2.4.3-pre+asdf|1.2.3; \
        1.2.3-pre+asdf - 2.4.3-pre+asdf|1.2.3-pre.2; 1.2.3-pre+asdf - 2.4.3-pre+asdf|2.4.3-alpha; \
        1.2.3+asdf - 2.4.3+asdf|1.2.3; 1.0.0|1.0.0; >=*|0.2.4; |1.0.0; *|1.2.3; >=1.0.0|1.0.0; >=1.0.0|1.0.1; \
        >=1.0.0|1.1.0; >1.0.0|1.0.1; >1.0.0|1.1.0; <=2.0.0|2.0.0; <=2.0.0|1.9999.9999; <=2.0.0|0.2.9; \
        <2.0.0|1.9999.9999; <2.0.0|0.2.9; >= 1.0.0|1.0.0; >=  1.0.0|1.0.1; >=   1.0.0|1.1.0; > 1.0.0|1.0.1; \
        >  1.0.0|1.1.0; <=   2.0.0|2.0.0; <= 2.0.0|1.9999.9999; <=  2.0.0|0.2.9; <    2.0.0|1.9999.9999; \
        <\t2.0.0|0.2.9; >=0.1.97|0.1.97; 0.1.20 || 1.2.4|1.2.4; >=0.2.3 || <0.0.1|0.0.0; \
        >=0.2.3 || <0.0.1|0.2.3; >=0.2.3 || <0.0.1|0.2.4; |||1.3.4; 2.x.x|2.1.3; 1.2.x|1.2.3; \
        1.2.x || 2.x|2.1.3; 1.2.x || 2.x|1.2.3; x|1.2.3; 2.*.*|2.1.3; 1.2.*|1.2.3; 1.2.* || 2.*|2.1.3; \
        1.2.* || 2.*|1.2.3; 2|2.1.2; 2.3|2.3.1; ~0.0.1|0.0.1; ~0.0.1|0.0.2; ~x|0.0.9; ~2|2.0.9; ~2.4|2.4.0; \
        ~2.4|2.4.5; ~>3.2.1|3.2.2; ~1|1.2.3; ~>1|1.2.3; ~> 1|1.2.3; ~1.0|1.0.2; ~ 1.0|1.0.2; ~ 1.0.3|1.0.12; \
        >=1|1.0.0; >= 1|1.0.0; <1.2|1.1.1; < 1.2|1.1.1; ~v0.5.4-pre|0.5.5; ~v0.5.4-pre|0.5.4; =0.7.x|0.7.2; \
        <=0.7.x|0.7.2; >=0.7.x|0.7.2; <=0.7.x|0.6.2; ~1.2.1 >=1.2.3|1.2.3; ~1.2.1 =1.2.3|1.2.3; \
        ~1.2.1 1.2.3|1.2.3; ~1.2.1 >=1.2.3 1.2.3|1.2.3; ~1.2.1 1.2.3 >=1.2.3|1.2.3; >=1.2.1 1.2.3|1.2.3; \
        1.2.3 >=1.2.1|1.2.3; >=1.2.3 >=1.2.1|1.2.3; >=1.2.1 >=1.2.3|1.2.3; >=1.2|1.2.8; ^1.2.3|1.8.1; \
        ^0.1.2|0.1.2; ^0.1|0.1.2; ^0.0.1|0.0.1; ^1.2|1.4.2; ^1.2 ^1|1.4.2; ^1.2.3-alpha|1.2.3-pre; \
        ^1.2.0-alpha|1.2.0-pre; ^0.0.1-alpha|0.0.1-beta; ^0.0.1-alpha|0.0.1; ^0.1.1-alpha|0.1.1-beta; ^x|1.2.3; \
        x - 1.0.0|0.9.7; x - 1.x|0.9.7; 1.0.0 - x|1.9.7; 1.x - x|1.9.7; <=7.x|7.9.9
        """

    /// Those that it publishes as outside.
    static let outside = """
        1.0.0 - 2.0.0|2.2.3; 1.2.3+asdf - 2.4.3+asdf|1.2.3-pre.2; 1.2.3+asdf - 2.4.3+asdf|2.4.3-alpha; \
        ^1.2.3+build|2.0.0; ^1.2.3+build|1.2.0; ^1.2.3|1.2.3-pre; ^1.2|1.2.0-pre; >1.2|1.3.0-beta; \
        <=1.2.3|1.2.3-beta; ^1.2.3|1.2.3-beta; =0.7.x|0.7.0-asdf; >=0.7.x|0.7.0-asdf; 1.0.0|1.0.1; >=1.0.0|0.0.0; \
        >=1.0.0|0.0.1; >=1.0.0|0.1.0; >1.0.0|0.0.1; >1.0.0|0.1.0; <=2.0.0|3.0.0; <=2.0.0|2.9999.9999; \
        <=2.0.0|2.2.9; <2.0.0|2.9999.9999; <2.0.0|2.2.9; >=0.1.97|0.1.93; 0.1.20 || 1.2.4|1.2.3; \
        >=0.2.3 || <0.0.1|0.0.3; >=0.2.3 || <0.0.1|0.2.2; 2.x.x|3.1.3; 1.2.x|1.3.3; 1.2.x || 2.x|3.1.3; \
        1.2.x || 2.x|1.1.3; 2.*.*|1.1.3; 2.*.*|3.1.3; 1.2.*|1.3.3; 1.2.* || 2.*|3.1.3; 1.2.* || 2.*|1.1.3; \
        2|1.1.2; 2.3|2.4.1; ~0.0.1|0.1.0-alpha; ~0.0.1|0.1.0; ~2.4|2.5.0; ~2.4|2.3.9; ~>3.2.1|3.3.2; \
        ~>3.2.1|3.2.0; ~1|0.2.3; ~>1|2.2.3; ~1.0|1.1.0; <1|1.0.0; >=1.2|1.1.1; ~v0.5.4-beta|0.5.4-alpha; \
        =0.7.x|0.8.2; >=0.7.x|0.6.2; <0.7.x|0.7.2; <1.2.3|1.2.3-beta; =1.2.3|1.2.3-beta; >1.2|1.2.8; \
        ^0.0.1|0.0.2-alpha; ^0.0.1|0.0.2; ^1.2.3|2.0.0-alpha; ^1.2.3|1.2.2; ^1.2|1.1.9; ^1.0.0|2.0.0-rc1
        """

    /// The greater first.
    static let order = """
        0.0.0|0.0.0-foo; 0.0.1|0.0.0; 1.0.0|0.9.9; 0.10.0|0.9.0; 0.99.0|0.10.0; 2.0.0|1.2.3; 1.2.3|1.2.3-asdf; \
        1.2.3|1.2.3-4; 1.2.3|1.2.3-4-foo; 1.2.3-5-foo|1.2.3-5; 1.2.3-5|1.2.3-4; 1.2.3-5-foo|1.2.3-5-Foo; \
        3.0.0|2.7.2+asdf; 1.2.3-a.10|1.2.3-a.5; 1.2.3-a.b|1.2.3-a.5; 1.2.3-a.b|1.2.3-a; \
        1.2.3-a.b.c.10.d.5|1.2.3-a.b.c.5.d.100; 1.2.3-r2|1.2.3-r100; 1.2.3-r100|1.2.3-R2
        """

    static func pairs(_ table: String) -> [(String, String)] {
        table.split(separator: "; ").map { row in
            let bar = row.lastIndex(of: "|")!
            return (String(row[..<bar]), String(row[row.index(after: bar)...]))
        }
    }

    @Test func thePublishedCasesOfNodeSemverHold() throws {
        let (inside, outside) = (Self.pairs(Self.inside), Self.pairs(Self.outside))
        #expect(inside.count >= 95 && outside.count >= 60)
        for (range, version) in inside {
            let parsed = try #require(VersionRange(range), "\(range)")
            #expect(parsed.contains(try #require(Version(version))), "\(range) holds \(version)")
        }
        for (range, version) in outside {
            let parsed = try #require(VersionRange(range), "\(range)")
            #expect(!parsed.contains(try #require(Version(version))), "\(range) does not hold \(version)")
        }
        for (greater, less) in Self.pairs(Self.order) {
            #expect(try #require(Version(greater)) > #require(Version(less)), "\(greater) > \(less)")
        }
    }

    /// Ranges put together at random from all of the language's pieces, judged by node-semver and by us.
    @Test func generatedRangesMeanWhatNodeSemverSays() throws {
        var random = SeededRandom(11)
        func pick(_ list: [String]) -> String { list.randomElement(using: &random)! }
        func partial() -> String {
            let numbers = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                pick(["0", "1", "2", "3", "x", "*"])
            }
            let text = numbers.joined(separator: ".")
            let tail = pick(["", "", "", "-0", "-alpha", "-alpha.1", "-beta", "+build"])
            return numbers.count == 3 && !numbers.contains("x") && !numbers.contains("*") ? text + tail : text
        }
        func comparator() -> String {
            pick(["", "", "^", "~", ">", ">=", "<", "<=", "=", "~>", "> ", "^ "]) + partial()
        }
        func set() -> String {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: partial() + " - " + partial()
            case 1: comparator() + " " + comparator()
            default: comparator()
            }
        }
        let versions = [0, 1, 2, 3].flatMap { major in
            [0, 1, 2].flatMap { minor in
                [0, 1, 3].flatMap { patch in
                    ["", "-0", "-alpha", "-alpha.1", "-alpha.beta", "-beta", "-rc.1+b"].map {
                        "\(major).\(minor).\(patch)\($0)"
                    }
                }
            }
        }
        let ranges = (0..<Rounds.count(full: 20_000)).map { _ in
            (0..<Int.random(in: 1...2, using: &random)).map { _ in set() }.joined(separator: " || ")
        }
        let scratch = try Scratch()
        try JSONEncoder().encode(["ranges": ranges, "versions": versions]).write(
            to: URL(fileURLWithPath: scratch.path + "/cases.json"))
        try Data(Self.oracle.utf8).write(to: URL(fileURLWithPath: scratch.path + "/ask.js"))
        let answer = try Tool.run(
            "/usr/bin/node", [scratch.path + "/ask.js", scratch.path + "/cases.json"],
            environment: ["NODE_PATH": "/usr/share/nodejs"])
        #expect(answer.code == 0, "\(answer.errors)")
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == ranges.count)
        let parsed = versions.map { Version($0)! }
        for (range, line) in zip(ranges, lines) {
            guard line != "invalid" else {
                #expect(VersionRange(range) == nil, "\(range) is no range")
                continue
            }
            guard let ours = VersionRange(range) else {
                Issue.record("\(range) is a range for node-semver")
                continue
            }
            let text = parsed.map { ours.contains($0) ? "1" : "0" }.joined()
            guard text != line else { continue }
            let index = zip(text, line).enumerated().first { $1.0 != $1.1 }!.offset
            Issue.record("\(range) and \(versions[index]): node-semver says \(Array(line)[index])")
        }
    }

    private static let oracle = """
        const semver = require("semver");
        const {ranges, versions} = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
        for (const range of ranges) {
          const parsed = semver.validRange(range) === null ? null : new semver.Range(range);
          console.log(parsed ? versions.map(v => parsed.test(v) ? "1" : "0").join("") : "invalid");
        }
        """
}
