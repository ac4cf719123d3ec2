import Glibc

/// The guest's kernel as `make microvm` has laid it out: taken from its Debian package, never installed.
///
/// The folder holds `vmlinuz` (compressed, as the package brings it), `release` (the kernel's release in one line)
/// and the modules that the ports need.
struct GuestKernel: Sendable {
    let folder: String
    let release: String

    static let advice =
        "run `make microvm`, which unpacks Debian's linux-image-cloud-amd64 into .deps/microvm"

    /// Where it lies for a program whose list of system calls is `HOME/rules/seccomp/runner.list`: `HOME/.deps/microvm`
    /// in a checkout, `HOME/microvm` in an installation.
    static func folder(beside list: String) -> String {
        let home = list.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
            separator: "/")
        let installed = "\(home)/microvm"
        return access("\(installed)/release", R_OK) == 0 ? installed : "\(home)/.deps/microvm"
    }

    init(folder: String) throws(SandboxError) {
        self.folder = folder
        guard let text = try? Spawn.read("\(folder)/release", bytesMax: 256) else {
            throw SandboxError(.missing, "the guest's kernel in \(folder)", cause: Self.advice)
        }
        release = String(decoding: text, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
    }

    func modules(_ names: [String]) throws(SandboxError) -> [[UInt8]] {
        var modules: [[UInt8]] = []
        for name in names {
            do { modules.append(try Spawn.read("\(folder)/\(name).ko")) } catch {
                throw SandboxError(.missing, "\(folder)/\(name).ko", cause: Self.advice)
            }
        }
        return modules
    }

    /// The kernel's program, unpacked.
    func program() throws(SandboxError) -> [UInt8] {
        let packed: [UInt8]
        do { packed = try Spawn.read("\(folder)/vmlinuz", bytesMax: 64 << 20) } catch {
            throw SandboxError(.missing, "\(folder)/vmlinuz", cause: Self.advice)
        }
        guard let program = Self.unpack(packed) else {
            throw SandboxError(.unavailable, "\(folder)/vmlinuz", cause: "it is not a kernel packed with LZ4")
        }
        return program
    }

    static let programBytesMax = 256 << 20

    /// The program inside a boot image: its set-up header says where the packed part lies (Linux boot protocol 2.08).
    static func unpack(_ image: [UInt8]) -> [UInt8]? {
        if image.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return image }
        func number(_ at: Int) -> Int {
            Int(image[at]) | Int(image[at + 1]) << 8 | Int(image[at + 2]) << 16 | Int(image[at + 3]) << 24
        }
        guard image.count > 0x250, image[0x202...0x205].elementsEqual("HdrS".utf8) else { return nil }
        let start = (Int(image[0x1f1]) + 1) * 512 + number(0x248)
        let length = number(0x24c)
        // The last four bytes are the unpacked size.
        guard length > 8, start >= 0, start + length <= image.count else { return nil }
        let size = number(start + length - 4)
        guard size > 0, size <= programBytesMax else { return nil }
        return LegacyLZ4.unpack(image[start..<start + length - 4], size: size)
    }
}

/// The older LZ4 frame, which kernels are packed with: a mark, then blocks, each with its length.
enum LegacyLZ4 {
    private static let mark: [UInt8] = [0x02, 0x21, 0x4c, 0x18]

    /// Exactly `size` bytes, or nothing.
    static func unpack(_ packed: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        guard packed.starts(with: mark) else { return nil }
        var isWhole = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { output, count in
            packed.dropFirst(4).withUnsafeBytes { input in
                var (from, to) = (0, 0)
                let out = UnsafeMutableRawBufferPointer(output)
                while from + 4 <= input.count {
                    let length = Int(input.loadUnaligned(fromByteOffset: from, as: UInt32.self).littleEndian)
                    guard length > 0, from + 4 + length <= input.count,
                        let end = block(input, from + 4, from + 4 + length, out, to)
                    else { return }
                    from += 4 + length
                    to = end
                }
                isWhole = from == input.count && to == size
            }
            count = isWhole ? size : 0
        }
        return isWhole ? bytes : nil
    }

    /// One block: runs of literal bytes, each followed by a copy of what came before. Gives where the output ends.
    ///
    /// SAFETY: every position is checked against both buffers before it is used.
    private static func block(
        _ input: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ out: UnsafeMutableRawBufferPointer,
        _ first: Int
    ) -> Int? {
        var (from, to) = (start, first)
        func more(_ length: inout Int) -> Bool {
            while true {
                guard from < end else { return false }
                let next = Int(input[from])
                from += 1
                length += next
                if next != 255 { return true }
            }
        }
        while from < end {
            let token = Int(input[from])
            from += 1
            var literals = token >> 4
            if literals == 15, !more(&literals) { return nil }
            guard from + literals <= end, to + literals <= out.count else { return nil }
            memcpy(out.baseAddress! + to, input.baseAddress! + from, literals)
            from += literals
            to += literals
            // A block ends with literals.
            if from == end { return to }
            guard from + 2 <= end else { return nil }
            let distance = Int(input[from]) | Int(input[from + 1]) << 8
            from += 2
            var length = token & 15
            if length == 15, !more(&length) { return nil }
            length += 4
            guard distance > 0, distance <= to - first || distance <= to, to + length <= out.count else {
                return nil
            }
            copy(out.baseAddress!, to - distance, to, length)
            to += length
        }
        return to
    }

    /// A copy that may read what it has just written: in pieces no longer than the distance, which doubles.
    private static func copy(_ base: UnsafeMutableRawPointer, _ from: Int, _ to: Int, _ length: Int) {
        var (done, piece) = (0, to - from)
        while done < length {
            let count = min(piece, length - done)
            memcpy(base + to + done, base + from, count)
            done += count
            piece += count
        }
    }
}
