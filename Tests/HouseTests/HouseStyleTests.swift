import Foundation
import TestSupport
import Testing

/// What the tree says about itself stays in one voice.
@Suite struct HouseStyleTests {
    @Test func everyStageHasItsFileAndStandsInAPipeline() throws {
        let stages = ArrowTests.swiftFiles("Sources/Pipeline/Stages")
        var named: Set<String> = []
        for file in ArrowTests.pipelineFiles() {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            for match in text.matches(of: /\n  - ([a-z-]+)/) { named.insert(String(match.output.1)) }
        }
        #expect(named.count >= 15)
        for name in named {
            let file =
                name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
                + "Stage.swift"
            #expect(stages.contains("Sources/Pipeline/Stages/\(file)"), "the stage \(name) has no \(file)")
        }
    }

    @Test func theReadmeNamesEveryPipelineWithItsSchedule() throws {
        let readme = try String(contentsOfFile: Products.repositoryRoot + "/README.md", encoding: .utf8)
        for file in ArrowTests.pipelineFiles() {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let name = try #require(text.firstMatch(of: /\nname: (.+)/)?.output.1)
            let schedule = try #require(text.firstMatch(of: /\nschedule: "(.+)"/)?.output.1)
            #expect(readme.contains("\(schedule) "), "the schedule of \(name)")
            #expect(readme.contains("veroforge run \(name)"))
        }
    }

    /// A name that is not written is made of the type's at every start, by questions to the Swift runtime that take a
    /// third of a millisecond each.
    @Test func everyCommandNamesItself() throws {
        for file in ArrowTests.swiftFiles("Sources/veroforge") {
            let text = try String(contentsOfFile: Products.repositoryRoot + "/" + file, encoding: .utf8)
            for match in text.matches(of: /CommandConfiguration\(\s*(\w+):/) {
                #expect(match.output.1 == "commandName", "\(file): \(match.output.0)")
            }
        }
    }

    @Test func uncheckedAndUnsafeCodeSaysWhyItIsSafe() throws {
        for file in ArrowTests.swiftFiles("Sources") {
            let text = try String(contentsOfFile: Products.repositoryRoot + "/" + file, encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where line.contains("@unchecked Sendable") {
                let near = lines[max(0, index - 4)...min(lines.count - 1, index + 3)].joined()
                #expect(near.contains("SAFETY:"), "\(file):\(index + 1)")
            }
        }
    }
}

extension ArrowTests {
    static func pipelineFiles() -> [String] {
        let folder = Products.repositoryRoot + "/pipelines"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    }
}
