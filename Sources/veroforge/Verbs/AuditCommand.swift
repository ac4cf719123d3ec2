import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance

/// `veroforge audit …`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The audit log: one line for each operation and each change.",
        subcommands: [Verify.self, Search.self])

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Walk the chain: every line names the digest of the one before it.",
            discussion:
                "Exit codes: 0 whole, 1 something was changed, taken out or cut off, 3 there is no log.")
        @OptionGroup var options: DataOptions
        @Flag(help: "The oldest days are kept elsewhere: take the first line's word for what came before it.")
        var partial = false
        @Option(help: "A digest that was a node's last at an earlier time; may be given for each node.")
        var expect: [String] = []
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() throws {
            let files = try AuditFiles.read(options, from: nil, to: nil)
            guard !files.isEmpty else { throw PipelineError(.notFound, "there is no audit log yet") }
            var (breaks, lines, last) = AuditChain.verify(files, from: partial ? nil : AuditChain.origin)
            for digest in expect where !Self.holds(files, digest) {
                breaks.append(
                    AuditChain.Break(
                        file: files[files.count - 1].name, line: lines,
                        cause: "the digest \(digest) is no line's"))
            }
            if format == .json {
                let document: JSONValue = [
                    "schema": "veroforge.audit-verification/1", "lines": .integer(Int64(lines)),
                    "last": .object(last.mapValues { .string($0.hex) }),
                    "breaks": .array(
                        breaks.map {
                            [
                                "file": .string($0.file), "line": .integer(Int64($0.line)),
                                "cause": .string($0.cause),
                            ]
                        }),
                ]
                print(String(decoding: document.serializedBytes(pretty: true), as: UTF8.self))
            } else {
                for item in breaks { print("\(item.file):\(item.line): \(item.cause)") }
                print("\(lines) lines in \(files.count) files, \(breaks.count) breaks")
                for (node, digest) in last.sorted(by: { $0.key < $1.key }) {
                    print("the last of node \(node) is \(digest.hex)")
                }
            }
            throw Outcome(breaks.isEmpty ? .done : .findings)
        }

        /// Whether a line with this digest is there: the log has not been cut shorter than it was.
        private static func holds(_ files: [(name: String, bytes: [UInt8])], _ digest: String) -> Bool {
            files.contains { file in
                file.bytes.split(separator: 0x0A).contains { Digest.sha256(of: Array($0)).hex == digest }
            }
        }
    }

    struct Search: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "search", abstract: "Print the lines that fit all that is asked for.",
            discussion:
                "Exit codes: 0 some fit, 1 none does. `--format jsonl` and `sarif` are for a SOC's collector."
        )
        @OptionGroup var options: DataOptions
        @Option(help: "The tenant.") var tenant: String?
        @Option(help: "publisher.name") var plugin: String?
        @Option(help: "An installation's id.") var installation: String?
        @Option(help: "A call's id.") var call: String?
        @Option(help: "plugin, tenant, publisher:ID, reviewer:NAME, hook, runtime, …") var actor: String?
        @Option(help: "What was done: readData, fetch, install, …") var act: String?
        @Option(help: "ok, denied, limit, …; `!ok` for all others.") var outcome: String?
        @Option(help: "The first day, UTC.") var from: String?
        @Option(help: "The last day, UTC.") var to: String?
        @Option(help: "At most so many lines.") var limit = 1_000_000
        @Option(help: "text, jsonl or sarif.") var format: Format = .text

        enum Format: String, ExpressibleByArgument, CaseIterable { case text, jsonl, sarif }

        func run() throws {
            let first = try day(from, "--from")
            let last = try day(to, "--to")
            var found: [JSONValue] = []
            search: for file in try AuditFiles.read(options, from: first, to: last) {
                for line in file.bytes.split(separator: 0x0A) {
                    guard let value = try? JSONValue.parse(Array(line)), fits(value) else { continue }
                    if found.count == limit { break search }
                    found.append(value)
                }
            }
            switch format {
            case .text: for line in found { print(Self.text(line)) }
            case .jsonl: for line in found { print(line.serialized()) }
            case .sarif:
                print(
                    String(decoding: AuditSARIF.document(found).serializedBytes(pretty: true), as: UTF8.self))
            }
            throw Outcome(found.isEmpty ? .findings : .done)
        }

        private func day(_ text: String?, _ option: String) throws -> Day? {
            guard let text else { return nil }
            guard let day = Day(text) else {
                throw PipelineError(.usage, "\(option) \(text) is no day", remedy: "Write it as 2026-01-31.")
            }
            return day
        }

        private func fits(_ line: JSONValue) -> Bool {
            let asked = [
                "tenant": tenant, "plugin": plugin, "installation": installation, "call": call,
                "actor": actor,
                "act": act,
            ]
            for (key, value) in asked {
                if let value, line[key]?.stringValue != value { return false }
            }
            guard let outcome else { return true }
            let own = line["outcome"]?.stringValue ?? ""
            return outcome.hasPrefix("!") ? own != String(outcome.dropFirst()) : own == outcome
        }

        private static func text(_ line: JSONValue) -> String {
            ["time", "node", "actor", "tenant", "plugin", "version", "act", "subject", "outcome", "call"]
                .map { line[$0]?.stringValue ?? "-" }.joined(separator: "  ")
        }
    }
}

/// The files of the audit log, oldest first.
enum AuditFiles {
    static func read(
        _ options: DataOptions, from first: Day?, to last: Day?
    ) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try options.open().audit
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".jsonl") }.sorted()
        return names.compactMap { name in
            guard let day = Day(String(name.dropLast(6))) else { return nil }
            if let first, day < first { return nil }
            if let last, day > last { return nil }
            return (name, [UInt8](FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data()))
        }
    }
}

/// Audit lines that refused or failed, as SARIF 2.1.0: what a SOC reads scan findings in.
enum AuditSARIF {
    static func document(_ lines: [JSONValue]) -> JSONValue {
        let rules = Set(lines.compactMap { $0["outcome"]?.stringValue }).sorted()
        let results = lines.map { line -> JSONValue in
            let outcome = line["outcome"]?.stringValue ?? ""
            func word(_ key: String) -> String { line[key]?.stringValue ?? "-" }
            return [
                "ruleId": .string("audit." + outcome),
                "level": outcome == "ok" ? "none" : outcome == "denied" ? "warning" : "note",
                "message": [
                    "text": .string(
                        "\(word("act")) \(word("subject")) by \(word("actor")) of \(word("plugin")) for \(word("tenant")): \(outcome)"
                    )
                ],
                "locations": [
                    [
                        "logicalLocations": [
                            [
                                "fullyQualifiedName": .string(
                                    "\(word("tenant"))/\(word("plugin"))/\(word("act"))"),
                                "kind": "resource",
                            ]
                        ]
                    ]
                ],
                "partialFingerprints": ["auditLine/v1": .string(Digest.sha256(of: line.serialized()).hex)],
                "properties": line,
            ]
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "veroforge-runtime",
                            "rules": .array(
                                rules.map { rule in
                                    [
                                        "id": .string("audit." + rule),
                                        "shortDescription": [
                                            "text": .string("An operation or change that ended with \(rule)")
                                        ],
                                    ]
                                }),
                        ]
                    ], "results": .array(results),
                ]
            ],
        ]
    }
}
