public import Marketplace

/// Known vulnerabilities of the packages that a bundle brings. Pure: the host runs it on what the worker has parsed.
public enum DependencyCheck {
    /// After how many days without new data a report says so.
    public static let staleAfterDays = 30

    /// Names that are often imitated; a package one letter away from one of these is looked at.
    static let wellKnown: [String] = [
        "react", "lodash", "express", "axios", "chalk", "commander", "debug", "moment", "request", "async",
        "webpack",
        "typescript", "eslint", "prettier", "jquery", "underscore", "uuid", "dotenv", "mongoose", "socket.io",
        "redux",
        "classnames", "yargs", "bluebird", "babel-core", "electron", "cross-env", "node-fetch", "discord.js",
        "ethers",
        "web3", "colors", "minimist", "rimraf", "glob", "semver", "winston", "nodemailer", "puppeteer",
        "playwright",
    ]

    static func structural(_ dependencies: [ResolvedDependency]) -> [Finding] {
        var findings: [Finding] = []
        for item in dependencies {
            func add(_ rule: String, _ message: String, severity: Severity? = nil) {
                findings.append(
                    BuiltInRules.finding(
                        rule, item.file, message: message, line: item.line, column: item.line > 0 ? 1 : 0,
                        evidence: "\(item.name) \(item.version)",
                        severity: item.isDevelopment ? .info : severity))
            }
            switch item.source {
            case "git", "remote":
                add(
                    "dep.source",
                    "\(item.name) comes from \(item.resolved ?? "elsewhere"), not from the registry")
            case "registry" where item.integrity == nil:
                add("dep.integrity", "\(item.name) \(item.version) has no integrity hash")
            default: break
            }
            if item.hasInstallScript {
                add("dep.install-script", "\(item.name) \(item.version) runs a program when it is installed")
            }
            if item.source == "registry", let known = imitated(item.name) {
                add("dep.typosquat", "\(item.name) is named almost like \(known)")
            }
        }
        return findings
    }

    static func imitated(_ name: String) -> String? {
        guard name.count >= 4, !name.hasPrefix("@"), !wellKnown.contains(name) else { return nil }
        return wellKnown.first { $0.count >= 5 && isOneEditApart(Array($0.utf8), Array(name.utf8)) }
    }

    /// One letter added, dropped or changed, or two neighbours swapped.
    private static func isOneEditApart(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard abs(a.count - b.count) <= 1, a != b else { return false }
        var start = 0
        while start < min(a.count, b.count), a[start] == b[start] { start += 1 }
        var end = 0
        while end < min(a.count, b.count) - start, a[a.count - 1 - end] == b[b.count - 1 - end] { end += 1 }
        let restA = Array(a[start..<(a.count - end)])
        let restB = Array(b[start..<(b.count - end)])
        if restA.count <= 1 && restB.count <= 1 { return true }
        return restA.count == 2 && restB.count == 2 && restA[0] == restB[1] && restA[1] == restB[0]
    }

    /// Looks every package up. A source that fails makes the check incomplete, not empty.
    public static func lookUp(
        _ dependencies: [ResolvedDependency], in source: any AdvisorySource, asOf now: Instant? = nil
    ) -> [Finding] {
        var findings: [Finding] = []
        if let now {
            let age = source.asOf.map { (now.milliseconds - $0.milliseconds) / 86_400_000 }
            if dependencies.contains(where: { matched.contains($0.source) }),
                age == nil || (age ?? 0) > Int64(staleAfterDays)
            {
                findings.append(
                    BuiltInRules.finding(
                        "dep.stale", "",
                        message: age.map {
                            "the advisories are \($0) days old; \(staleAfterDays) are allowed"
                        }
                            ?? "the advisories have no date"))
            }
        }
        for item in dependencies where matched.contains(item.source) {
            do {
                if let version = Version(item.version) {
                    findings += try source.advisories(package: item.name, version: version).map {
                        finding(item, $0)
                    }
                } else if let range = VersionRange(item.version), !item.version.isEmpty {
                    findings += try source.advisories(package: item.name, within: range).map {
                        possible(item, $0)
                    }
                }
            } catch {
                findings.append(
                    BuiltInRules.finding(
                        "scan.incomplete", item.file,
                        message: "\(item.name) could not be looked up: \(error)",
                        line: item.line))
            }
        }
        return findings
    }

    /// Sources whose names are the registry's.
    private static let matched: Set<String> = ["registry", "bundled", "vendored", "range"]

    /// No lockfile says which version it is: that some are affected is possible, and no more.
    private static func possible(_ item: ResolvedDependency, _ advisory: Advisory) -> Finding {
        BuiltInRules.finding(
            "dep.possible", item.file,
            message:
                "\(item.name) \(item.version) allows versions with a known vulnerability, and no lockfile says "
                + "which is used: \(advisory.summary) (\(advisory.id))",
            line: item.line, column: item.line > 0 ? 1 : 0,
            evidence: "\(item.name) \(item.version) \(advisory.id)",
            severity: item.isDevelopment ? .info : advisory.isMalicious ? .high : nil)
    }

    private static func finding(_ item: ResolvedDependency, _ advisory: Advisory) -> Finding {
        let names = ([advisory.id] + advisory.aliases).joined(separator: ", ")
        let mended = advisory.fixed.map { "; mended in \($0)" } ?? ""
        let rule = advisory.isMalicious ? "dep.malicious" : "dep.vulnerable"
        let severity: Severity = advisory.isMalicious ? .critical : advisory.severity
        return BuiltInRules.finding(
            rule, item.file, message: "\(item.name) \(item.version): \(advisory.summary) (\(names))\(mended)",
            line: item.line, column: item.line > 0 ? 1 : 0,
            evidence: "\(item.name) \(item.version) \(advisory.id)",
            severity: item.isDevelopment && !advisory.isMalicious ? .info : severity)
    }
}
