import AsyncHTTPClient
import Foundation
import Glibc
import Marketplace
import Metering
import NIOCore
import NIOHTTP1
import Registry
import Sandbox
import SimulatedServers
import TestSupport
import Testing

@testable import PluginRuntime

/// Tests that start the real program and end it in every way.
@Suite(.serialized) struct ProcessTests {
    @Test func wrongSettingsHaveTheirExitCodes() async throws {
        let node = try await TestNode.make()
        await node.service.close()
        func run(_ arguments: [String]) async throws -> (code: Int32, error: String) {
            let program = try RuntimeProgram(arguments)
            return await program.finish()
        }
        let missing = try await run(["serve", "--data", "\(node.folder)/nowhere"])
        #expect(missing.code == 2 && missing.error.contains("veroforge init"))
        let busy = try await run(["serve", "--data", node.folder, "--port", "\(node.application.port)"])
        #expect(busy.code == 75 && busy.error.contains("another program listens there"), "\(busy)")
        try Data("format: 9\n".utf8).write(to: URL(filePath: "\(node.folder)/veroforge.yaml"))
        let newer = try await run(["serve", "--data", node.folder])
        #expect(newer.code == 2 && newer.error.contains("newer version"))
        try Data("format: 1\ndemo: false\n".utf8).write(to: URL(filePath: "\(node.folder)/veroforge.yaml"))
        let clock = try await run(["serve", "--data", node.folder, "--clock", "/tmp/clock"])
        #expect(clock.code == 2 && clock.error.contains("demo: true"))
        let shown = try RuntimeProgram(["serve", "--data", node.folder, "--print-config"])
        #expect(await shown.finish().code == 0)
        #expect(shown.output.contains("port: 8460"))
        await node.application.stop()
        await node.rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: node.folder)
    }

    static func send(
        _ token: String, _ method: String, _ url: String, _ body: JSONValue, key: String?
    ) async -> (status: UInt, body: String)? {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(token)")
        if let key { request.headers.replaceOrAdd(name: "idempotency-key", value: key) }
        request.body = .bytes(ByteBuffer(bytes: body.serializedBytes()))
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(20)),
            let bytes = try? await response.body.collect(upTo: 1_048_576)
        else { return nil }
        return (response.status.code, String(buffer: bytes))
    }
}

/// The program `veroforge-runtime`, started.
final class RuntimeProgram: Sendable {
    private let process: pid_t
    private let out: Int32
    private let err: Int32
    private let read = Locked("")

    init(_ arguments: [String]) throws {
        var (outPipe, errPipe): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&outPipe) == 0, pipe(&errPipe) == 0 else { throw CocoaError(.featureUnsupported) }
        for end in outPipe + errPipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, outPipe[1], 1)
        posix_spawn_file_actions_adddup2(&actions, errPipe[1], 2)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let path = Products.path("veroforge-runtime")
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = ProcessInfo.processInfo.environment.merging(["VEROFORGE_HOME": Products.file("")]) {
            $1
        }
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + environment { free(word) } }
        var pid: pid_t = 0
        let failure = OpenSignals.during {
            posix_spawn(&pid, path, &actions, nil, &words, &environment)
        }
        close(outPipe[1])
        close(errPipe[1])
        guard failure == 0 else { throw CocoaError(.executableLoad) }
        (process, out, err) = (pid, outPipe[0], errPipe[0])
    }

    var output: String { read.value }

    /// Waits for the line that names the address.
    func address() async throws -> String {
        let (out, read) = (self.out, self.read)
        return try await BlockingWork.run {
            var buffer = [UInt8](repeating: 0, count: 512)
            while !read.value.contains("\n") {
                let count = Glibc.read(out, &buffer, buffer.count)
                guard count > 0 else { throw CocoaError(.fileReadUnknown) }
                read.change { $0 += String(decoding: buffer.prefix(count), as: UTF8.self) }
            }
            let line = read.value.prefix { $0 != "\n" }
            return String(line.split(separator: " ").last ?? "")
        }
    }

    func send(_ signal: Int32) { kill(process, signal) }

    /// Waits for its end.
    func finish() async -> (code: Int32, error: String) {
        let (process, out, err, read) = (self.process, self.out, self.err, self.read)
        let result = try? await BlockingWork.run { () -> (Int32, String) in
            var error: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = Glibc.read(err, &buffer, buffer.count)
                if count <= 0 { break }
                error += buffer.prefix(count)
            }
            while true {
                let count = Glibc.read(out, &buffer, buffer.count)
                if count <= 0 { break }
                read.change { $0 += String(decoding: buffer.prefix(count), as: UTF8.self) }
            }
            var status: Int32 = 0
            waitpid(process, &status, 0)
            close(out)
            close(err)
            let code = status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
            return (code, String(decoding: error, as: UTF8.self))
        }
        return (result?.0 ?? -1, result?.1 ?? "")
    }
}

/// A zip whose entries are stored as they are: what a bundle needs, without the module that packs real ones.
enum StoredZip {
    static func bytes(_ files: [String: String]) -> [UInt8] {
        var (body, directory): ([UInt8], [UInt8]) = ([], [])
        func le(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            let content = Array(text.utf8)
            let offset = body.count
            // Version 2.0, UTF-8 names, stored, 1980-01-01.
            let shared =
                le(20, 2) + le(0x800, 2) + le(0, 2) + le(0, 2) + le(0x21, 2) + le(Int(crc(content)), 4)
                + le(content.count, 4) + le(content.count, 4) + le(path.utf8.count, 2) + le(0, 2)
            body += [0x50, 0x4B, 3, 4] + shared + Array(path.utf8) + content
            directory +=
                [0x50, 0x4B, 1, 2] + le(0x314, 2) + shared + le(0, 2) + le(0, 2) + le(0, 2)
                + le(0o100644 << 16, 4)
                + le(offset, 4) + Array(path.utf8)
        }
        return body + directory + [0x50, 0x4B, 5, 6] + le(0, 4) + le(files.count, 2) + le(files.count, 2)
            + le(directory.count, 4) + le(body.count, 4) + le(0, 2)
    }

    /// Whether the worker beside the tests unpacks bundles in its confinement.
    static let workerUnpacks: Bool = {
        let client = WorkerClient(
            executable: Products.path("veroforge-worker"),
            seccompList: Products.file("rules/seccomp/worker.list"))
        let bundle = bytes(["plugin.json": "{}", "dist/index.js": ""])
        guard
            case .completed(let output) = client.run(job: "unpack", input: .bytes(bundle), deadlineMs: 5_000)
                .exit
        else { return false }
        return EntryStreamReader.files(output) != nil
    }()

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
