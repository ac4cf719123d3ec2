internal import FoundationEssentials

/// What the worker's `image` job answers with.
public struct RemadePicture: Codable, Sendable, Equatable {
    /// `svg` or `png`.
    public var type: String
    public var width: Int
    public var height: Int
    public var bytes: [UInt8]

    private enum CodingKeys: CodingKey { case type, width, height, bytes }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        type = try fields.decode(String.self, forKey: .type)
        width = try fields.decode(Int.self, forKey: .width)
        height = try fields.decode(Int.self, forKey: .height)
        bytes = [UInt8](try fields.decode(Data.self, forKey: .bytes))
    }

    /// The bytes as base64: as a list of numbers they would take longer to read than the picture takes to make.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(type, forKey: .type)
        try fields.encode(width, forKey: .width)
        try fields.encode(height, forKey: .height)
        try fields.encode(Data(bytes), forKey: .bytes)
    }

    /// Reads a stranger's picture and makes it anew; the error says what is wrong with it. Only inside the worker.
    public init(remaking bytes: [UInt8]) throws(PublishingError) {
        if bytes.starts(with: PNG.signature) {
            let (header, file) = try PNG.remade(bytes)
            (type, width, height, self.bytes) = ("png", header.width, header.height, file)
        } else {
            // Drawn as large as it is shown.
            (type, width, height, self.bytes) = ("svg", 64, 64, try SafeSVG.remade(bytes))
        }
    }

    /// Whether it still is what the worker makes: asked again of bytes that come from another process.
    public var isSound: Bool {
        guard type == "png" || type == "svg", (1...PNG.sideMax).contains(width),
            (1...PNG.sideMax).contains(height)
        else { return false }
        return type == "png" ? bytes.starts(with: PNG.signature) : bytes.starts(with: Array("<svg ".utf8))
    }
}
