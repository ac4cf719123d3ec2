/// What the generated reference pages are made of. An empty list leaves its page out.
public struct References: Codable, Sendable, Equatable {
    public var rules: [RuleDoc]
    public var commands: [CommandDoc]
    /// The manifest's JSON Schema, as text.
    public var manifestSchema: String?
    public var problems: [ProblemDoc]
    public var operations: [APIDoc]
    public var types: [TypeDoc]
    /// The SDK to download, shown above its types.
    public var sdk: SDKDownload?

    public init(
        rules: [RuleDoc] = [], commands: [CommandDoc] = [], manifestSchema: String? = nil,
        problems: [ProblemDoc] = [], operations: [APIDoc] = [], types: [TypeDoc] = [],
        sdk: SDKDownload? = nil
    ) {
        self.rules = rules
        self.commands = commands
        self.manifestSchema = manifestSchema
        self.problems = problems
        self.operations = operations
        self.types = types
        self.sdk = sdk
    }
}

/// The SDK's tarball with what proves it.
public struct SDKDownload: Codable, Sendable, Equatable {
    public var version: String
    /// Inside the public site.
    public var path: String
    public var signaturePath: String
    /// 64 hexadecimal digits.
    public var sha256: String
    public var bytes: Int
    /// The key of the signature.
    public var keyID: String

    public init(
        version: String, path: String, signaturePath: String, sha256: String, bytes: Int, keyID: String
    ) {
        self.version = version
        self.path = path
        self.signaturePath = signaturePath
        self.sha256 = sha256
        self.bytes = bytes
        self.keyID = keyID
    }
}

/// A rule of the scanner, from its own metadata.
public struct RuleDoc: Codable, Sendable, Equatable {
    public var id: String
    public var title: String
    public var kind: String
    public var severity: String
    public var why: String
    public var legitimate: String
    /// What to do about it.
    public var fix: String

    public init(
        id: String, title: String, kind: String, severity: String, why: String = "",
        legitimate: String = "", fix: String = ""
    ) {
        self.id = id
        self.title = title
        self.kind = kind
        self.severity = severity
        self.why = why
        self.legitimate = legitimate
        self.fix = fix
    }
}

/// A command, from its `--help`.
public struct CommandDoc: Codable, Sendable, Equatable {
    /// `veroforge plugin pack`.
    public var name: String
    public var abstract: String
    /// The whole text of `--help`.
    public var help: String

    public init(name: String, abstract: String, help: String) {
        self.name = name
        self.abstract = abstract
        self.help = help
    }
}

/// A problem type of the HTTP API (RFC 9457).
public struct ProblemDoc: Codable, Sendable, Equatable {
    public var type: String
    public var title: String
    public var status: Int
    public var meaning: String

    public init(type: String, title: String, status: Int, meaning: String = "") {
        self.type = type
        self.title = title
        self.status = status
        self.meaning = meaning
    }
}

/// An operation of the HTTP API, from the OpenAPI file.
public struct APIDoc: Codable, Sendable, Equatable {
    public var method: String
    public var path: String
    public var summary: String
    public var detail: String

    public init(method: String, path: String, summary: String, detail: String = "") {
        self.method = method
        self.path = path
        self.summary = summary
        self.detail = detail
    }
}

/// A type of the SDK, from its declaration.
public struct TypeDoc: Codable, Sendable, Equatable {
    public var name: String
    /// TypeScript.
    public var declaration: String
    public var summary: String

    public init(name: String, declaration: String, summary: String = "") {
        self.name = name
        self.declaration = declaration
        self.summary = summary
    }
}
