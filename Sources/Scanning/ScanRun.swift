internal import Bundles
internal import Marketplace

/// The state of one scan while its checks are made, one after the other.
struct ScanRun {
    let bundle: UnpackedBundle
    let rules: RuleSet
    let engine: EngineQuestion?
    /// Files that were scanned before, or by another process.
    let known: KnownSummaries
    var findings: [Finding] = []
    private(set) var entries: [ScanReport.Entry] = []
    private(set) var dependencies: [ResolvedDependency] = []
    var manifestValue: Manifest?
    var capabilityTable = ScanReport.Capabilities()
    private(set) var hasManifestFile = false
    private(set) var scanned: [(path: String, scan: FileSummary)] = []
    private var failed: Set<String> = []
    private var lockfileCount = 0
    /// What was reported of a file already.
    var reported: Set<String> = []

    init(
        bundle: UnpackedBundle, rules: RuleSet, engine: EngineQuestion? = nil,
        known: KnownSummaries = KnownSummaries()
    ) {
        self.bundle = bundle
        self.rules = rules
        self.engine = engine
        self.known = known
    }

    private mutating func incomplete(_ check: String, _ file: String, _ message: String) {
        failed.insert(check)
        findings.append(BuiltInRules.finding("scan.incomplete", file, message: message))
    }

    // MARK: archive

    mutating func archive() {
        for problem in bundle.problems {
            findings.append(
                Finding(
                    rule: problem.rule, class: .archive, severity: BuiltInRules.severity(problem.kind),
                    file: problem.path, message: problem.message))
        }
        for entry in bundle.unread {
            entries.append(
                ScanReport.Entry(path: entry.path, sha256: nil, bytes: 0, status: .not, why: entry.why))
        }
    }

    // MARK: manifest

    mutating func manifest() {
        guard let file = bundle.file("plugin.json") else {
            if bundle.problems.isEmpty {
                findings.append(
                    BuiltInRules.finding(
                        "man.missing", "",
                        message: "there is no plugin.json: the capabilities cannot be compared"))
            }
            return
        }
        hasManifestFile = true
        do {
            let manifest = try Manifest.parse(file.bytes)
            manifestValue = manifest
            var named = [manifest.main]
            named +=
                manifest.screenshots.map(\.path) + [manifest.icon].compactMap { $0 } + manifest.ui.map(\.path)
            // A folder of sources is built before it is packed: only a bundle must hold everything.
            guard bundle.format != .folder else { return }
            for path in named
            where bundle.file(path) == nil
                && bundle.file(path.hasPrefix("./") ? String(path.dropFirst(2)) : path) == nil
            {
                findings.append(
                    BuiltInRules.finding(
                        "man.entry-missing", file.path,
                        message: "plugin.json names \(path), which is not in the bundle",
                        line: 1, column: 1))
            }
        } catch {
            for problem in error.problems {
                findings.append(
                    BuiltInRules.finding(
                        "man.invalid", file.path, message: "\(problem.pointer): \(problem.message)", line: 1,
                        column: 1))
            }
        }
    }

    // MARK: files

    mutating func files() {
        for entry in bundle.entries {
            let scan =
                known.files[KnownSummaries.key(entry.path, entry.sha256.hex)]
                ?? FileScan.summary(of: entry, rules: rules, engine: engine)
            findings += scan.wholeFindings
            // What neither the parser nor the engine can read does not run: it is said, and its bytes were scanned.
            for problem in scan.problems where !(scan.isInert && problem.hasPrefix("the parser stops")) {
                incomplete("files", entry.path, problem)
            }
            entries.append(
                ScanReport.Entry(
                    path: entry.path, sha256: entry.sha256.hex, bytes: entry.byteCount,
                    status: scan.problems.isEmpty ? .scanned : .partly, why: scan.problems.first))
            scanned.append((entry.path, scan))
            structure(entry, scan)
        }
        entries.sort { ($0.path, $0.status.rawValue) < ($1.path, $1.status.rawValue) }
    }

    private mutating func structure(_ entry: UnpackedEntry, _ scan: FileSummary) {
        let name = entry.path.split(separator: "/").last.map(String.init) ?? entry.path
        if name == "package.json", let document = try? JSONValue.parse(entry.bytes) {
            let lines = Lockfile.Lines(entry.bytes)
            for hook in ["preinstall", "install", "postinstall"] {
                guard let command = document["scripts"]?[hook]?.stringValue else { continue }
                let line = lines.line(of: hook)
                // Building native code is what these scripts were made for; a plugin has none.
                let isBuild = command.hasPrefix("node-gyp") || command.hasPrefix("prebuild-install")
                findings.append(
                    BuiltInRules.finding(
                        "man.install-script", entry.path,
                        message: "\(hook) runs \(SourceText.printable(command))",
                        line: line, column: line > 0 ? 1 : 0, evidence: SourceText.printable(command),
                        severity: isBuild || manifestValue == nil ? .low : nil))
            }
        }
        if manifestValue != nil, scan.findings.contains(where: { $0.rule == "mal.native-program" }) {
            findings.append(
                BuiltInRules.finding(
                    "cap.native-program", entry.path,
                    message: "the sandbox runs JavaScript and no native program"))
        }
        if name.hasSuffix(".map"), manifestValue != nil {
            findings.append(
                BuiltInRules.finding(
                    "man.source-map", entry.path, message: "a source map shows the sources to everybody"))
        }
    }

