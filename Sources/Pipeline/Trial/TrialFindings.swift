import Marketplace
import Sandbox
import Scanning

/// What a trial has to say against a plugin, in the shape of the scanner's findings.
struct TrialFindings {
    private let manifest: Manifest
    private var findings: [String: Finding] = [:]
    private var asked: [String: TrialReport.Observed] = [:]
    private(set) var isComplete = true
    /// This run's application is thirty times as large: what does not fit there is said, and is no fault by itself.
    var isLarge = false

    init(manifest: Manifest) { self.manifest = manifest }

    var observed: [TrialReport.Observed] { asked.values.sorted { $0.permission < $1.permission } }
    var sorted: [Finding] { findings.values.sorted(by: Finding.inOrder) }

    /// The trial itself failed: nothing can be said for the plugin.
    mutating func incomplete(_ why: String) {
        isComplete = false
        add("run.incomplete", .incomplete, .high, "the trial did not come to its end: \(why)", key: "")
    }

    /// An action was ended by a limit.
    mutating func ended(_ limit: LimitName, detail: String?, in action: String) {
        add(
            "run.limit", .limit, isLarge ? .medium : .high,
            "the limit \(limit.rawValue) ended \(action)" + (detail.map { " (\($0))" } ?? "")
                + (isLarge ? " with thirty times as many records" : ""),
            key: "\(limit.rawValue) \(action)")
    }

    /// The plugin threw, or answered what is no answer.
    mutating func error(_ message: String, in action: String) {
        add("run.error", .trial, .low, "the action \(action) failed: \(message)", key: action)
    }

    mutating func cannotStart(_ message: String) {
        add("run.start", .trial, .high, "the plugin does not start: \(message)", key: "")
    }

    mutating func badOutput(_ violation: JSONSchema.Violation, in action: String) {
        add(
            "run.output", .trial, .medium,
            "the answer of \(action) does not fit its schema: \(violation.pointer) \(violation.message)",
            key: action)
    }

    /// From 80 % of a limit on, the author is warned.
    mutating func near(_ limit: String, _ used: Int64, of most: Int64, in action: String) {
        guard most > 0, used * 100 >= most * 80 else { return }
        add(
            "run.near-limit", .limit, .low, "the action \(action) used \(used) of \(most) \(limit)",
            key: "\(limit) \(action)")
    }

    mutating func note(_ observed: [TrialReport.Observed], leaks: [String]) {
        for one in observed {
            if asked[one.permission] == nil {
                asked[one.permission] = one
            } else {
                asked[one.permission]!.count += one.count
            }
            if !one.allowed {
                add(
                    "run.undeclared", .capability, .high,
                    "the plugin asked for \(one.permission), which the manifest does not declare",
                    key: one.permission)
            }
        }
        for label in leaks {
            add(
                "run.canary", .trial, .critical,
                "a planted record was about to leave by \(label), which the manifest does not declare",
                key: label)
        }
    }

    /// A secret's content in an answer, an error or a log line.
    mutating func note(said result: ExecutionResult, in action: String, secrets: [String]) {
        guard !secrets.isEmpty else { return }
        var texts = result.logs.map(\.text)
        switch result.outcome {
        case .success(let answer): texts.append(answer.serialized())
        case .failure(let failure): texts.append(failure.message)
        case .ended: break
        }
        for mark in secrets where texts.contains(where: { $0.contains(mark) }) {
            add(
                "run.canary", .trial, .critical, "the content of a secret stands in what \(action) says",
                key: "\(mark) \(action)")
        }
    }

    /// The first two runs had the same clock, seed and data: their answers must be the same.
    mutating func compare(_ answers: [[String: JSONValue]]) {
        guard answers.count >= 2 else { return }
        for action in answers[0].keys.sorted() where answers[1][action] != nil {
            if answers[0][action] != answers[1][action] {
                add(
                    "run.non-deterministic", .trial, .medium,
                    "the action \(action) answered differently under the same circumstances", key: action)
            }
        }
    }

    private mutating func add(
        _ rule: String, _ kind: FindingClass, _ severity: Severity, _ message: String, key: String
    ) {
        let fingerprint = "\(rule):\(manifest.id):\(key)"
        guard findings[fingerprint] == nil else { return }
        findings[fingerprint] = Finding(
            rule: rule, class: kind, severity: severity, file: manifest.main, message: message,
            fingerprint: fingerprint)
    }
}
