import Glibc
import Marketplace
import Metering
import Provenance

/// The public site as files: a folder that could stand on any web server.
struct PublicFiles: Sendable {
    /// `site/public`, or a folder of the operator's.
    let folder: String

    /// What a page may do, for headers: `frame-ancestors` counts only there; the pages themselves say the rest.
    static let headers = [
        "x-content-type-options": "nosniff", "referrer-policy": "same-origin",
        "content-security-policy": "frame-ancestors 'none'", "cross-origin-opener-policy": "same-origin",
    ]

    /// Answers GET and HEAD of a path; nil where there is no such file.
    ///
    /// - Parameters:
    ///   - path: percent-decoded steps.
    ///   - isFolder: whether the address ended with a slash.
    func answer(_ request: APIRequest, path: [String], isFolder: Bool) -> APIResponse? {
        guard path.allSatisfy(Self.isPlain) else { return nil }
        var file = path.joined(separator: "/")
        if file.isEmpty || isFolder {
            file += file.isEmpty ? "index.html" : "/index.html"
        } else if Self.isFolder("\(folder)/\(file)") {
            let query = request.query.map {
                "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))"
            }
            let address = "/" + path.map(PercentEncoding.encode).joined(separator: "/") + "/"
            return APIResponse(
                status: 308,
                headers: ["location": address + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))])
        }
        guard let bytes = try? Disk().readIfPresent("\(folder)/\(file)") else { return nil }
        return Self.file(bytes, named: file, for: request)
    }

    /// The page for addresses that are none.
    func missing() -> APIResponse {
        let page = (try? Disk().readIfPresent("\(folder)/404.html")) ?? Array("There is no page here.\n".utf8)
        var headers = Self.headers
        headers["content-type"] = "text/html; charset=utf-8"
        return APIResponse(status: 404, headers: headers, body: page)
    }

    /// A file with its type and digest; 304 where the reader has it.
    static func file(
        _ bytes: [UInt8], named name: String, for request: APIRequest, isPrivate: Bool = false
    ) -> APIResponse {
        var headers = Self.headers
        headers["content-type"] = type(of: name)
        let tag = "\"\(Digest.sha256(of: bytes).hex.prefix(32))\""
        headers["etag"] = tag
        headers["cache-control"] = isPrivate ? "no-store" : "no-cache"
        if !isPrivate, request.headers["if-none-match"].map({ $0.contains(tag) || $0 == "*" }) ?? false {
            return APIResponse(status: 304, headers: headers)
        }
        return APIResponse(status: 200, headers: headers, body: bytes)
    }

    /// No step upwards, no hidden file but `.well-known`, no control characters.
    static func isPlain(_ step: String) -> Bool {
        !step.isEmpty && step.utf8.count <= 255
            && !step.utf8.contains { $0 < 32 || $0 == UInt8(ascii: "/") || $0 == 127 }
            && (step.utf8.first != UInt8(ascii: ".") || step == ".well-known")
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func type(of name: String) -> String {
        switch name.split(separator: ".").last ?? "" {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "json", "sarif": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "jpg", "jpeg": "image/jpeg"
        case "webp": "image/webp"
        case "atom": "application/atom+xml; charset=utf-8"
        case "xml": "application/xml; charset=utf-8"
        case "txt": "text/plain; charset=utf-8"
        case "csv": "text/csv; charset=utf-8"
        case "vfp", "zip": "application/zip"
        case "gz", "tgz": "application/gzip"
        default: "application/octet-stream"
        }
    }
}
