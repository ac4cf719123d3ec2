import Bundles
import Foundation
import Marketplace
import Scanning
import Testing

struct ScannerTests {
    @Test("the hostile sample is rejected by findings that name rule, file and line")
    func rejectsTheHostilePlugin() throws {
        let stream = try FolderStream.bytes(folder: Repository.root + "/plugins/hostile")
        let report = Scanner(rules: try Repository.rules()).scan(ArchiveReader.read(stream), name: "hostile")
        #expect(report.verdict == .reject)
        #expect(report.exitCode() == .findings)
        for rule in [
            "mal.env-collection", "mal.download-run", "lim.endless-loop", "cap.undeclared",
            "cap.builtin-import",
        ] {
            let finding = report.findings.first { $0.rule == rule }
            #expect(finding != nil, "\(rule) is missing")
            #expect(finding?.file.hasPrefix("dist/") == true && (finding?.line ?? 0) > 0)
        }
        #expect(report.capabilities.undeclared == ["fetch collector.example.net POST", "readData customers"])
    }

    @Test("a launch plugin is clean", arguments: ["slack", "overdue-reminders"])
    func findsNothingInALaunchPlugin(_ name: String) throws {
        let stream = try FolderStream.bytes(folder: Repository.root + "/plugins/\(name)")
        let report = Scanner(rules: try Repository.rules()).scan(ArchiveReader.read(stream), name: name)
        #expect(report.verdict == .clean)
        #expect(report.findings.filter { $0.severity > .low } == [])
        #expect(report.exitCode(failOn: .medium) == .done)
        #expect(report.capabilities.undeclared == [] && report.capabilities.unused == [])
    }

    @Test("the same bundle and rules give the same bytes, and they come back")
    func writesTheSameBytes() throws {
        let stream = try FolderStream.bytes(folder: Repository.root + "/plugins/hostile")
        let first = Scanner(rules: try Repository.rules()).outcome(
            ArchiveReader.read(stream), name: "hostile")
        let second = Scanner(rules: try Repository.rules()).outcome(
            ArchiveReader.read(stream), name: "hostile")
        #expect(first.json() == second.json())
        #expect(try ScanReport(json: first.report.json()) == first.report)
    }

    @Test("scan.json holds to its schema")
    func holdsToItsSchema() throws {
        let schema = JSONSchema(try JSONValue.parse(Repository.text("docs/schemas/scan.schema.json")))
        for text in ["export default 1;", "eval(atob('YWxlcnQoMSk='))", "export default {"] {
            let report = try scan(text)
            #expect(schema.validate(try JSONValue.parse(report.json())) == [])
        }
    }

    @Test("every entry is listed, and what was not scanned says why")
    func listsEveryEntry() throws {
        let items = [
            EntryStream.Item(path: "a.js", bytes: Array("export default 1;".utf8)),
            EntryStream.Item(path: "b.bin", bytes: [0, 1, 2]),
            EntryStream.Item(
                kind: .skipped, path: "link", bytes: Array("it is a link, which is not followed".utf8)),
        ]
        let report = Scanner(rules: try Repository.rules()).scan(
            ArchiveReader.read(EntryStream.encode(items)), name: "folder")
        #expect(report.entries.map(\.path) == ["a.js", "b.bin", "link"])
        #expect(report.entries.map(\.status) == [.scanned, .scanned, .not])
        #expect(report.entries[2].why == "it is a link, which is not followed")
    }

    @Test("a file past its budget is incomplete and never clean")
    func saysWhatItDidNotScan() throws {
        let huge = String(repeating: "a(1);\n", count: 1_200_000)
        let report = try scan(huge)
        #expect(report.verdict == .incomplete)
        #expect(report.exitCode() == .incomplete)
        #expect(report.findings.contains { $0.rule == "scan.incomplete" && $0.severity == .high })
        #expect(report.entries.first?.status == .partly)
    }