    // MARK: dependencies

    mutating func lockfiles() {
        for entry in bundle.entries where Lockfile.isLockfile(entry.path) {
            lockfileCount += 1
            switch Lockfile.read(entry.bytes, path: entry.path) {
            case .success(let found): dependencies += found
            case .failure(let error):
                failed.insert("dependencies")
                findings.append(
                    BuiltInRules.finding(
                        "dep.unreadable", entry.path, message: "the lockfile cannot be read: \(error.cause)"))
            }
        }
        declared()
        vendored()
        dependencies.sort {
            ($0.name, $0.version, $0.file, $0.line) < ($1.name, $1.version, $1.file, $1.line)
        }
        findings += DependencyCheck.structural(dependencies)
    }

    /// What lies in `node_modules`, and what package.json asks for where no lockfile stands beside it.
    private mutating func declared() {
        let locked = Set(
            bundle.entries.filter { Lockfile.isLockfile($0.path) }.map { entry in
                String(entry.path.dropLast(entry.path.split(separator: "/").last?.count ?? 0))
            })
        let named = Set(dependencies.map { "\($0.name) \($0.version)" })
        dependencies += DeclaredDependencies.read(bundle.entries, locked: locked).filter {
            !named.contains("\($0.name) \($0.version)")
        }
    }

    /// Libraries that no lockfile names: a person copied them, and nobody updates them.
    private mutating func vendored() {
        let named = Set(dependencies.map(\.name))
        var seen: Set<String> = []
        for (path, scan) in scanned {
            for item in scan.libraries where !named.contains(item.name) {
                // A package's own files say its name; its package.json stands in the folder above.
                guard seen.insert("\(item.name) \(item.version)").inserted else { continue }
                dependencies.append(
                    ResolvedDependency(
                        name: item.name, version: item.version, source: "vendored", file: path,
                        line: item.place.line))
                if manifestValue != nil {
                    findings.append(
                        BuiltInRules.finding(
                            "dep.vendored", path,
                            message:
                                "\(item.name) \(item.version) was copied into the bundle and no lockfile names it"
                        ).at(item.place))
                }
            }
        }
    }

    // MARK: behaviour

    mutating func behaviours() {
        for rule in rules.behaviours {
            switch rule.scope {
            case .file:
                for (path, scan) in scanned {
                    guard let place = rule.match({ scan.fact($0) }) else { continue }
                    report(rule, path, place)
                }
            case .bundle:
                func first(_ name: String) -> FileSummary.Fact? {
                    scanned.lazy.compactMap { $0.scan.fact(name) }.first
                }
                guard rule.match(first) != nil, let names = rule.all.first,
                    let (path, scan) = scanned.first(where: { item in
                        names.contains { item.scan.fact($0) != nil }
                    }),
                    let place = names.lazy.compactMap({ scan.fact($0) }).first
                else { continue }
                report(rule, path, place)
            }
        }
    }

    private mutating func report(_ rule: BehaviourRule, _ path: String, _ fact: FileSummary.Fact) {
        findings.append(
            Finding(
                rule: rule.description.id, class: rule.description.class,
                severity: manifestValue == nil ? rule.description.severity : rule.pluginSeverity,
                file: path, message: rule.description.description
            ).at(fact.place))
    }

    // MARK: checks

    func checks() -> [ScanReport.Check] {
        let codeFiles = scanned.filter {
            $0.scan.kind == .javaScript || $0.scan.kind == .typeScript || $0.scan.kind == .html
        }.count
        func check(
            _ name: String, _ kinds: Set<FindingClass>, files: Int, isSkipped: Bool = false,
            isFailed: Bool = false
        ) -> ScanReport.Check {
            let hit = findings.contains { kinds.contains($0.class) && $0.severity > .info }
            return ScanReport.Check(
                name: name, result: isFailed ? .failed : isSkipped ? .skipped : hit ? .findings : .passed,
                files: files)
        }
        let all = scanned.count
        return [
            check("archive", [.archive], files: all),
            check("capabilities", [.capability], files: codeFiles, isSkipped: manifestValue == nil),
            check(
                "dependencies", [.dependency], files: lockfileCount, isSkipped: lockfileCount == 0,
                isFailed: failed.contains("dependencies")),
            check(
                "malicious-code", [.maliciousCode, .limit], files: all, isFailed: failed.contains("files")),
            check("manifest", [.manifest], files: hasManifestFile ? 1 : 0, isSkipped: !hasManifestFile),
            check("obfuscation", [.obfuscation], files: codeFiles, isFailed: failed.contains("files")),
            check("secrets", [.secret], files: all, isFailed: failed.contains("files")),
        ]
    }
}
