internal import Bundles
internal import Marketplace

/// What the code does against what the manifest declares.
extension ScanRun {
    mutating func capabilities() {
        let bundled = Set(bundle.entries.map(\.path))
        for (path, scan) in scanned {
            guard manifestValue != nil || hasManifestFile else { continue }
            guard !isTest(path) else { continue }
            imports(path, scan, bundled)
            for use in scan.ambient {
                add("cap.ambient-global", path, use.place, "\(use.name) does not exist in the sandbox")
            }
            for fact in scan.dynamics { dynamic(path, fact) }
        }
        guard let manifest = manifestValue else { return }
        compare(manifest)
    }

    /// A folder that somebody works in holds tests, which are not packed; whatever is packed may be loaded.
    private func isTest(_ path: String) -> Bool {
        guard bundle.format == .folder else { return false }
        return path.hasPrefix("test/") || path.contains("/test/") || path.hasSuffix(".test.ts")
            || path.hasSuffix(".test.js")
    }

    private mutating func add(
        _ rule: String, _ path: String, _ place: FileSummary.Place, _ message: String,
        severity: Severity? = nil
    ) {
        let finding = BuiltInRules.finding(rule, path, message: message, severity: severity).at(place)
        guard reported.insert("\(rule)\u{0}\(path)\u{0}\(place.line)\u{0}\(message)").inserted else { return }
        findings.append(finding)
    }

    mutating func imports(_ path: String, _ scan: FileSummary, _ bundled: Set<String>) {
        for use in scan.imports {
            guard let name = use.specifier else {
                add(
                    "cap.unresolved-import", path, use.place,
                    "which module is imported is computed at run time")
                continue
            }
            let module = Evaluator.module(name)
            let base = module.split(separator: "/").first.map(String.init) ?? module
            if name.hasPrefix("http:") || name.hasPrefix("https:") || name.hasPrefix("data:") {
                add(
                    "cap.remote-import", path, use.place,
                    "code is imported from \(SourceText.printable(String(name.prefix(120))))")
            } else if FactName.builtinModules.contains(base), !name.hasPrefix(".") {
                let reaches = FactName.reachingModules.contains(base)
                add(
                    "cap.builtin-import", path, use.place,
                    "the module \(module) does not exist in the sandbox", severity: reaches ? .high : .medium)
            } else if name.hasPrefix(".") {
                guard bundle.format != .folder, Self.resolve(name, from: path, bundled) == nil else {
                    continue
                }
                add("cap.unresolved-import", path, use.place, "\(name) is not in the bundle")
            } else if !name.hasPrefix("@veroforge/sdk"), bundle.format != .folder,
                !bundled.contains(where: {
                    $0.contains("node_modules/\(name)/") || $0.contains("node_modules/\(base)/")
                })
            {
                add("cap.unresolved-import", path, use.place, "\(name) is not in the bundle")
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

    mutating func dynamic(_ path: String, _ fact: FileSummary.Fact) {
        switch fact.name {
        case "dynamic.code", "dynamic.code-constant", "dynamic.code-decoded", "dynamic.timer", "dynamic.vm":
            add("cap.dynamic-code", path, fact.place, "text is run as code")
        case "tamper.prototype", "tamper.global":
            add("cap.tampering", path, fact.place, "\(fact.detail) is changed for all code")
        default: break
        }
    }

    mutating func compare(_ manifest: Manifest) {
        var used: [Permission] = []
        var unbounded: Set<String> = []
        for (path, scan) in scanned where !isTest(path) {
            for use in scan.operations {
                guard let operation = Permission.Operation(rawValue: use.operation) else { continue }
                let line = use.place.line
                guard let target = use.target else {
                    unbounded.insert(use.operation)
                    capabilityTable.detected.append(
                        .init(permission: "\(use.operation) ?", file: path, line: line))
                    if manifest.permissions.permissions.contains(where: { $0.operation == operation }) {
                        add(
                            "cap.unbounded", path, use.place,
                            "what \(use.operation) is called with is computed at run time")
                    } else {
                        undeclared(use.operation, path, use)
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
                if !isCovered { undeclared(permission.description, path, use) }
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

    mutating func undeclared(_ what: String, _ path: String, _ use: FileSummary.Operation) {
        capabilityTable.undeclared.append(what)
        add("cap.undeclared", path, use.place, "\(what) is used, and plugin.json does not declare it")
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
}
