import Marketplace
import Scanning
import Testing

struct DependencyTests {
    private struct Source: AdvisorySource {
        var list: [Advisory]
        var asOf: Instant?
        var count: Int { list.count }
        func advisories(package: String, version: Version) throws -> [Advisory] {
            list.filter { $0.package == package }
        }
        func advisories(package: String, within range: VersionRange) throws -> [Advisory] {
            list.filter { $0.package == package }
        }
    }

    static let lock = """
        {
          "name": "sample", "lockfileVersion": 3,
          "packages": {
            "": {"name": "sample"},
            "node_modules/lodash": {
              "version": "4.17.11", "resolved": "https://registry.npmjs.org/lodash/-/lodash-4.17.11.tgz",
              "integrity": "sha512-cQKh8igo5QUhZ7lg38DYWAxMvjSAKG0A8wGSVimP07SIUEK2UO+arSRKbRZWtelMtN5V0Hkwh5ryOto/SshYIg=="
            },
            "node_modules/a/node_modules/@scope/b": {
              "version": "1.0.0", "resolved": "git+ssh://git@git.example.com/b.git#0123"
            },
            "node_modules/expres": {
              "version": "1.0.0", "resolved": "https://registry.npmjs.org/expres/-/expres-1.0.0.tgz", "hasInstallScript": true
            },
            "node_modules/local": {"link": true, "resolved": "packages/local"}
          }
        }
        """

    @Test("a lockfile's packages are read with source and line")
    func readsALockfile() throws {
        let outcome = Scanner(rules: try Repository.rules()).outcome(
            bundle([("package-lock.json", Self.lock)]), name: "s")
        let found = outcome.dependencies.map { "\($0.name) \($0.version) \($0.source) \($0.line)" }
        #expect(
            found == [
                "@scope/b 1.0.0 git 9", "expres 1.0.0 registry 12", "local  link 15",
                "lodash 4.17.11 registry 5",
            ])
        let rules = Set(outcome.report.findings.map(\.rule))
        #expect(rules.isSuperset(of: ["dep.source", "dep.typosquat", "dep.install-script", "dep.integrity"]))
    }

    @Test("known vulnerabilities are added on the host, and the store's age is judged")
    func completesWithAdvisories() throws {
        let rules = try Repository.rules()
        let outcome = Scanner(rules: rules).outcome(bundle([("package-lock.json", Self.lock)]), name: "s")
        let book = try Repository.book()
        let advisory = Advisory(
            id: "GHSA-jf85-cpcp-j695", package: "lodash", summary: "Prototype pollution", severity: .critical,
            fixed: "4.17.12")
        let now = Instant("2026-11-22T00:00:00Z")
        let fresh = outcome.completed(
            advisories: Source(list: [advisory], asOf: Instant("2026-11-20T00:00:00Z")), rules: book,
            now: now)
        let finding = fresh.findings.first { $0.rule == "dep.vulnerable" }
        #expect(
            finding?.severity == .critical && finding?.line == 5
                && finding?.message.contains("4.17.12") == true)
        #expect(!fresh.findings.contains { $0.rule == "dep.stale" })
        #expect(fresh.verdict == .reject)
        let stale = outcome.completed(
            advisories: Source(list: [], asOf: Instant("2026-09-01T00:00:00Z")), rules: book, now: now)
        #expect(stale.findings.contains { $0.rule == "dep.stale" })
    }

    @Test("a lockfile that cannot be read makes the scan incomplete")
    func anUnreadableLockfileIsIncomplete() throws {
        for text in ["{", "[]", "{\"a\": 1}", "{\"packages\": {}, \"packages\": {}}"] {
            let report = Scanner(rules: try Repository.rules()).scan(
                bundle([("package-lock.json", text)]), name: "s")
            #expect(report.verdict == .incomplete, "\(text)")
        }
    }

    @Test("the list of components is CycloneDX 1.6 with package addresses")
    func writesComponents() throws {
        let outcome = Scanner(rules: try Repository.rules()).outcome(
            bundle([("package-lock.json", Self.lock)]), name: "s")
        let document = try JSONValue.parse(SBOMWriter.write(outcome))
        #expect(document["specVersion"]?.stringValue == "1.6")
        let addresses = (document["components"]?.arrayValue ?? []).compactMap { $0["purl"]?.stringValue }
        #expect(
            addresses.contains("pkg:npm/%40scope/b@1.0.0") && addresses.contains("pkg:npm/lodash@4.17.11"))
        #expect(SBOMWriter.write(outcome) == SBOMWriter.write(outcome))
    }
}
