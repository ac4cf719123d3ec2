/// Our own files as a `.tgz`: ustar, sorted by path, no times, no owners; the same files give the same bytes.
public enum Tarball {
    public static func gzip(_ files: [(path: String, bytes: [UInt8])]) -> [UInt8] {
        var out: [UInt8] = []
        for file in files.sorted(by: { $0.path < $1.path }) {
            out += header(file.path, file.bytes.count)
            out += file.bytes
            out += [UInt8](repeating: 0, count: (512 - file.bytes.count % 512) % 512)
        }
        out += [UInt8](repeating: 0, count: 1_024)
        return Deflate.gzip(out)
    }

    private static func header(_ path: String, _ size: Int) -> [UInt8] {
        precondition(path.utf8.count < 100, "our own paths fit the name's field")
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ at: Int) {
            for (index, byte) in text.utf8.enumerated() { header[at + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(path, 0)
        put(octal(0o644, 7), 100)
        put(octal(0, 7), 108)
        put(octal(0, 7), 116)
        put(octal(size, 11), 124)
        // Package managers refuse a time before 1980; this one is a day of no meaning.
        put(octal(499_162_500, 11), 136)
        put("        ", 148)
        put("0", 156)
        put("ustar", 257)
        put("00", 263)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6), 148)
        header[154] = 0
        header[155] = 32
        return header
    }
}
