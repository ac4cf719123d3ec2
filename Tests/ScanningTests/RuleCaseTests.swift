import Bundles
import Foundation
import Marketplace
import Scanning
import Testing

/// Each rule's own cases: it hits what it must, and leaves alone what it must not touch.
struct RuleCaseTests {
    @Test("every byte rule hits its true cases and none of its false ones")
    func byteRulesHoldTheirCases() throws {
        let rules = try Repository.rules()
        let folder = Repository.root + "/rules/yara"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".yar")
        }.sorted()
        #expect(names.count >= 10)
        for name in names {
            let id = String(name.dropLast(4))
            let cases = try RuleCases(yaml: Repository.text("rules/yara/\(id).cases.yaml"))
            #expect(!cases.misses.isEmpty, "\(id) has no false case")
            for text in cases.hits {
                let file = text.hasPrefix("<svg") ? "icon.svg" : "dist/index.js"
                let report = Scanner(rules: rules).scan(bundle([(file, text)]), name: "case")
                #expect(report.findings.contains { $0.rule == id }, "\(id) must hit \(text)")
            }
            for text in cases.misses {
                let report = Scanner(rules: rules).scan(bundle([("dist/index.js", text)]), name: "case")
                #expect(!report.findings.contains { $0.rule == id }, "\(id) must not hit \(text)")
            }
        }
    }

    @Test("every behaviour rule hits through aliases and not in comments or texts")
    func behaviourRulesHoldTheirCases() throws {
        let rules = try Repository.rules()
        let folder = Repository.root + "/rules/capabilities"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".yaml")
        }.sorted()
        for name in names {
            let id = String(name.dropLast(5))
            let cases = try RuleCases(yaml: Repository.text("rules/capabilities/\(name)"))
            for text in cases.hits {
                let report = Scanner(rules: rules).scan(bundle([("dist/index.js", text)]), name: "case")
                #expect(report.findings.contains { $0.rule == id }, "\(id) must hit \(text)")
            }
            for text in cases.misses {
                let report = Scanner(rules: rules).scan(bundle([("dist/index.js", text)]), name: "case")
                #expect(!report.findings.contains { $0.rule == id }, "\(id) must not hit \(text)")
            }
        }
    }

    @Test("at least 120 kinds of credential are known, each found by its sample")
    func secretRulesFindTheirSamples() throws {
        let rules = try Repository.rules()
        let samples = try SecretSamples.read()
        #expect(samples.count >= 120)
        let text = samples.map {
            "const value = \($0.text.contains("\n") ? "`\($0.text)`" : $0.text.contains("\"") ? $0.text : "\"\($0.text)\"");"
        }
        for (sample, line) in zip(samples, text) {
            let report = Scanner(rules: rules).scan(bundle([("config.txt", line)]), name: "case")
            #expect(report.findings.contains { $0.rule == sample.id }, "\(sample.id) must hit \(line)")
            let shown = report.findings.map(\.evidence).joined()
            #expect(!shown.contains(sample.text), "\(sample.id) shows its secret")
        }
    }

    @Test(
        "what only looks like a credential is none",
        arguments: [
            #"{"integrity": "sha512-V4vGfGfGTGFkTx3qkN2lvQkW0Xo7l2a6v9j8yVxVb2Q4m0sYB0v0oV2x9j0ZbJm0J5l2xw==", "key": "ctrl+shift+down"}"#,
            #"const apiKey = process.env.API_KEY; const password = "correct horse battery staple";"#,
            #"fetch("https://user:$PASSWORD@host.example/"); fetch("https://user:${pw}@host.example/");"#,
            #"const secretKey = "mySecretKeyForTheSettingsPage"; const token = "your_access_token_goes_here_1234567890";"#,
            #"const ghToken = "ghp_000000000000000000000000000000000000"; const t = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";"#,
            "-----BEGIN PRIVATE KEY-----", #"const header = "-----BEGIN RSA PRIVATE KEY-----";"#,
            #"const accessToken = "AccessTokenProviderFactoryBuilder1";"#,
            #"const uuid = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";"#,
        ])
    func leavesLookAlikesAlone(_ text: String) throws {
        let report = try scan(text, as: "config.js")
        #expect(report.findings.filter { $0.class == .secret } == [])
    }

    struct Beginning: Sendable {
        var bytes: [UInt8]
        var isProgram: Bool

        init(_ bytes: [UInt8], _ isProgram: Bool) {
            self.bytes = bytes
            self.isProgram = isProgram
        }
    }

    static let beginnings = [
        Beginning([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 56), true),
        Beginning(Array("MZ".utf8) + [UInt8](repeating: 0, count: 126) + Array("PE\0\0".utf8), true),
        Beginning([0xCF, 0xFA, 0xED, 0xFE, 7, 0, 0, 1] + [UInt8](repeating: 0, count: 24), true),
        Beginning([0x20, 0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0], false),
        Beginning(Array("MZ is how some programs begin; PE\0\0 stands in them too".utf8), false),
        Beginning([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], false),
    ]

    @Test("mal.native-program hits programs for a processor by their first bytes", arguments: beginnings)
    func findsNativePrograms(_ item: Beginning) throws {
        let files = [EntryStream.Item(path: "dist/tool.bin", bytes: item.bytes)]
        let report = Scanner(rules: try Repository.rules()).scan(
            ArchiveReader.read(EntryStream.encode(files)), name: "case")
        #expect(report.findings.contains { $0.rule == "mal.native-program" } == item.isProgram)
    }

    @Test("a program that this machine runs is found, and in a plugin it is a finding of its own")
    func findsARealProgram() throws {
        let own = try #require(FileManager.default.contents(atPath: "/proc/self/exe"))
        let files = [
            EntryStream.Item(path: "plugin.json", bytes: Array(manifest().utf8)),
            EntryStream.Item(path: "dist/tool", bytes: [UInt8](own.prefix(65_536))),
        ]
        let report = Scanner(rules: try Repository.rules()).scan(
            ArchiveReader.read(EntryStream.encode(files)), name: "case")
        #expect(report.findings.contains { $0.rule == "mal.native-program" && $0.file == "dist/tool" })
        #expect(report.findings.contains { $0.rule == "cap.native-program" })
    }

    @Test("rules say what they are, and no two share a name")
    func rulesAreDescribed() throws {
        let descriptions = try Repository.rules().descriptions
        #expect(Set(descriptions.map(\.id)).count == descriptions.count)
        for rule in descriptions {
            #expect(
                !rule.description.isEmpty && !rule.hint.isEmpty && !rule.legitimate.isEmpty
                    && !rule.reference.isEmpty)
        }
    }
}

