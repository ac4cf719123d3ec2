import Marketplace
import Provenance

/// Names a value by what it holds: the same value gives the same digest in every process, another one another digest.
/// This is how a build knows which pages are made from what they were made from before.
enum ContentDigest {
    static func of(_ value: some Encodable) -> Digest {
        let sink = ByteSink()
        do { try value.encode(to: ContentEncoder(sink: sink, depth: 0)) } catch {
            preconditionFailure("a page model encodes")
        }
        return .sha256(of: sink.bytes)
    }

    static func of(_ value: TemplateValue) -> Digest {
        let sink = ByteSink()
        value.write(to: sink)
        return .sha256(of: sink.bytes)
    }

    /// Of rendered Markdown, which keeps it: texts are most of what a build looks at.
    static func ofText(_ html: String, _ headings: [MarkdownHeading], _ truncated: Bool) -> Digest {
        let sink = ByteSink()
        sink.leaf(html)
        sink.write(headings.count)
        for heading in headings {
            sink.leaf(heading.level)
            sink.leaf(heading.id)
            sink.leaf(heading.text)
        }
        sink.leaf(truncated)
        return .sha256(of: sink.bytes)
    }

    /// Several digests as one.
    static func joined(_ digests: [Digest]) -> Digest { .sha256(of: digests.flatMap(\.bytes)) }
}

/// Bytes that grow; every text carries its length, so that no two sequences of texts look alike.
private final class ByteSink {
    var bytes: [UInt8] = []

    func write(_ number: Int) {
        withUnsafeBytes(of: Int64(number).littleEndian) { bytes.append(contentsOf: $0) }
    }

    func write(_ text: String) {
        write(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    func mark(_ sign: Unicode.Scalar) { bytes.append(UInt8(ascii: sign)) }

    func leaf(_ text: String) {
        mark("s")
        write(text)
    }

    func leaf(_ number: Int) {
        mark("i")
        write(number)
    }

    func leaf(_ flag: Bool) { mark(flag ? "t" : "f") }

    /// Stands for a value that carries its own.
    func digest(_ digest: Digest) {
        mark("d")
        bytes.append(contentsOf: digest.bytes)
    }
}

extension TemplateValue {
    fileprivate func write(to sink: ByteSink) {
        switch self {
        case .text(let text):
            sink.bytes.append(1)
            sink.write(text)
        case .number(let number):
            sink.bytes.append(2)
            sink.write(number)
        case .flag(let flag): sink.bytes.append(flag ? 3 : 4)
        case .absent: sink.bytes.append(5)
        case .markup(let markup):
            sink.bytes.append(6)
            sink.write(markup)
        case .list(let values):
            sink.bytes.append(7)
            sink.write(values.count)
            for value in values { value.write(to: sink) }
        case .record(let values):
            sink.bytes.append(8)
            sink.write(values.count)
            for (key, value) in values.sorted(by: { $0.key < $1.key }) {
                sink.write(key)
                value.write(to: sink)
            }
        }
    }
}

/// Writes every leaf with its key and its depth. The compiler's `encode(to:)` goes through members in their order, so
/// the sequence of leaves says all that the value holds. Leaves are texts, whole numbers, flags and rendered Markdown,
/// which stands with its own digest: page models have no other.
private struct ContentEncoder: Encoder {
    let sink: ByteSink
    let depth: UInt8
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(sink: ByteSink, depth: UInt8) {
        precondition(depth < 64, "a page model holds a number that is no Int, or is nested without end")
        self.sink = sink
        self.depth = depth
    }

    var deeper: ContentEncoder { ContentEncoder(sink: sink, depth: depth + 1) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        sink.mark("{")
        return KeyedEncodingContainer(Members<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        sink.mark("[")
        return Elements(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(encoder: self) }

    private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: ContentEncoder
        var codingPath: [any CodingKey] { [] }

        private func begin(_ key: Key) -> ByteSink {
            encoder.sink.bytes.append(encoder.depth)
            encoder.sink.write(key.stringValue)
            return encoder.sink
        }

        mutating func encodeNil(forKey key: Key) { begin(key).mark("0") }
        mutating func encode(_ value: String, forKey key: Key) { begin(key).leaf(value) }
        mutating func encode(_ value: Int, forKey key: Key) { begin(key).leaf(value) }
        mutating func encode(_ value: Bool, forKey key: Key) { begin(key).leaf(value) }

        mutating func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
            let sink = begin(key)
            if Value.self == RenderedMarkdown.self, let text = value as? RenderedMarkdown {
                sink.digest(text.digest)
            } else {
                try value.encode(to: encoder.deeper)
            }
        }

        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key)
            -> KeyedEncodingContainer<Nested>
        {
            _ = begin(key)
            return encoder.deeper.container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            _ = begin(key)
            return encoder.deeper.unkeyedContainer()
        }

        mutating func superEncoder() -> any Encoder { encoder.deeper }

        mutating func superEncoder(forKey key: Key) -> any Encoder {
            _ = begin(key)
            return encoder.deeper
        }
    }

    private struct Elements: UnkeyedEncodingContainer {
        let encoder: ContentEncoder
        var count = 0
        var codingPath: [any CodingKey] { [] }

        init(encoder: ContentEncoder) { self.encoder = encoder }

        private mutating func begin() -> ByteSink {
            encoder.sink.bytes.append(encoder.depth)
            encoder.sink.write(count)
            count += 1
            return encoder.sink
        }

        mutating func encodeNil() { begin().mark("0") }
        mutating func encode(_ value: String) { begin().leaf(value) }
        mutating func encode(_ value: Int) { begin().leaf(value) }
        mutating func encode(_ value: Bool) { begin().leaf(value) }

        mutating func encode<Value: Encodable>(_ value: Value) throws {
            _ = begin()
            try value.encode(to: encoder.deeper)
        }

        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type)
            -> KeyedEncodingContainer<Nested>
        {
            _ = begin()
            return encoder.deeper.container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            _ = begin()
            return encoder.deeper.unkeyedContainer()
        }

        mutating func superEncoder() -> any Encoder { encoder.deeper }
    }

    private struct Single: SingleValueEncodingContainer {
        let encoder: ContentEncoder
        var codingPath: [any CodingKey] { [] }

        mutating func encodeNil() { encoder.sink.mark("0") }
        mutating func encode(_ value: String) { encoder.sink.leaf(value) }
        mutating func encode(_ value: Int) { encoder.sink.leaf(value) }
        mutating func encode(_ value: Bool) { encoder.sink.leaf(value) }
        mutating func encode<Value: Encodable>(_ value: Value) throws { try value.encode(to: encoder.deeper) }
    }
}
