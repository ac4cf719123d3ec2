internal import Marketplace

/// One file of `rules/capabilities/`: a behaviour as a combination of facts from the syntax tree.
struct BehaviourRule: Sendable {
    enum Scope: String, Sendable { case file, bundle }

    var description: RuleSet.Description
    /// Facts that must all be there; each may name alternatives with `|`.
    var all: [[String]]
    var none: [String]
    var scope: Scope
    /// What it is in a plugin, which has none of the reasons that a program for Node.js has.
    var pluginSeverity: Severity
    /// Texts in which the rule must hit, and in which it must not.
    var hits: [String]
    var misses: [String]

    init(yaml bytes: [UInt8], name: String) throws(ScanError) {
        let document = try YAMLReader.read(bytes, name: name, code: .badRule)
        func need(_ key: String) throws(ScanError) -> String {
            guard let text = document[key]?.stringValue, !text.isEmpty else {
                throw ScanError(.badRule, subject: name, cause: "\(key) is missing")
            }
            return text
        }
        let id = try need("id")
        guard name == "capabilities/\(id).yaml" else {
            throw ScanError(.badRule, subject: name, cause: "the file is not named after its rule \(id)")
        }
        guard let kind = FindingClass(rawValue: try need("class")),
            let severity = Severity(rawValue: try need("severity"))
        else { throw ScanError(.badRule, subject: name, cause: "unknown class or severity") }
        description = RuleSet.Description(
            id: id, class: kind, severity: severity, description: try need("description"),
            hint: try need("hint"),
            legitimate: try need("legitimate"), reference: try need("reference"),
            created: try need("created"),
            layers: "syntax")
        guard let when = document["when"], let list = when["all"]?.strings, !list.isEmpty else {
            throw ScanError(.badRule, subject: name, cause: "when.all is missing")
        }
        all = list.map { $0.split(separator: "|").map(String.init) }
        none = when["none"]?.strings ?? []
        guard let scope = Scope(rawValue: document["scope"]?.stringValue ?? "file") else {
            throw ScanError(.badRule, subject: name, cause: "scope must be file or bundle")
        }
        self.scope = scope
        if let text = document["plugin-severity"]?.stringValue {
            guard let other = Severity(rawValue: text) else {
                throw ScanError(.badRule, subject: name, cause: "unknown plugin-severity")
            }
            pluginSeverity = other
        } else {
            pluginSeverity = severity
        }
        hits = document["hits"]?.strings ?? []
        misses = document["misses"]?.strings ?? []
        guard !hits.isEmpty, !misses.isEmpty else {
            throw ScanError(.badRule, subject: name, cause: "hits and misses are both needed")
        }
        for fact in all.flatMap({ $0 }) + none where !FactName.isKnown(fact) {
            throw ScanError(.badRule, subject: name, cause: "unknown fact \(fact)")
        }
    }

    /// The first fact named, where the facts fulfil the rule.
    func match(_ fact: (String) -> FileSummary.Fact?) -> FileSummary.Fact? {
        guard !none.contains(where: { fact($0) != nil }) else { return nil }
        var place: FileSummary.Fact?
        for alternatives in all {
            var found: FileSummary.Fact?
            for name in alternatives where found == nil { found = fact(name) }
            guard let found else { return nil }
            place = place ?? found
        }
        return place
    }
}
