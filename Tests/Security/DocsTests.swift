import Foundation
import TestSupport
import Testing

/// `docs/security.md` holds the lists of system calls as the rules say them. `VEROFORGE_RECORD=1` writes it anew.
@Suite(.serialized) struct SecurityDocument {
    @Test(arguments: ["runner", "worker"]) func listsTheSystemCallsOfTheRules(name: String) throws {
        let path = Products.file("docs/security.md")
        var text = try String(contentsOfFile: path, encoding: .utf8)
        let (begin, end) = ("<!-- \(name).list -->\n", "<!-- end of \(name).list -->")
        let from = try #require(text.range(of: begin)?.upperBound)
        let to = try #require(text.range(of: end)?.lowerBound)
        let table = try Self.table(Products.file("rules/seccomp/\(name).list"))
        if ProcessInfo.processInfo.environment["VEROFORGE_RECORD"] != nil {
            text.replaceSubrange(from..<to, with: table)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } else {
            #expect(text[from..<to] == table[...])
        }
    }

    private static func table(_ path: String) throws -> String {
        var rows = ["| system call | rule | why |", "|---|---|---|"]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        where !line.hasPrefix("#") {
            let mark = try #require(line.firstIndex(of: "#"))
            let why = line[line.index(after: mark)...].trimmingCharacters(in: .whitespaces)
            var words = line[..<mark].split(separator: " ").map(String.init)
            let action = words.removeFirst() == "allow" ? "allowed" : "answers `\(words.removeFirst())`"
            let name = words.removeFirst()
            let condition = words.isEmpty ? "" : " where `\(words.joined(separator: " "))`"
            rows.append("| `\(name)` | \(action)\(condition) | \(why) |")
        }
        return rows.joined(separator: "\n") + "\n"
    }
}
