internal import CYara

/// libyara behind a small face: compile once, scan many texts, every return code looked at.
final class YaraEngine {
    struct Match: Hashable {
        var rule: String
        /// The name of the string inside the rule.
        var string: String
        var offset: Int
        var length: Int
    }

    static let version = String(cString: cyara_version())

    /// Once a process, for libyara counts its users without a lock: of two threads the second goes on before the first has
    /// set the limits, and is refused every rule.
    private static let isReady = yr_initialize() == ERROR_SUCCESS

    // SAFETY: made by `init`, destroyed by `deinit`, and used by one thread: the worker has one.
    private let rules: UnsafeMutablePointer<YR_RULES>

    private final class Messages {
        var lines: [String] = []
    }

    private final class Collector {
        var matches: [Match] = []
    }

    /// - Parameter sources: each rule file's name and text.
    init(sources: [(name: String, text: String)]) throws(ScanError) {
        guard Self.isReady else {
            throw ScanError(.library, subject: "libyara", cause: "it cannot be initialised")
        }
        var compiler: UnsafeMutablePointer<YR_COMPILER>?
        guard yr_compiler_create(&compiler) == ERROR_SUCCESS, let compiler else {
            throw ScanError(.library, subject: "libyara", cause: "no memory for a compiler")
        }
        defer { yr_compiler_destroy(compiler) }
        let messages = Messages()
        yr_compiler_set_callback(
            compiler,
            { level, _, line, _, message, user in
                guard let user, let message else { return }
                let messages = Unmanaged<Messages>.fromOpaque(user).takeUnretainedValue()
                let kind = level == YARA_ERROR_LEVEL_ERROR ? "error" : "warning"
                messages.lines.append("line \(line): \(kind): \(String(cString: message))")
            }, Unmanaged.passUnretained(messages).toOpaque())
        for source in sources {
            // A warning is an error too: it is how libyara says that a rule will be slow.
            let errors = yr_compiler_add_string(compiler, source.text, nil)
            guard errors == 0, messages.lines.isEmpty else {
                throw ScanError(.badRule, subject: source.name, cause: messages.lines.joined(separator: "; "))
            }
        }
        var compiled: UnsafeMutablePointer<YR_RULES>?
        let status = yr_compiler_get_rules(compiler, &compiled)
        guard status == ERROR_SUCCESS, let compiled else {
            throw ScanError(.badRule, subject: "rules", cause: "libyara gives error \(status)")
        }
        rules = compiled
    }

    deinit { yr_rules_destroy(rules) }

    /// The metadata of every rule: text and number values by name.
    func metadata() -> [String: [String: String]] {
        final class Box { var all: [String: [String: String]] = [:] }
        let box = Box()
        cyara_each_meta(
            rules,
            { rule, name, text, number, isText, user in
                guard let rule, let name, let user else { return }
                let box = Unmanaged<Box>.fromOpaque(user).takeUnretainedValue()
                let value = isText != 0 ? text.map { String(cString: $0) } ?? "" : String(number)
                box.all[String(cString: rule), default: [:]][String(cString: name)] = value
            }, Unmanaged.passUnretained(box).toOpaque())
        return box.all
    }

    /// All matches in some bytes, in the order of rule and offset.
    /// - Throws: where libyara reports anything but success, time-outs and too many matches included.
    func scan(_ bytes: [UInt8], secondsMax: Int = 20) throws(ScanError) -> [Match] {
        guard !bytes.isEmpty else { return [] }
        let collector = Collector()
        let status = bytes.withUnsafeBufferPointer { buffer in
            cyara_scan(
                rules, buffer.baseAddress, buffer.count, Int32(secondsMax),
                { match, user in
                    guard let match = match?.pointee, let user else { return }
                    let collector = Unmanaged<Collector>.fromOpaque(user).takeUnretainedValue()
                    collector.matches.append(
                        Match(
                            rule: String(cString: match.rule), string: String(cString: match.string_id),
                            offset: Int(match.offset), length: Int(match.length)))
                }, Unmanaged.passUnretained(collector).toOpaque())
        }
        guard status == ERROR_SUCCESS else {
            throw ScanError(.library, subject: "libyara", cause: Self.explain(status))
        }
        return collector.matches.sorted { ($0.rule, $0.offset, $0.string) < ($1.rule, $1.offset, $1.string) }
    }

    private static func explain(_ status: Int32) -> String {
        switch status {
        case ERROR_SCAN_TIMEOUT: "the rules took too long"
        case ERROR_TOO_MANY_MATCHES: "a rule matches too often"
        default: "libyara gives error \(status)"
        }
    }
}
