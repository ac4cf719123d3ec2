import CMark

/// A tree that libcmark parsed, freed with its owner. Nodes are plain pointers that live as long as it does.
final class MarkdownTree {
    let root: OpaquePointer

    init(parsing text: [UInt8]) {
        let parsed = text.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                // SAFETY: cmark reads exactly `count` bytes and copies them; a nil base only comes with count 0,
                // for which an empty literal stands in.
                if let base = characters.baseAddress {
                    cmark_parse_document(base, characters.count, CMARK_OPT_VALIDATE_UTF8)
                } else {
                    cmark_parse_document("", 0, CMARK_OPT_VALIDATE_UTF8)
                }
            }
        }
        guard let parsed else { preconditionFailure("libcmark returned no document") }
        root = parsed
        cmark_consolidate_text_nodes(root)
    }

    deinit {
        cmark_node_free(root)
    }
}

/// Reading libcmark's nodes.
enum MarkdownNode {
    static func type(_ node: OpaquePointer) -> cmark_node_type { cmark_node_get_type(node) }

    static func literal(_ node: OpaquePointer) -> [UInt8] { bytes(cmark_node_get_literal(node)) }

    static func url(_ node: OpaquePointer) -> [UInt8] { bytes(cmark_node_get_url(node)) }

    static func title(_ node: OpaquePointer) -> [UInt8] { bytes(cmark_node_get_title(node)) }

    static func info(_ node: OpaquePointer) -> [UInt8] { bytes(cmark_node_get_fence_info(node)) }

    static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        var out: [UInt8] = []
        var position = text
        while position.pointee != 0 {
            out.append(UInt8(bitPattern: position.pointee))
            position += 1
        }
        return out
    }

    /// The text below `node` without its markup.
    static func plainText(_ node: OpaquePointer) -> String {
        var out: [UInt8] = []
        forEach(below: node) { child, type in
            switch type {
            case CMARK_NODE_TEXT, CMARK_NODE_CODE: out += literal(child)
            case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: out.append(UInt8(ascii: " "))
            default: break
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Calls `body` for every node that is entered, the given one included, without recursion.
    static func forEach(below node: OpaquePointer, _ body: (OpaquePointer, cmark_node_type) -> Void) {
        guard let iterator = cmark_iter_new(node) else { return }
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            if event == CMARK_EVENT_DONE { return }
            if event == CMARK_EVENT_ENTER, let current = cmark_iter_get_node(iterator) {
                body(current, type(current))
            }
        }
    }
}

/// The headings of a document with their anchors.
struct MarkdownHeadings {
    private(set) var list: [MarkdownHeading] = []
    private(set) var byNode: [OpaquePointer: Int] = [:]
    private(set) var ids: Set<String> = []

    init(in document: MarkdownTree, profile: Markdown.Profile) {
        guard !profile.isPlain else { return }
        var counts: [String: Int] = [:]
        var found: [(OpaquePointer, Int, String)] = []
        MarkdownNode.forEach(below: document.root) { node, type in
            guard type == CMARK_NODE_HEADING else { return }
            found.append((node, Int(cmark_node_get_heading_level(node)), MarkdownNode.plainText(node)))
        }
        for (node, level, text) in found {
            let slug = Self.slug(text)
            var id = profile.idPrefix + slug
            repeat {
                let count = counts[slug, default: 0]
                counts[slug] = count + 1
                if count > 0 { id = "\(profile.idPrefix)\(slug)-\(count)" }
            } while ids.contains(id)
            ids.insert(id)
            byNode[node] = list.count
            list.append(
                MarkdownHeading(level: min(6, level + profile.headingShift), id: id, text: text))
        }
    }

    /// Lower-case letters, digits and hyphens of any script; at most 80 scalars; never empty.
    static func slug(_ text: String) -> String {
        var out = ""
        var length = 0
        for scalar in text.lowercased().unicodeScalars where length < 80 {
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_" {
                out.unicodeScalars.append(scalar)
                length += 1
            } else if scalar == " " || scalar == "-" {
                guard !out.isEmpty, out.unicodeScalars.last != "-" else { continue }
                out.unicodeScalars.append("-")
                length += 1
            }
        }
        while out.unicodeScalars.last == "-" { out.unicodeScalars.removeLast() }
        return out.isEmpty ? "section" : out
    }
}
