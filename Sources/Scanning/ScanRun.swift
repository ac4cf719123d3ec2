internal import Bundles
internal import Marketplace

/// The state of one scan while its checks are made, one after the other.
struct ScanRun {
    let bundle: UnpackedBundle
    let rules: RuleSet
    private(set) var findings: [Finding] = []
    private(set) var entries: [ScanReport.Entry] = []
    private(set) var dependencies: [ResolvedDependency] = []
    private(set) var manifestValue: Manifest?
    private(set) var capabilityTable = ScanReport.Capabilities()
    private var hasManifestFile = false
    private var scanned: [(path: String, scan: FileScan)] = []
    private var failed: Set<String> = []
    private var lockfileCount = 0

    init(bundle: UnpackedBundle, rules: RuleSet) {
        self.bundle = bundle
        self.rules = rules
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
            let scan = FileScan(entry, rules: rules, isPlugin: manifestValue != nil)
            findings += scan.findings
            let blind = scan.findings.contains { $0.rule == "cap.blind" }
            for problem in scan.problems where !(blind && problem.hasPrefix("the parser stops")) {
                incomplete("files", entry.path, problem)
            }
            entries.append(
                ScanReport.Entry(
                    path: entry.path, sha256: entry.sha256.hex, bytes: entry.bytes.count,
                    status: scan.problems.isEmpty ? .scanned : .partly, why: scan.problems.first))
            scanned.append((entry.path, scan))
            structure(entry, scan)
        }
        entries.sort { ($0.path, $0.status.rawValue) < ($1.path, $1.status.rawValue) }
    }

    private mutating func structure(_ entry: UnpackedEntry, _ scan: FileScan) {
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

    // MARK: capabilities

    mutating func capabilities() {
        let bundled = Set(bundle.entries.map(\.path))
        for (path, scan) in scanned {
            guard manifestValue != nil || hasManifestFile else { continue }
            guard !path.hasPrefix("test/"), !path.contains("/test/"), !path.hasSuffix(".test.ts"),
                !path.hasSuffix(".test.js")
            else { continue }
            imports(path, scan, bundled)
            for analysis in scan.analyses {
                ambient(path, scan, analysis)
                for fact in analysis.facts { dynamic(path, scan, fact) }
            }
        }
        guard let manifest = manifestValue else { return }
        compare(manifest)
    }

    private mutating func add(
        _ rule: String, _ path: String, _ scan: FileScan, _ offset: Int, _ message: String,
        severity: Severity? = nil
    ) {
        let (line, column) = scan.text.position(offset)
        let finding = BuiltInRules.finding(
            rule, path, message: message, line: line, column: column, severity: severity
        ).citing(scan.text, at: offset)
        if !findings.contains(where: {
            $0.rule == rule && $0.file == path && $0.line == line && $0.message == message
        }) {
            findings.append(finding)
        }
    }

    private mutating func imports(_ path: String, _ scan: FileScan, _ bundled: Set<String>) {
        for use in scan.imports {
            guard let name = use.specifier else {
                add(
                    "cap.unresolved-import", path, scan, use.offset,
                    "which module is imported is computed at run time")
                continue
            }
            let module = Evaluator.module(name)
            let base = module.split(separator: "/").first.map(String.init) ?? module
            if name.hasPrefix("http:") || name.hasPrefix("https:") || name.hasPrefix("data:") {
                add(
                    "cap.remote-import", path, scan, use.offset,
                    "code is imported from \(SourceText.printable(String(name.prefix(120))))")
            } else if FactName.builtinModules.contains(base), !name.hasPrefix(".") {
                let reaches = FactName.reachingModules.contains(base)
                add(
                    "cap.builtin-import", path, scan, use.offset,
                    "the module \(module) does not exist in the sandbox", severity: reaches ? .high : .medium)
            } else if name.hasPrefix(".") {
                guard bundle.format != .folder, Self.resolve(name, from: path, bundled) == nil else {
                    continue
                }
                add("cap.unresolved-import", path, scan, use.offset, "\(name) is not in the bundle")
            } else if !name.hasPrefix("@veroforge/sdk"), bundle.format != .folder,
                !bundled.contains(where: {
                    $0.contains("node_modules/\(name)/") || $0.contains("node_modules/\(base)/")
                })
            {
                add("cap.unresolved-import", path, scan, use.offset, "\(name) is not in the bundle")
            }
        }
    }

    static func resolve(_ name: String, from path: String, _ bundled: Set<String>) -> String? {
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in name.split(separator: "/") {
            if part == ".." {
                if parts.isEmpty { return nil } else { parts.removeLast() }
            } else if part != "." {
                parts.append(String(part))
            }
        }
        let base = parts.joined(separator: "/")
        for ending in [
            "", ".js", ".mjs", ".cjs", ".json", ".ts", "/index.js", "/index.mjs", "/index.cjs", "/index.ts",
        ]
        where bundled.contains(base + ending) {
            return base + ending
        }
        // TypeScript sources name the file that they will become.
        if base.hasSuffix(".js"), bundled.contains(base.dropLast(3) + ".ts") {
            return base.dropLast(3) + ".ts"
        }
        return nil
    }

    private mutating func ambient(_ path: String, _ scan: FileScan, _ analysis: CodeAnalysis) {
        var seen: Set<String> = []
        for use in analysis.ambient where seen.insert(use.name).inserted {
            add("cap.ambient-global", path, scan, use.offset, "\(use.name) does not exist in the sandbox")
        }
    }

    private mutating func dynamic(_ path: String, _ scan: FileScan, _ fact: CodeFact) {
        switch fact.name {
        case "dynamic.code", "dynamic.code-constant", "dynamic.code-decoded", "dynamic.timer", "dynamic.vm":
            add("cap.dynamic-code", path, scan, fact.offset, "text is run as code")
        case "tamper.prototype", "tamper.global":
            add("cap.tampering", path, scan, fact.offset, "\(fact.detail) is changed for all code")
        default: break
        }
    }

    private mutating func compare(_ manifest: Manifest) {
        var used: [Permission] = []
        var unbounded: Set<String> = []
        for (path, scan) in scanned where !path.hasPrefix("test/") && !path.contains("/test/") {
            for use in scan.operations {
                guard let operation = Permission.Operation(rawValue: use.operation) else { continue }
                let (line, _) = scan.text.position(use.offset)
                guard let target = use.target else {
                    unbounded.insert(use.operation)
                    capabilityTable.detected.append(
                        .init(permission: "\(use.operation) ?", file: path, line: line))
                    if manifest.permissions.permissions.contains(where: { $0.operation == operation }) {
                        add(
                            "cap.unbounded", path, scan, use.offset,
                            "what \(use.operation) is called with is computed at run time")
                    } else {
                        undeclared(use.operation, path, scan, use)
                    }
                    continue
                }
                let permission = Self.permission(operation, target, use.method ?? "GET")
                capabilityTable.detected.append(
                    .init(permission: permission.description, file: path, line: line))
                used.append(permission)
                let isCovered =
                    use.operation == "fetch" && use.method == nil
                    ? manifest.permissions.permissions.contains {
                        $0.operation == .fetch
                            && PermissionSet([$0]).covers(
                                Self.permission(.fetch, target, $0.methods?.first ?? "GET"))
                    }
                    : manifest.permissions.covers(permission)
                if !isCovered { undeclared(permission.description, path, scan, use) }
            }
        }
        for permission in manifest.permissions.permissions {
            capabilityTable.declared.append(
                .init(permission: permission.description, purpose: permission.purpose))
            let isUsed = used.contains {
                $0.operation == permission.operation && Self.touches(permission, $0)
            }
            if !isUsed && !unbounded.contains(permission.operation.rawValue) {
                capabilityTable.unused.append(permission.description)
                findings.append(
                    BuiltInRules.finding(
                        "cap.unused", bundle.root + "plugin.json",
                        message: "\(permission) is declared and not used by the code", line: 1, column: 1))
            }
        }
        capabilityTable.detected = capabilityTable.detected.sorted {
            ($0.permission, $0.file, $0.line) < ($1.permission, $1.file, $1.line)
        }
        capabilityTable.undeclared = Array(Set(capabilityTable.undeclared)).sorted()
        capabilityTable.unused.sort()
    }

    private mutating func undeclared(_ what: String, _ path: String, _ scan: FileScan, _ use: OperationUse) {
        capabilityTable.undeclared.append(what)
        add("cap.undeclared", path, scan, use.offset, "\(what) is used, and plugin.json does not declare it")
    }

    private static func permission(_ operation: Permission.Operation, _ target: String, _ method: String)
        -> Permission
    {
        switch operation {
        case .readData, .writeData: Permission(operation: operation, entity: target, purpose: "")
        case .triggerWorkflow: Permission(operation: operation, workflow: target, purpose: "")
        case .fetch: Permission(operation: operation, host: target, methods: [method], purpose: "")
        }
    }

    private static func touches(_ declared: Permission, _ used: Permission) -> Bool {
        guard declared.operation == .fetch else { return declared.covers(used) }
        return (declared.methods ?? ["GET"]).contains { method in
            declared.covers(permission(.fetch, used.target, method))
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
        dependencies.sort {
            ($0.name, $0.version, $0.file, $0.line) < ($1.name, $1.version, $1.file, $1.line)
        }
        findings += DependencyCheck.structural(dependencies)
    }

    // MARK: behaviour

    mutating func behaviours() {
        for rule in rules.behaviours {
            switch rule.scope {
            case .file:
                for (path, scan) in scanned {
                    guard let place = rule.match(scan.facts) else { continue }
                    report(rule, path, scan, place)
                }
            case .bundle:
                var all: [String: CodeFact] = [:]
                for (_, scan) in scanned { all.merge(scan.facts) { first, _ in first } }
                guard rule.match(all) != nil, let names = rule.all.first,
                    let (path, scan) = scanned.first(where: { item in
                        names.contains { item.scan.facts[$0] != nil }
                    }),
                    let place = names.lazy.compactMap({ scan.facts[$0] }).first
                else { continue }
                report(rule, path, scan, place)
            }
        }
    }

    private mutating func report(_ rule: BehaviourRule, _ path: String, _ scan: FileScan, _ place: CodeFact) {
        let (line, column) = scan.text.position(place.offset)
        findings.append(
            Finding(
                rule: rule.description.id, class: rule.description.class, severity: rule.description.severity,
                file: path,
                line: line, column: column, message: rule.description.description
            ).citing(scan.text, at: place.offset))
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
