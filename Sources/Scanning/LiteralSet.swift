/// Many literals found in one pass over some bytes: an automaton of Aho and Corasick. It reads each byte once, however
/// many literals there are.
struct LiteralSet: Sendable {
    /// Bytes that stand in no literal share the column 0.
    private var columns = [UInt8](repeating: 0, count: 256)
    private let width: Int
    /// The row that follows a row and a column, as the place where it begins in this table.
    private let next: [Int32]
    /// By row: the literals that end there.
    private let ends: [[Int]]
    /// By place in `next`: 1 where a literal ends in the row that begins there.
    private let isEnd: [Bool]

    init(_ literals: [[UInt8]]) {
        var used = 0
        for byte in literals.joined() where columns[Int(byte)] == 0 {
            used += 1
            columns[Int(byte)] = UInt8(truncatingIfNeeded: used)
        }
        let width = used + 1
        var rows = [[Int32]](repeating: [Int32](repeating: -1, count: width), count: 1)
        var ends: [[Int]] = [[]]
        for (number, literal) in literals.enumerated() where !literal.isEmpty {
            var row = 0
            for byte in literal {
                let column = Int(columns[Int(byte)])
                if rows[row][column] < 0 {
                    rows[row][column] = Int32(rows.count)
                    rows.append([Int32](repeating: -1, count: width))
                    ends.append([])
                }
                row = Int(rows[row][column])
            }
            ends[row].append(number)
        }
        // Where a literal breaks off, the longest end of what was read that begins another one goes on.
        var fallback = [Int](repeating: 0, count: rows.count)
        var queue: [Int] = []
        for column in 0..<width {
            if rows[0][column] < 0 { rows[0][column] = 0 } else { queue.append(Int(rows[0][column])) }
        }
        var place = 0
        while place < queue.count {
            let row = queue[place]
            place += 1
            ends[row] += ends[fallback[row]]
            for column in 0..<width {
                let other = rows[fallback[row]][column]
                if rows[row][column] < 0 {
                    rows[row][column] = other
                } else {
                    fallback[Int(rows[row][column])] = Int(other)
                    queue.append(Int(rows[row][column]))
                }
            }
        }
        self.width = width
        self.ends = ends
        next = rows.joined().map { $0 * Int32(width) }
        isEnd = ends.flatMap { [!$0.isEmpty] + [Bool](repeating: false, count: width - 1) }
    }

    init(_ literals: [String]) { self.init(literals.map { Array($0.utf8) }) }

    /// Hands over each literal's number and the offset behind it, in the order in which they end.
    @inline(__always)
    func each(in bytes: UnsafeBufferPointer<UInt8>, _ body: (_ literal: Int, _ end: Int) -> Void) {
        columns.withUnsafeBufferPointer { columns in
            next.withUnsafeBufferPointer { next in
                isEnd.withUnsafeBufferPointer { isEnd in
                    var row = 0
                    for index in 0..<bytes.count {
                        row = Int(next[row + Int(columns[Int(bytes[index])])])
                        if isEnd[row] {
                            for literal in ends[row / width] { body(literal, index + 1) }
                        }
                    }
                }
            }
        }
    }
}
