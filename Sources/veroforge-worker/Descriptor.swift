import Glibc

/// Reading and writing whole descriptors.
enum Descriptor {
    /// More than the largest archive and the largest folder's stream.
    static let inputBytesMax = 320 << 20

    static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { fail("descriptor \(descriptor) cannot be read", code: 3) }
            if count == 0 { return bytes }
            guard bytes.count + count <= inputBytesMax else { fail("the input is too large", code: 3) }
            bytes.append(contentsOf: chunk[0..<count])
        }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + offset, $0.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { exit(3) }
            offset += count
        }
    }

    static func finish(_ bytes: [UInt8]) -> Never {
        write(bytes, to: 1)
        exit(0)
    }

    static func fail(_ message: String, code: Int32) -> Never {
        write(Array("veroforge-worker: \(message)\n".utf8), to: 2)
        exit(code)
    }

    /// Ends without running anything else: what is registered for a normal exit may ask for refused system calls.
    static func exit(_ code: Int32) -> Never { _exit(code) }
}
