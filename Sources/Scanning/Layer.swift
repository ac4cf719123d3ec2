/// A text made from a file, in which an offset leads back to the file's own.
struct Layer {
    var name: String
    var bytes: [UInt8]
    /// Ascending starts in `bytes`, each with the offset in the file that it stands for.
    private var starts: [Int] = []
    private var origins: [Int] = []
    private let isIdentity: Bool
    /// Behind a start, every byte stands for one of the file.
    private let isLinear: Bool

    /// The file itself.
    init(raw bytes: [UInt8]) {
        name = "raw"
        self.bytes = bytes
        isIdentity = true
        isLinear = true
    }

    /// Pieces on lines of their own.
    init(name: String, pieces: [(text: String, offset: Int)], limit: Int) {
        self.name = name
        isIdentity = false
        isLinear = false
        var bytes: [UInt8] = []
        for piece in pieces {
            guard bytes.count + piece.text.utf8.count < limit else { continue }
            starts.append(bytes.count)
            origins.append(piece.offset)
            bytes.append(contentsOf: piece.text.utf8)
            bytes.append(0x0A)
        }
        self.bytes = bytes
    }

    /// A decoded text, all of which stands for one place.
    init(name: String, bytes: [UInt8], origin: Int) {
        self.name = name
        self.bytes = bytes
        isIdentity = false
        isLinear = false
        starts = [0]
        origins = [origin]
    }

    /// A text in runs: each run's bytes stand one by one for those of the file.
    init(name: String, bytes: [UInt8], runs: [(start: Int, origin: Int)]) {
        self.name = name
        self.bytes = bytes
        isIdentity = false
        isLinear = true
        starts = runs.map(\.start)
        origins = runs.map(\.origin)
    }

    /// Texts behind each other, each of which stands for one place.
    init(name: String, bytes: [UInt8], places: [(start: Int, origin: Int)]) {
        self.name = name
        self.bytes = bytes
        isIdentity = false
        isLinear = false
        starts = places.map(\.start)
        origins = places.map(\.origin)
    }

    func origin(_ offset: Int) -> Int {
        guard !isIdentity else { return offset }
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        guard !origins.isEmpty else { return 0 }
        return origins[low] + (isLinear ? max(0, offset - starts[low]) : 0)
    }
}
