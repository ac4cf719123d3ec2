/// One thing that the code does, and where.
struct CodeFact: Sendable {
    var name: String
    /// In bytes from the beginning of the file.
    var offset: Int
    /// What is concerned: a module, a host, a name.
    var detail: String
}

/// An operation of the host that the code calls.
struct OperationUse: Sendable, Hashable {
    var operation: String
    /// Entity, workflow or host; nil where it is computed at run time.
    var target: String?
    /// For `fetch`: nil where it is computed.
    var method: String?
    var offset: Int
}

struct ImportUse: Sendable, Hashable {
    /// nil where it is computed at run time.
    var specifier: String?
    var offset: Int
}

/// The names of facts, so that a typing mistake in a rule is an error.
enum FactName {
    static let all: Set<String> = [
        "environment.read", "environment.all", "environment.sent", "files.sent", "system.sent",
        "process.exec", "process.native", "process.exit", "files.read",
        "files.write",
        "files.delete", "network.http", "network.socket", "network.dns", "dynamic.code",
        "dynamic.code-constant",
        "dynamic.code-decoded", "dynamic.timer", "dynamic.import", "dynamic.vm", "tamper.prototype",
        "tamper.global",
        "system.info", "input.keys", "clipboard.read", "clipboard.write", "loop.endless", "debugger",
        "computed.access",
        "text.credential-path", "text.webhook", "text.raw-ip", "text.shell-download", "text.reverse-shell",
        "text.system-path", "text.metadata-service", "text.miner", "text.wallet", "text.package-registry",
        "crypto.wallet-access", "decode.base64", "decode.inflate", "decode.char-codes", "storage.browser",
        "debug.trap",
        "shuffle.array", "string.array", "control.flattened", "names.hex", "import.builtin", "import.remote",
    ]

    static func isKnown(_ name: String) -> Bool { all.contains(name) }

    /// Modules of Node.js; none of them exists in the sandbox.
    static let builtinModules: Set<String> = [
        "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto",
        "dgram",
        "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector",
        "module", "net",
        "os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream",
        "string_decoder", "sys", "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi",
        "worker_threads", "zlib",
    ]

    /// Of these, the ones that reach out of the process.
    static let reachingModules: Set<String> = [
        "child_process", "cluster", "dgram", "dns", "fs", "http", "http2", "https", "inspector", "net", "os",
        "process",
        "repl", "tls", "vm", "wasi", "worker_threads", "v8", "module",
    ]

    /// The fact that a canonical name stands for when it is called.
    static func ofCall(_ name: String) -> String? {
        if let fact = calls[name] { return fact }
        guard name.hasPrefix("<"), let close = name.firstIndex(of: ">") else { return nil }
        let module = String(name[name.index(after: name.startIndex)..<close])
        let member = name[name.index(after: close)...].drop { $0 == "." }
        let base = module.split(separator: "/").first.map(String.init) ?? module
        switch base {
        case "child_process", "cluster", "worker_threads", "execa", "shelljs", "cross-spawn":
            return "process.exec"
        case "fs", "fs-extra", "graceful-fs":
            let verb = member.split(separator: ".").last.map(String.init) ?? ""
            if [
                "write", "append", "create", "rename", "copy", "chmod", "chown", "link", "symlink", "mkdir",
                "truncate",
            ]
            .contains(where: verb.lowercased().hasPrefix), !verb.hasPrefix("createRead") {
                return "files.write"
            }
            if ["unlink", "rm", "rmdir", "rmSync", "remove"].contains(where: verb.hasPrefix) {
                return "files.delete"
            }
            return verb.isEmpty ? nil : "files.read"
        case "http", "https", "http2", "axios", "node-fetch", "got", "request", "superagent", "undici",
            "needle":
            return member.hasSuffix("Agent") || member.hasSuffix("createServer") ? nil : "network.http"
        case "net", "tls", "dgram", "ws": return "network.socket"
        case "dns": return "network.dns"
        case "vm": return "dynamic.vm"
        case "os":
            return ["platform", "EOL", "type", "tmpdir", "release", "arch"].contains(String(member))
                ? nil : "system.info"
        default: return nil
        }
    }

    private static let calls: [String: String] = [
        "eval": "dynamic.code", "Function": "dynamic.code", "execScript": "dynamic.code",
        "fetch": "network.http",
        "XMLHttpRequest": "network.http", "WebSocket": "network.socket", "EventSource": "network.http",
        "navigator.sendBeacon": "network.http", "RTCPeerConnection": "network.socket",
        "importScripts": "import.remote",
        "process.exit": "process.exit", "process.abort": "process.exit", "process.kill": "process.native",
        "process.dlopen": "process.native", "process.binding": "process.native",
        "process._linkedBinding": "process.native", "process.setuid": "process.native",
        "navigator.clipboard.readText": "clipboard.read", "navigator.clipboard.writeText": "clipboard.write",
        "ethereum.request": "crypto.wallet-access", "web3.eth.sendTransaction": "crypto.wallet-access",
        "ethereum.send": "crypto.wallet-access", "solana.signTransaction": "crypto.wallet-access",
        "solana.connect": "crypto.wallet-access", "atob": "decode.base64",
        "localStorage.getItem": "storage.browser",
        "String.fromCharCode": "decode.char-codes", "unescape": "decode.base64",
        "Bun.spawn": "process.exec", "Deno.run": "process.exec", "Deno.Command": "process.exec",
        "Deno.readTextFile": "files.read", "Deno.readFile": "files.read",
    ]

    /// Globals that the sandbox does not have and that reach out of it.
    static let ambientGlobals: Set<String> = [
        "process", "require", "XMLHttpRequest", "WebSocket", "EventSource", "navigator", "document",
        "localStorage",
        "sessionStorage", "indexedDB", "Deno", "Bun", "importScripts", "Worker", "SharedWorker",
        "ActiveXObject",
        "WScript", "chrome", "browser", "__dirname", "__filename", "setImmediate", "WebAssembly",
    ]
}
