import Marketplace
import Provenance
import Registry

/// The files of plugins' `ui/`, for frames in the customer's application. Each installation has a path of its own, which
/// cannot be guessed; the pages get a sandbox without an origin, and reach nothing but the application that embeds them.
struct InterfaceEndpoints: Sendable {
    let registry: Registry
    let starter: any PluginStarter

    var all: [Endpoint] { [asset] }

    private var asset: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/ui/{installation}/{path*}", id: "interfaceFile",
            summary: "A file of the plugin's ui/, sandboxed, for a frame in the customer's application",
            access: .open,
            success: Endpoint.Success(description: "The file", type: "*/*")
        ) { [registry, starter] asked throws(RuntimeError) in
            let id = asked.parameters["installation"] ?? ""
            let path = asked.parameters["path"] ?? ""
            let (row, version, tenant) = try await blocking {
                let row = try registry.installation(withHook: id)
                return (row, try registry.version(row.plugin, row.version), try registry.tenant(row.tenant))
            }
            if row.state == .suspended {
                throw RuntimeError(.suspended, row.plugin.text, row.stateReason ?? "is suspended")
            }
            guard let type = Self.type(of: path),
                let file = try await starter.files(of: version.bundle).first(where: {
                    $0.path == "ui/" + path
                })
            else { throw RuntimeError(.notFound, path, "is no file of the plugin's ui/") }
            return APIResponse(
                status: 200,
                headers: [
                    "content-type": type, "content-security-policy": Self.policy(tenant.appURL),
                    "cache-control": "private, max-age=60", "referrer-policy": "no-referrer",
                    "cross-origin-resource-policy": "cross-origin",
                    // A page in a sandbox has no origin, and its modules come from this path.
                    "access-control-allow-origin": "*",
                    "etag": "\"\(Digest.sha256(of: file.bytes).hex.prefix(32))\"",
                ], body: file.bytes)
        }
    }

    /// A frame without an origin: scripts and forms run, and nothing leaves it but messages to its parent, which must be the
    /// customer's application.
    static func policy(_ application: String) -> String {
        let origin = origin(of: application) ?? "'none'"
        return [
            "sandbox allow-scripts allow-forms", "default-src 'none'", "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:", "font-src 'self'", "connect-src 'none'", "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors \(origin)",
        ].joined(separator: "; ")
    }

    /// `https://app.example.com:8443` of an address below it.
    static func origin(of address: String) -> String? {
        guard let scheme = ["https://", "http://"].first(where: address.hasPrefix) else { return nil }
        let host = address.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let isHost = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains(byte)
        }
        return isHost && !host.isEmpty ? scheme + host : nil
    }

    private static let types = [
        "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
        "json": "application/json", "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "woff2": "font/woff2",
        "txt": "text/plain; charset=utf-8",
    ]

    private static func type(of path: String) -> String? {
        guard let dot = path.lastIndex(of: ".") else { return nil }
        return types[path[path.index(after: dot)...].lowercased()]
    }
}
