/// What is wrong with an entry's name, judged on its raw bytes before anybody decodes it.
enum EntryName {
    /// Names that Windows gives to devices, whatever follows the first dot.
    private static let reserved: Set<String> = {
        var names: Set<String> = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
        for digit in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u{b9}", "\u{b2}", "\u{b3}"] {
            names.insert("com" + digit)
            names.insert("lpt" + digit)
        }
        return names
    }()

    /// Characters that turn the direction of text, or show nothing at all.
    private static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x061C, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x2069, 0xFEFF,
            0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            return true
        default:
            return false
        }
    }

    /// The name for a message: printable ASCII as it is, everything else as `\xNN`.
    static func printable(_ raw: some Sequence<UInt8>) -> String {
        if let text = String(validating: Array(raw), as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && !isDeceptive($0) })
        {
            return text
        }
        var text = ""
        for byte in raw {
            if byte >= 0x20 && byte < 0x7F {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16)
                text += "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }

    /// Every problem of one name; `raw` may end in a slash where the entry is a directory.
    static func problems(_ raw: [UInt8], limits: BundleLimits) -> [ArchiveProblem] {
        let shown = printable(raw)
        var found: [ArchiveProblem] = []
        func refuse(_ kind: ArchiveProblem.Kind, _ message: String) {
            found.append(ArchiveProblem(kind, path: shown, message))
        }
        guard !raw.isEmpty else {
            refuse(.emptyName, "an entry has no name")
            return found
        }
        if raw.count > limits.pathBytesMax {
            refuse(.pathLength, "the path is \(raw.count) bytes long; \(limits.pathBytesMax) are allowed")
        }
        if raw.contains(0) { refuse(.nulName, "the name holds a NUL byte, where other readers cut it") }
        if raw.contains(where: { $0 != 0 && ($0 < 0x20 || $0 == 0x7F) }) {
            refuse(.controlName, "the name holds a control character")
        }
        if raw.contains(UInt8(ascii: "\\")) { refuse(.backslash, "the name holds a backslash") }
        if raw[0] == UInt8(ascii: "/") { refuse(.absolute, "the path is absolute") }
        guard let text = String(validating: raw, as: UTF8.self) else {
            refuse(.invalidUTF8, "the name is not valid UTF-8")
            return found
        }
        if text.unicodeScalars.contains(where: { (0x80...0x9F).contains($0.value) }) {
            refuse(.controlName, "the name holds a control character")
        }
        if text.unicodeScalars.contains(where: isDeceptive) {
            refuse(.bidirectionalName, "the name holds an invisible or direction-changing character")
        }
        refuseParts(text, limits: limits, refuse)
        return found
    }

    private static func refuseParts(
        _ text: String, limits: BundleLimits, _ refuse: (ArchiveProblem.Kind, String) -> Void
    ) {
        let unified = text.unicodeScalars.map { $0 == "\\" ? "/" : $0 }
        var parts = unified.split(separator: "/", omittingEmptySubsequences: false).map {
            String(String.UnicodeScalarView($0))
        }
        if parts.count > 1 && parts.last == "" { parts.removeLast() }
        if parts.count > limits.pathDepthMax {
            refuse(.pathDepth, "the path is \(parts.count) folders deep; \(limits.pathDepthMax) are allowed")
        }
        for (index, part) in parts.enumerated() {
            if part == ".." { refuse(.traversal, "the path climbs out of its folder with \"..\"") }
            if part == "." { refuse(.dotName, "the path holds \".\"") }
            if part.isEmpty && index > 0 { refuse(.emptyName, "the path holds an empty part") }
            if part.unicodeScalars.contains(":") {
                let scalars = Array(part.unicodeScalars)
                if index == 0 && scalars.count >= 2 && scalars[1] == ":" && scalars[0].properties.isAlphabetic
                {
                    refuse(.driveLetter, "the path begins with a drive letter")
                } else {
                    refuse(.streamName, "the name holds a colon, which names a stream on Windows")
                }
            }
            if let last = part.unicodeScalars.last, part != ".", part != "..", last == "." || last == " " {
                refuse(.trailingDotOrSpace, "the name ends in a dot or a space, which Windows drops")
            }
            let stem =
                part.split(separator: ".", omittingEmptySubsequences: false).first.map(String.init) ?? part
            var trimmed = stem.lowercased()
            while trimmed.hasSuffix(" ") { trimmed.removeLast() }
            if reserved.contains(trimmed) { refuse(.reservedName, "Windows reserves the name \"\(stem)\"") }
        }
    }
}

/// The names of one archive together: twins, duplicates, files that are also folders.
struct NameSet {
    private enum Role { case file, folder }
    private var seen: [String: (raw: [UInt8], role: Role)] = [:]

    /// Adds one valid UTF-8 path and returns how it collides with those before it.
    mutating func add(_ raw: [UInt8], isFolder: Bool) -> [ArchiveProblem] {
        var path = raw
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        guard let text = String(validating: path, as: UTF8.self), !path.isEmpty else { return [] }
        var found: [ArchiveProblem] = []
        let shown = EntryName.printable(path)
        let key = text.lowercased()
        if let before = seen[key] {
            let twin = EntryName.printable(before.raw)
            if before.raw == path {
                switch (before.role, isFolder) {
                case (.folder, true): break
                case (.file, false):
                    found.append(ArchiveProblem(.duplicate, path: shown, "the name occurs twice"))
                default:
                    found.append(
                        ArchiveProblem(.fileAsDirectory, path: shown, "a file and a folder share the name"))
                }
            } else if String(decoding: before.raw, as: UTF8.self) == text {
                found.append(
                    ArchiveProblem(
                        .normalFormTwin, path: shown, "differs from \"\(twin)\" in Unicode form alone"))
            } else {
                found.append(ArchiveProblem(.caseTwin, path: shown, "differs from \"\(twin)\" in case alone"))
            }
        } else {
            seen[key] = (path, isFolder ? .folder : .file)
        }
        var index = path.startIndex
        while let slash = path[index...].firstIndex(of: UInt8(ascii: "/")) {
            let folder = Array(path[..<slash])
            index = slash + 1
            guard !folder.isEmpty else { continue }
            let folderKey = String(decoding: folder, as: UTF8.self).lowercased()
            if let before = seen[folderKey] {
                if before.role == .file {
                    found.append(
                        ArchiveProblem(
                            .fileAsDirectory, path: shown,
                            "\"\(EntryName.printable(before.raw))\" is a file and used as a folder"))
                } else if before.raw != folder {
                    let same =
                        String(decoding: before.raw, as: UTF8.self) == String(decoding: folder, as: UTF8.self)
                    found.append(
                        ArchiveProblem(
                            same ? .normalFormTwin : .caseTwin, path: shown,
                            "its folder differs from \"\(EntryName.printable(before.raw))\" alone in "
                                + (same ? "Unicode form" : "case")))
                }
            } else {
                seen[folderKey] = (folder, .folder)
            }
        }
        return found
    }
}
