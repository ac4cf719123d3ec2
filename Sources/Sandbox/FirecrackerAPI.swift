import Glibc
import Marketplace

/// One request to Firecracker, as its published description has it (OpenAPI, `firecracker.yaml`): JSON over HTTP/1.1 on
/// a Unix socket, answered by 204 without a body, by 200 with one, or by an error's `fault_message`.
struct FirecrackerRequest: Hashable, Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case patch = "PATCH"
    }

    let method: Method
    let path: String
    let body: JSONValue?

    static let version = FirecrackerRequest(method: .get, path: "/version", body: nil)

    /// What a new process is told to boot. Paths are as Firecracker sees them.
    static func boot(memoryMiB: Int, kernel: String, root: String, line: String, ports: String) -> [Self] {
        [
            Self(
                method: .put, path: "/machine-config",
                body: ["vcpu_count": 1, "mem_size_mib": .integer(Int64(memoryMiB)), "smt": false]),
            Self(
                method: .put, path: "/boot-source",
                body: [
                    "kernel_image_path": .string(kernel), "initrd_path": .string(root),
                    "boot_args": .string(line),
                ]),
            // The guest's own address; 2 is the host's, and what is below belongs to nobody.
            Self(method: .put, path: "/vsock", body: ["guest_cid": 3, "uds_path": .string(ports)]),
            Self(method: .put, path: "/actions", body: ["action_type": "InstanceStart"]),
        ]
    }

    /// What a machine that runs is told so that it is kept.
    static func keep(state: String, memory: String) -> [Self] {
        [
            Self(method: .patch, path: "/vm", body: ["state": "Paused"]),
            Self(
                method: .put, path: "/snapshot/create",
                body: [
                    "snapshot_type": "Full", "snapshot_path": .string(state),
                    "mem_file_path": .string(memory),
                ]),
        ]
    }

    /// What a new process is told to go on from there. The memory is mapped privately: it stays as it is.
    static func restore(state: String, memory: String) -> Self {
        Self(
            method: .put, path: "/snapshot/load",
            body: [
                "snapshot_path": .string(state),
                "mem_backend": ["backend_type": "File", "backend_path": .string(memory)],
                "resume_vm": true,
            ])
    }

    /// As it goes over the wire.
    var bytes: [UInt8] {
        var head = "\(method.rawValue) \(path) HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        guard let body = body?.serializedBytes() else { return Array((head + "\r\n").utf8) }
        head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }
}

/// An answer of Firecracker's.
struct FirecrackerAnswer: Hashable, Sendable {
    let status: Int
    let body: JSONValue

    private static let bytesMax = 1 << 20

    /// The answer that begins these bytes; `nil` while more is to come.
    static func read(_ bytes: [UInt8]) throws(SandboxError) -> FirecrackerAnswer? {
        guard bytes.count <= bytesMax else { throw broken }
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]),
            (100...599).contains(status)
        else { throw broken }
        var length = 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw broken }
            if parts[0].lowercased() == "content-length" {
                guard let given = Int(parts[1].trimmingSpaces), given >= 0, given <= bytesMax else {
                    throw broken
                }
                length = given
            }
        }
        let body = bytes[end.upperBound...]
        guard body.count >= length else { return nil }
        guard length > 0 else { return FirecrackerAnswer(status: status, body: .null) }
        guard let value = try? JSONValue.parse(Array(body.prefix(length)), limits: Reading.jsonLimits) else {
            throw broken
        }
        return FirecrackerAnswer(status: status, body: value)
    }

    private static let broken = SandboxError(
        .startFailed, "Firecracker", cause: "its answer is not HTTP with JSON")
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let start = drop { $0 == " " || $0 == "\t" }
        return start[
            ..<(start.lastIndex { $0 != " " && $0 != "\t" }.map(start.index(after:)) ?? start.startIndex)]
    }
}