    @Test("a truncated archive is rejected and says that it is cut short")
    func rejectsATruncatedArchive() throws {
        let whole = try BundleWriter.pack(files: [("plugin.json", Array(manifest().utf8))])
        let report = Scanner(rules: try Repository.rules()).scan(
            ArchiveReader.read(Array(whole.prefix(whole.count / 2))), name: "cut.vfp")
        #expect(report.verdict == .reject)
        #expect(report.findings.map(\.rule) == ["arc.truncated"])
    }

    @Test("undeclared, unused and unbounded capabilities are told apart")
    func comparesCapabilities() throws {
        let permissions = """
            [{"operation": "readData", "entity": "orders", "purpose": "show them"},
             {"operation": "writeData", "entity": "notes", "purpose": "keep them"},
             {"operation": "fetch", "host": "api.example.com", "methods": ["GET"], "purpose": "ask"}]
            """
        let code = """
            export default class {
              async initialize({ api, fetch }) { this.api = api; this.get = fetch; }
              async execute(request) {
                const { readData: read } = this.api;
                await read("orders", []);
                await this.api["read" + "Data"]("customers", []);
                await this.api.readData(request.data.entity, []);
                const base = "https://api.example.com";
                await this.get(`${base}/v1/items/${request.data.id}`);
              }
            }
            """
        let report = Scanner(rules: try Repository.rules()).scan(
            bundle([("plugin.json", manifest(permissions)), ("dist/index.js", code)]), name: "sample")
        #expect(report.findings.filter { $0.class == .manifest } == [])
        #expect(report.capabilities.undeclared == ["readData customers"])
        #expect(report.capabilities.unused == ["writeData notes"])
        #expect(report.findings.contains { $0.rule == "cap.unbounded" && $0.line == 7 })
        #expect(report.findings.contains { $0.rule == "cap.undeclared" && $0.line == 6 })
        #expect(report.capabilities.detected.map(\.permission).contains("fetch api.example.com GET"))
    }

    @Test("a broken manifest is rejected with every violation in one pass")
    func rejectsABrokenManifest() throws {
        let report = Scanner(rules: try Repository.rules()).scan(
            bundle([("plugin.json", "{\"id\": \"acme.sample\", \"surprise\": 1}")]), name: "broken")
        #expect(report.verdict == .reject)
        #expect(report.findings.filter { $0.rule == "man.invalid" }.count > 3)
    }

    @Test("SARIF names rules, places from line 1 on and fingerprints")
    func writesSARIF() throws {
        let rules = try Repository.rules()
        let stream = try FolderStream.bytes(folder: Repository.root + "/plugins/hostile")
        let report = Scanner(rules: rules).scan(ArchiveReader.read(stream), name: "hostile")
        let sarif = try JSONValue.parse(SARIFWriter.write(report, rules: rules.descriptions))
        #expect(sarif["version"]?.stringValue == "2.1.0")
        let run = sarif["runs"]?[0]
        let results = run?["results"]?.arrayValue ?? []
        #expect(results.count == report.findings.count)
        let names = (run?["tool"]?["driver"]?["rules"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        for result in results {
            let index = Int(result["ruleIndex"]?.integerValue ?? -1)
            #expect(names[index] == result["ruleId"]?.stringValue)
            #expect(result["partialFingerprints"]?["veroforge/v1"]?.stringValue?.count == 32)
            if let line = result["locations"]?[0]?["physicalLocation"]?["region"]?["startLine"]?.integerValue
            {
                #expect(line >= 1)
            }
        }
        #expect(run?["columnKind"]?.stringValue == "utf16CodeUnits")
    }

    @Test("columns count UTF-16 units")
    func countsColumnsInUTF16() throws {
        let report = try scan("const a = '\u{1F600}'; eval(atob('YWxlcnQoMSk='));")
        #expect(report.findings.first { $0.rule == "obf.packed" }?.column == 17)
    }
}
