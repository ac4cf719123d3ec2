internal import Marketplace

/// CycloneDX 1.6: the packages of a bundle, with the vulnerabilities that were found.
public enum SBOMWriter {
    public static func write(_ outcome: ScanOutcome) -> [UInt8] {
        let report = outcome.report
        var seen: Set<String> = []
        var components: [JSONValue] = []
        for item in outcome.dependencies where seen.insert(purl(item.name, item.version)).inserted {
            var object: [String: JSONValue] = [
                "type": "library", "name": .string(item.name), "version": .string(item.version),
                "bom-ref": .string(purl(item.name, item.version)),
                "purl": .string(purl(item.name, item.version)),
                "scope": .string(item.isDevelopment ? "excluded" : "required"),
            ]
            if let license = item.license { object["licenses"] = [["expression": .string(license)]] }
            if let hash = item.integrity.flatMap(hash) { object["hashes"] = [hash] }
            components.append(.object(object))
        }
        let vulnerabilities: [JSONValue] = report.findings.filter {
            $0.rule == "dep.vulnerable" || $0.rule == "dep.malicious"
        }.compactMap { finding in
            let parts = finding.evidence.split(separator: " ")
            guard parts.count == 3 else { return nil }
            return [
                "id": .string(String(parts[2])), "description": .string(finding.message),
                "ratings": [["severity": .string(finding.severity.rawValue)]],
                "affects": [["ref": .string(purl(String(parts[0]), String(parts[1])))]],
            ]
        }
        let document: JSONValue = [
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "serialNumber": .string("urn:uuid:" + uuid(report.bundle.sha256)),
            "metadata": [
                "component": [
                    "type": "application", "name": .string(report.bundle.id ?? report.bundle.name),
                    "version": .string(report.bundle.version ?? "0"),
                    "hashes": [["alg": "SHA-256", "content": .string(report.bundle.sha256)]],
                ],
                "tools": [
                    "components": [
                        ["type": "application", "name": "veroforge", "version": .string(report.tool.version)]
                    ]
                ],
            ],
            "components": .array(components),
            "vulnerabilities": .array(vulnerabilities),
        ]
        return document.serializedBytes(pretty: true) + [0x0A]
    }

    static func purl(_ name: String, _ version: String) -> String {
        let escaped = name.hasPrefix("@") ? "%40" + name.dropFirst() : name
        return "pkg:npm/\(escaped)@\(version)"
    }

    private static func hash(_ integrity: String) -> JSONValue? {
        guard let dash = integrity.firstIndex(of: "-") else { return nil }
        let names = ["sha512": "SHA-512", "sha384": "SHA-384", "sha256": "SHA-256", "sha1": "SHA-1"]
        guard let name = names[String(integrity[..<dash])],
            let bytes = Base64.decode(Array(integrity[integrity.index(after: dash)...].utf8))
        else { return nil }
        return ["alg": .string(name), "content": .string(Hex.encode(bytes))]
    }

    /// A name-based UUID (version 8) of the bundle's digest, so that the same bundle has the same number.
    private static func uuid(_ digest: String) -> String {
        var digits = Array(digest.prefix(32))
        guard digits.count == 32 else { return digest }
        digits[12] = "8"
        digits[16] = "a"
        let text = String(digits)
        let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        return parts.map { String(Array(text)[$0.0..<$0.1]) }.joined(separator: "-")
    }
}
