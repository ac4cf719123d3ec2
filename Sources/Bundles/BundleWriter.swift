/// Packs a plugin into a `.vfp`: a zip that is the same to the last byte whenever its files are.
///
/// Entries are sorted by path, carry 1980-01-01 and no extra field, and are deflated only where that makes them smaller.
public enum BundleWriter {
    /// Files and folders at the top of a plugin that belong into its bundle; all else stays at home.
    public static func belongs(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first else { return false }
        if parts.count == 1 {
            switch first {
            case "plugin.json", "README.md", "CHANGELOG.md", "LICENSE", "package-lock.json", "sbom.cdx.json":
                return true
            default: return ["icon.png", "icon.svg", "icon.webp", "icon.jpg", "icon.jpeg"].contains(first)
            }
        }
        return ["dist", "ui", "screenshots"].contains(first) && !parts.contains { $0.hasPrefix(".") }
    }

    /// Packs what `belongs` of a plugin's folder.
    public static func pack(folder: String) throws(BundleError) -> [UInt8] {
        let items = try FolderStream.items(folder: folder)
        var files: [(path: String, bytes: [UInt8])] = []
        for item in items where belongs(item.path) {
            guard item.kind == .file else {
                throw BundleError(
                    .link, subject: item.path,
                    cause: "it cannot be packed: \(String(decoding: item.bytes, as: UTF8.self))")
            }
            files.append((item.path, item.bytes))
        }
        guard files.contains(where: { $0.path == "plugin.json" }) else {
            throw BundleError(
                .missingManifest, subject: folder,
                cause: "there is no plugin.json; `veroforge plugin new` writes one to begin with")
        }
        return try pack(files: files)
    }

    /// Packs files under the names given, refusing every name that a reader would refuse.
    public static func pack(files: [(path: String, bytes: [UInt8])]) throws(BundleError) -> [UInt8] {
        let limits = BundleLimits.platform
        let sorted = files.map { (name: Array($0.path.utf8), bytes: $0.bytes) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
        guard sorted.count <= limits.entriesMax else {
            throw BundleError(
                .tooLarge, subject: "bundle", cause: "\(sorted.count) files; \(limits.entriesMax) are allowed"
            )
        }
        var names = NameSet()
        for file in sorted {
            let problems =
                EntryName.problems(file.name, limits: limits) + names.add(file.name, isFolder: false)
            if let problem = problems.first {
                throw BundleError(.unsafeName, subject: problem.path, cause: problem.message)
            }
            guard file.bytes.count <= limits.entryBytesMax else {
                throw BundleError(
                    .tooLarge, subject: String(decoding: file.name, as: UTF8.self),
                    cause: "\(file.bytes.count) bytes; \(limits.entryBytesMax) are allowed")
            }
        }
        var output: [UInt8] = []
        var central: [UInt8] = []
        for file in sorted {
            try append(file.name, file.bytes, to: &output, central: &central)
        }
        let start = output.count
        output += central
        output += ZipDirectory.endMagic
        output.appendLittle32(0)
        output.appendLittle16(sorted.count)
        output.appendLittle16(sorted.count)
        output.appendLittle32(central.count)
        output.appendLittle32(start)
        output.appendLittle16(0)
        guard output.count <= limits.inputBytesMax else {
            throw BundleError(
                .tooLarge, subject: "bundle",
                cause: "\(output.count) bytes; \(limits.inputBytesMax) are allowed")
        }
        return output
    }

    private static func append(
        _ name: [UInt8], _ bytes: [UInt8], to output: inout [UInt8], central: inout [UInt8]
    ) throws(BundleError) {
        let offset = output.count
        let packed = bytes.isEmpty ? [] : try RawDeflate.deflate(bytes)
        let isDeflated = packed.count < bytes.count && !bytes.isEmpty
        let data = isDeflated ? packed : bytes
        var shared: [UInt8] = []
        shared.appendLittle16(20)
        shared.appendLittle16(name.allSatisfy { $0 < 0x80 } ? 0 : 0x800)
        shared.appendLittle16(isDeflated ? 8 : 0)
        shared.appendLittle16(0)
        shared.appendLittle16(0x21)
        shared.appendLittle32(Int(Checksum.crc32(bytes)))
        shared.appendLittle32(data.count)
        shared.appendLittle32(bytes.count)
        shared.appendLittle16(name.count)
        shared.appendLittle16(0)
        output += ZipDirectory.localMagic + shared + name + data
        central += ZipDirectory.centralMagic
        central.appendLittle16(0x0314)
        central += shared
        central.appendLittle16(0)
        central.appendLittle16(0)
        central.appendLittle16(0)
        central.appendLittle32(0o100644 << 16)
        central.appendLittle32(offset)
        central += name
    }
}