/// `hits` and `misses` of a case file, read by indentation: block texts alone.
struct RuleCases {
    var hits: [String] = []
    var misses: [String] = []

    init(yaml: String) {
        var section = ""
        var current: [String]?
        func flush(_ cases: inout RuleCases) {
            guard let lines = current else { return }
            let text = lines.joined(separator: "\n")
            if section == "hits" {
                cases.hits.append(text)
            } else if section == "misses" {
                cases.misses.append(text)
            }
            current = nil
        }
        for line in yaml.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("    "), current != nil {
                current?.append(String(line.dropFirst(4)))
            } else if line.hasPrefix("  - |-") {
                flush(&self)
                current = []
            } else if line.hasPrefix("  - '"), line.hasSuffix("'") {
                flush(&self)
                if section == "misses" { misses.append(String(line.dropFirst(5).dropLast())) }
            } else if !line.isEmpty {
                flush(&self)
                section = line.split(separator: ":").first.map(String.init) ?? ""
            }
        }
        flush(&self)
    }
}

enum SecretSamples {
    /// Each rule's made-up credential, put together from its parts.
    static func read() throws -> [(id: String, text: String)] {
        let folder = Repository.root + "/rules/secrets"
        var found: [(id: String, text: String)] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            var id = ""
            for line in try Repository.text("rules/secrets/\(name)").split(separator: "\n") {
                if line.hasPrefix("  - id: ") { id = String(line.dropFirst(8)) }
                if line.hasPrefix("      - ["), let list = try? JSONValue.parse(String(line.dropFirst(8))) {
                    found.append((id, (list.arrayValue ?? []).compactMap(\.stringValue).joined()))
                }
            }
        }
        return found
    }
}
