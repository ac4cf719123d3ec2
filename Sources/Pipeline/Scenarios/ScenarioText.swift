public import Marketplace

/// The results of a plugin's scenarios, for people, for programs, and for test runners.
public enum ScenarioText {
    /// How large the plugin is, and what it was kept apart by.
    public struct Size: Sendable {
        let bundleBytes: Int
        let codeBytes: Int
        let backEnd: String

        public init(bundleBytes: Int, files codeBytes: Int, backEnd: String) {
            self.bundleBytes = bundleBytes
            self.codeBytes = codeBytes
            self.backEnd = backEnd
        }
    }

    /// The sizes, then one line a scenario with what its calls used and what they would cost; under it what does not
    /// hold.
    public static func text(_ results: [ScenarioResult], _ size: Size? = nil) -> String {
        var lines: [String] = []
        if let size {
            lines.append(
                "bundle \(size.bundleBytes) bytes, code \(size.codeBytes) bytes, sandbox \(size.backEnd)")
        }
        for result in results {
            let used =
                "\(tenths(result.cpuMs)) ms CPU, \(result.peakMemoryKiB) KiB, \(result.operations) operations, \(result.bytesIn + result.bytesOut) bytes"
            lines.append(
                "\(result.holds ? "holds " : "FAILS ") \(result.name)  (\(result.calls) calls: \(used))")
            lines += result.costs.map { "        costs \($0)" }
            lines += result.problems.map { "        \($0)" }
        }
        let holding = results.filter(\.holds).count
        lines.append("\(holding) hold, \(results.count - holding) fail")
        return lines.joined(separator: "\n") + "\n"
    }

    /// `veroforge.scenarios/1`
    public static func json(_ results: [ScenarioResult], _ size: Size? = nil) -> JSONValue {
        [
            "schema": "veroforge.scenarios/1", "holds": .bool(results.allSatisfy(\.holds)),
            "bundleBytes": .integer(Int64(size?.bundleBytes ?? 0)),
            "codeBytes": .integer(Int64(size?.codeBytes ?? 0)),
            "sandbox": .string(size?.backEnd ?? "native"),
            "scenarios": .array(
                results.map { result in
                    [
                        "name": .string(result.name), "file": .string(result.file),
                        "holds": .bool(result.holds),
                        "problems": .array(result.problems.map(JSONValue.string)),
                        "calls": .integer(Int64(result.calls)), "cpuMs": .number(result.cpuMs),
                        "wallMs": .number(result.wallMs),
                        "peakMemoryKiB": .integer(Int64(result.peakMemoryKiB)),
                        "operations": .integer(Int64(result.operations)),
                        "bytesIn": .integer(Int64(result.bytesIn)),
                        "bytesOut": .integer(Int64(result.bytesOut)),
                        "costs": .array(result.costs.map(JSONValue.string)),
                    ]
                }),
        ]
    }

    /// JUnit's XML, as test runners read it.
    public static func junit(_ results: [ScenarioResult], suite: String) -> String {
        let failing = results.count { !$0.holds }
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        text += "<testsuite name=\"\(XMLText.escaped(suite))\" tests=\"\(results.count)\" "
        text += "failures=\"\(failing)\">\n"
        for result in results {
            let seconds =
                "\(Int(result.wallMs) / 1_000).\(String(1_000 + Int(result.wallMs) % 1_000).dropFirst())"
            text +=
                "  <testcase name=\"\(XMLText.escaped(result.name))\" classname=\"\(XMLText.escaped(suite))\" time=\"\(seconds)\""
            guard !result.holds else {
                text += "/>\n"
                continue
            }
            text += ">\n    <failure message=\"\(XMLText.escaped(result.problems[0]))\">"
            text += XMLText.escaped(result.problems.joined(separator: "\n")) + "</failure>\n  </testcase>\n"
        }
        return text + "</testsuite>\n"
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
