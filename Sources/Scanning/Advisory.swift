public import Marketplace

/// A package that a bundle brings, as its lockfile resolves it.
public struct ResolvedDependency: Codable, Hashable, Sendable {
    public var name: String
    /// As the lockfile writes it.
    public var version: String
    /// `registry`, `bundled` (lies in `node_modules`), `vendored` (was recognised), `range` (declared, not resolved),
    /// `git`, `link`, `file`, `remote` or `unknown`: only what comes from the registry can be matched by name.
    public var source: String
    public var resolved: String?
    public var integrity: String?
    public var license: String?
    public var isDevelopment: Bool
    public var hasInstallScript: Bool
    /// The lockfile and the line that name it.
    public var file: String
    public var line: Int

    public init(
        name: String, version: String, source: String, resolved: String? = nil, integrity: String? = nil,
        license: String? = nil, isDevelopment: Bool = false, hasInstallScript: Bool = false, file: String,
        line: Int = 0
    ) {
        self.name = name
        self.version = version
        self.source = source
        self.resolved = resolved
        self.integrity = integrity
        self.license = license
        self.isDevelopment = isDevelopment
        self.hasInstallScript = hasInstallScript
        self.file = file
        self.line = line
    }
}

/// One known vulnerability or malicious release that applies to a package's version.
public struct Advisory: Codable, Hashable, Sendable {
    public var id: String
    /// Other names of the same, sorted.
    public var aliases: [String]
    public var package: String
    public var summary: String
    public var severity: Severity
    /// True for packages that are malicious themselves, not vulnerable by mistake.
    public var isMalicious: Bool
    /// The lowest version in which it is mended, where there is one.
    public var fixed: String?

    public init(
        id: String, aliases: [String] = [], package: String, summary: String, severity: Severity,
        isMalicious: Bool = false, fixed: String? = nil
    ) {
        self.id = id
        self.aliases = aliases
        self.package = package
        self.summary = summary
        self.severity = severity
        self.isMalicious = isMalicious
        self.fixed = fixed
    }
}

/// Where known vulnerabilities are looked up.
public protocol AdvisorySource {
    /// Every advisory that applies to one version of an npm package.
    func advisories(package: String, version: Version) throws -> [Advisory]
    /// Every advisory that applies to some version that a range allows.
    func advisories(package: String, within range: VersionRange) throws -> [Advisory]
    /// When the data was made; a source without a date is stale.
    var asOf: Instant? { get }
    /// How many records there are.
    var count: Int { get }
}
