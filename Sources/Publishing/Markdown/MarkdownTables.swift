import CMark

/// Pipe tables, which libcmark does not know: a paragraph whose source holds a delimiter row below a row with as
/// many cells is one. The cells of all tables are parsed once more, together, as paragraphs of one document
/// with the text's link definitions behind them, so that the work stays linear.
struct MarkdownTables {
    enum Alignment: String {
        case none = ""
        case left = "left"
        case center = "center"
        case right = "right"
    }

    struct Table {
        /// A cell that stands for the lines before the header row.
        var lead: Int?
        var alignments: [Alignment]
        /// Indices into `cells`, row by row; the first row is the header.
        var rows: [[Int]]
    }

    private(set) var byParagraph: [OpaquePointer: Table] = [:]
    /// The paragraphs of the cells' document.
    private(set) var cells: [OpaquePointer] = []
    private var cellTree: MarkdownTree?

    /// What each cell is begun with, so that it is a paragraph whatever it holds.
    static let cellMark = Array("x ".utf8)
    private static let columnsMax = 64

    init(in document: MarkdownTree, source: [UInt8], enabled: Bool) {
        guard enabled, source.contains(UInt8(ascii: "|")) else { return }
        let lines = source.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var texts: [[UInt8]] = []
        var found: [(OpaquePointer, Table)] = []
        MarkdownNode.forEach(below: document.root) { node, type in
            guard type == CMARK_NODE_PARAGRAPH else { return }
            let first = Int(cmark_node_get_start_line(node)) - 1
            let last = Int(cmark_node_get_end_line(node)) - 1
            guard first >= 0, first < last, last < lines.count else { return }
            let rows = lines[first...last].map(Self.stripped)
            if let table = Self.table(in: rows, texts: &texts) { found.append((node, table)) }
        }
        guard !found.isEmpty else { return }
        var text: [UInt8] = []
        for cell in texts { text += Self.cellMark + cell + Array("\n\n".utf8) }
        for line in lines where Self.isDefinition(line) { text += line + Array("\n".utf8) }
        let tree = MarkdownTree(parsing: text)
        var child = cmark_node_first_child(tree.root)
        while let node = child, cells.count < texts.count {
            cells.append(node)
            child = cmark_node_next(node)
        }
        guard cells.count == texts.count else { return }
        cellTree = tree
        byParagraph = Dictionary(uniqueKeysWithValues: found)
    }

    /// A line without what its containers put before it.
    private static func stripped(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let first = line.first, first == 32 || first == 9 || first == UInt8(ascii: ">") {
            line.removeFirst()
        }
        while let last = line.last, last == 32 || last == 9 || last == 13 { line.removeLast() }
        return line
    }

    private static func table(in lines: [ArraySlice<UInt8>], texts: inout [[UInt8]]) -> Table? {
        for index in 1..<lines.count {
            guard let alignments = delimiterRow(lines[index]) else { continue }
            let header = split(listItemStripped(lines[index - 1], isFirst: index == 1))
            guard header.count == alignments.count else { continue }
            var table = Table(lead: nil, alignments: alignments, rows: [])
            if index > 1 {
                table.lead = texts.count
                texts.append(Array(lines[..<(index - 1)].joined(separator: [UInt8(ascii: " ")])))
            }
            for cells in [header] + lines[(index + 1)...].map(split) {
                var row: [Int] = []
                for column in alignments.indices {
                    row.append(texts.count)
                    texts.append(column < cells.count ? cells[column] : [])
                }
                table.rows.append(row)
            }
            return table
        }
        return nil
    }

    /// The first line of a list item's paragraph still carries the item's marker.
    private static func listItemStripped(_ line: ArraySlice<UInt8>, isFirst: Bool) -> ArraySlice<UInt8> {
        guard isFirst, let first = line.first else { return line }
        var rest = line
        if "-+*".utf8.contains(first) {
            rest.removeFirst()
        } else {
            while let digit = rest.first, (48...57).contains(digit) { rest.removeFirst() }
            guard rest.startIndex > line.startIndex, let mark = rest.first, mark == 46 || mark == 41 else {
                return line
            }
            rest.removeFirst()
        }
        guard rest.first == 32 else { return line }
        return stripped(rest)
    }

    private static func delimiterRow(_ line: ArraySlice<UInt8>) -> [Alignment]? {
        guard !line.isEmpty, line.allSatisfy({ "|:- \t".utf8.contains($0) }),
            line.contains(UInt8(ascii: "-")),
            line.contains(UInt8(ascii: "|")) || line.contains(UInt8(ascii: ":"))
        else { return nil }
        var alignments: [Alignment] = []
        for cell in split(line) {
            let left = cell.first == UInt8(ascii: ":")
            let right = cell.count > 1 && cell.last == UInt8(ascii: ":")
            let dashes = cell.dropFirst(left ? 1 : 0).dropLast(right ? 1 : 0)
            guard !dashes.isEmpty, dashes.allSatisfy({ $0 == UInt8(ascii: "-") }) else { return nil }
            alignments.append(left ? (right ? .center : .left) : (right ? .right : .none))
        }
        return alignments.isEmpty || alignments.count > columnsMax ? nil : alignments
    }

    /// Cells between pipes that no backslash escapes, trimmed, the escapes of pipes undone.
    private static func split(_ line: ArraySlice<UInt8>) -> [[UInt8]] {
        var cells: [[UInt8]] = []
        var cell: [UInt8] = []
        var rest = line
        if rest.first == UInt8(ascii: "|") { rest.removeFirst() }
        var escaped = false
        var closed = false
        for byte in rest {
            closed = false
            if escaped {
                escaped = false
                if byte != UInt8(ascii: "|") { cell.append(UInt8(ascii: "\\")) }
                cell.append(byte)
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: "|") {
                cells.append(trimmed(cell))
                cell = []
                closed = true
            } else {
                cell.append(byte)
            }
        }
        if escaped { cell.append(UInt8(ascii: "\\")) }
        if !closed { cells.append(trimmed(cell)) }
        return cells
    }

    private static func trimmed(_ cell: [UInt8]) -> [UInt8] {
        let start = cell.firstIndex { $0 != 32 && $0 != 9 } ?? cell.endIndex
        let end = cell.lastIndex { $0 != 32 && $0 != 9 }.map { $0 + 1 } ?? start
        return Array(cell[start..<max(start, end)])
    }

    /// A link definition on a line of its own.
    private static func isDefinition(_ line: ArraySlice<UInt8>) -> Bool {
        let rest = line.drop { $0 == 32 }
        guard rest.first == UInt8(ascii: "["), rest.startIndex - line.startIndex < 4,
            let close = rest.firstIndex(of: UInt8(ascii: "]"))
        else { return false }
        return close + 1 < rest.endIndex && rest[close + 1] == UInt8(ascii: ":")
    }
}
