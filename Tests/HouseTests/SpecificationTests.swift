import Foundation
import TestSupport
import Testing

/// docs/specification.md promises only what something enforces.
@Suite struct SpecificationTests {
    struct Promise {
        let line: Int
        let number: String
        let text: String
        let enforcer: String
    }

    /// The rows of its tables: `| S-1 | promise | `Suite/test` |`.
    static func promises() throws -> [Promise] {
        let text = try String(
            contentsOfFile: Products.repositoryRoot + "/docs/specification.md", encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
            index, line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3, cells[0].wholeMatch(of: /[A-Z]+-\d+/) != nil else { return nil }
            return Promise(line: index + 1, number: cells[0], text: cells[1], enforcer: cells[2])
        }
    }

    @Test func everyPromiseNamesATestOrBenchThatExists() throws {
        let promises = try Self.promises()
        #expect(promises.count >= 40)
        var known: [String: String] = [:]
        for file in ArrowTests.swiftFiles("Tests") {
            known[file] = try String(contentsOfFile: Products.repositoryRoot + "/" + file, encoding: .utf8)
        }
        let makefile = try String(contentsOfFile: Products.repositoryRoot + "/Makefile", encoding: .utf8)
        for promise in promises {
            let names = promise.enforcer.matches(of: /`([^`]+)`/).map { String($0.output.1) }
            #expect(!names.isEmpty, "line \(promise.line): \(promise.number) names nothing that enforces it")
            for name in names {
                if name.hasPrefix("make ") {
                    let target = name.dropFirst(5).prefix { $0 != " " }
                    #expect(makefile.contains("\n\(target):"), "line \(promise.line): there is no \(name)")
                    continue
                }
                let parts = name.split(separator: "/").map(String.init)
                guard parts.count == 2 else {
                    Issue.record("line \(promise.line): \(name) is not Suite/test")
                    continue
                }
                let found = known.values.contains { text in
                    text.contains(" \(parts[0]) ") && text.contains("func \(parts[1])(")
                }
                #expect(found, "line \(promise.line): there is no test \(name)")
            }
        }
    }

    @Test func numbersAreUsedOnce() throws {
        let numbers = try Self.promises().map(\.number)
        #expect(Set(numbers).count == numbers.count)
    }
}
