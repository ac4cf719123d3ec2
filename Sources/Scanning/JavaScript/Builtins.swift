internal import Bundles

/// The functions that hidden words are put together with.
enum Builtins {
    typealias Value = Evaluator.Value

    /// Functions by their canonical names.
    enum Function: String {
        case require
        case moduleRequire = "module.require"
        case createdRequire = "<module>.createRequire()"
        case mainModuleRequire = "process.mainModule.require"
        case mainRequire = "require.main.require"
        case builtinModule = "process.getBuiltinModule"
        case binding = "process.binding"
        case fromCharCode = "String.fromCharCode"
        case fromCodePoint = "String.fromCodePoint"
        case atob, unescape, decodeURIComponent, decodeURI, parseInt
        case string = "String"
        case number = "Number"
        case numberParseInt = "Number.parseInt"
        case reflectGet = "Reflect.get"
        case arrayFrom = "Array.from"
        case arrayOf = "Array.of"
        case byteArray = "Uint8Array"
        case byteArrayFrom = "Uint8Array.from"
        case freeze = "Object.freeze"
        case seal = "Object.seal"
        case resolve = "Promise.resolve"
        case buffer = "Buffer"
        case bufferFrom = "Buffer.from"
        case importedBufferFrom = "<buffer>.Buffer.from"
        case gunzip = "<zlib>.gunzipSync"
        case unzip = "<zlib>.unzipSync"
        case inflate = "<zlib>.inflateSync"
        case inflateRaw = "<zlib>.inflateRawSync"
        case pakoInflate = "<pako>.inflate"
        case pakoUngzip = "<pako>.ungzip"
        case url = "URL"
        case decode = "TextDecoder().decode"
        case staticDecode = "TextDecoder.decode"
    }

    static func call(
        _ function: Function, _ list: [SyntaxTree.ID], _ node: SyntaxTree.Node,
        _ evaluator: Evaluator, _ id: SyntaxTree.ID
    ) -> Value? {
        func argument(_ index: Int) -> Value { index < list.count ? evaluator.value(list[index]) : .unknown }
        switch function {
        case .require, .moduleRequire, .createdRequire, .mainModuleRequire, .mainRequire, .builtinModule,
            .binding:
            guard let name = argument(0).text else { return nil }
            return evaluator.reference(.module(Evaluator.module(name)))
        case .fromCharCode, .fromCodePoint:
            var values: [Value] = []
            for item in list {
                if evaluator.tree[item].kind == .spread {
                    guard let more = evaluator.elements(evaluator.value(evaluator.tree[item].a)) else {
                        return .unknown
                    }
                    values += more
                } else {
                    values.append(evaluator.value(item))
                }
            }
            var units: [UInt16] = []
            for value in values {
                guard case .number(let number) = value, number >= 0, number <= 0x10FFFF else {
                    return .unknown
                }
                if number > 0xFFFF, let scalar = Unicode.Scalar(UInt32(number)) {
                    units.append(contentsOf: UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter)
                } else {
                    units.append(UInt16(number))
                }
            }
            return .text(String(decoding: units, as: UTF16.self))
        case .atob:
            guard let text = argument(0).text, let bytes = Base64.decode(Array(text.utf8)) else { return nil }
            evaluator.noteDecoded(id, bytes)
            return .text(latin(bytes))
        case .unescape, .decodeURIComponent, .decodeURI:
            guard let text = argument(0).text else { return nil }
            let bytes = percentDecoded(text)
            if text.contains("%") { evaluator.noteDecoded(id, bytes) }
            return .text(String(decoding: bytes, as: UTF8.self))
        case .string: return Evaluator.asText(argument(0))
        case .parseInt, .numberParseInt:
            guard let text = argument(0).text else { return argument(0) }
            var radix = 10
            if case .number(let number) = argument(1), (2...36).contains(number) { radix = Int(number) }
            let body = text.lowercased().hasPrefix("0x") ? String(text.dropFirst(2)) : text
            if body.count < text.count { radix = 16 }
            return Int64(body.prefix { $0.isHexDigit }, radix: radix).map { .number(Double($0)) } ?? .unknown
        case .number: return argument(0).text.flatMap(Double.init).map { .number($0) } ?? argument(0)
        case .reflectGet:
            return evaluator.property(argument(0), argument(1).text.map { .name($0) } ?? .unknown)
        case .arrayFrom, .arrayOf, .byteArray, .byteArrayFrom:
            guard let items = evaluator.elements(argument(0)) else { return nil }
            if case .function(let body) = argument(1) {
                return .list(
                    items.enumerated().map { evaluator.inline(body, [$1, .number(Double($0))]) })
            }
            return function == .byteArray || function == .byteArrayFrom
                ? bytes(of: items).map { .bytes($0) } ?? .list(items) : .list(items)
        case .freeze, .seal, .resolve: return list.isEmpty ? nil : argument(0)
        case .buffer, .bufferFrom, .importedBufferFrom: return buffer(argument(0), argument(1))
        case .gunzip, .unzip, .inflate, .inflateRaw, .pakoInflate, .pakoUngzip:
            guard case .bytes(let packed) = argument(0) else { return nil }
            guard let plain = inflate(packed) else { return .unknown }
            evaluator.noteDecoded(id, plain)
            return .bytes(plain)
        case .url: return node.kind == .new ? Evaluator.asText(argument(0)) : nil
        case .decode, .staticDecode:
            guard case .bytes(let bytes) = argument(0) else { return nil }
            evaluator.noteDecoded(id, bytes)
            return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// gzip, zlib or bare DEFLATE, whichever it is.
    static func inflate(_ packed: [UInt8]) -> [UInt8]? {
        let limit = 8 << 20
        if packed.count > 18, packed[0] == 0x1F, packed[1] == 0x8B {
            return Gunzip.inflate(packed, limit: limit)
        }
        if packed.count > 6, packed[0] & 0x0F == 8, (Int(packed[0]) << 8 | Int(packed[1])) % 31 == 0,
            let result = try? Inflate.inflate(packed[2...], limit: limit)
        {
            return result.output
        }
        return (try? Inflate.inflate(packed[...], limit: limit))?.output
    }

    private static func buffer(_ value: Value, _ encoding: Value) -> Value? {
        switch value {
        case .text(let text):
            switch encoding.text?.lowercased() {
            case "base64", "base64url": return Base64.decode(Array(text.utf8)).map { .bytes($0) }
            case "hex": return Base64.decodeHex(Array(text.utf8)).map { .bytes($0) }
            case "latin1", "binary", "ascii":
                return .bytes(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
            default: return .bytes(Array(text.utf8))
            }
        case .list(let items): return bytes(of: items).map { .bytes($0) }
        case .bytes: return value
        default: return nil
        }
    }

    private static func bytes(of items: [Value]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for item in items {
            guard case .number(let number) = item, number.isFinite, abs(number) < 1e9 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: Int(number)))
        }
        return bytes
    }

    static func latin(_ bytes: [UInt8]) -> String {
        if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }

    static func percentDecoded(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x25, index + 2 < bytes.count, let high = Base64.digit(bytes[index + 1]),
                let low = Base64.digit(bytes[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return output
    }

    // MARK: methods

    static func method(_ text: String, _ name: String, _ arguments: [Value], _ evaluator: Evaluator) -> Value?
    {
        func number(_ index: Int) -> Int? {
            guard index < arguments.count, case .number(let number) = arguments[index], abs(number) < 1e9
            else { return nil }
            return Int(number)
        }
        let units = { Array(text.utf16) }
        func cut(_ from: Int, _ to: Int) -> Value {
            let all = units()
            let low = max(0, min(from, all.count))
            let high = max(low, min(to, all.count))
            return .text(String(decoding: all[low..<high], as: UTF16.self))
        }
        switch name {
        case "toString", "valueOf", "normalize", "trim", "trimStart", "trimEnd":
            guard name.hasPrefix("trim") else { return .text(text) }
            var body = Substring(text)
            if name != "trimEnd" { body = body.drop { $0.isWhitespace } }
            if name != "trimStart" { while body.last?.isWhitespace == true { body.removeLast() } }
            return .text(String(body))
        case "toLowerCase": return .text(text.lowercased())
        case "toUpperCase": return .text(text.uppercased())
        case "split":
            guard let separator = arguments.first?.text, text.utf8.count <= 262_144 else { return nil }
            if separator.isEmpty {
                return .list(units().map { .text(String(decoding: [$0], as: UTF16.self)) })
            }
            return .list(pieces(text, separator).map { .text($0) })
        case "concat":
            return arguments.reduce(.text(text)) { sum, item in
                guard case .text(let left)? = sum, case .text(let right) = Evaluator.asText(item) else {
                    return .unknown
                }
                return .text(left + right)
            }
        case "slice":
            let count = text.utf16.count
            let from = number(0) ?? 0
            let to = number(1) ?? count
            return cut(from < 0 ? count + from : from, to < 0 ? count + to : to)
        case "substring":
            return cut(
                min(number(0) ?? 0, number(1) ?? .max), max(number(0) ?? 0, number(1) ?? text.utf16.count))
        case "substr":
            let from = number(0) ?? 0
            let start = from < 0 ? text.utf16.count + from : from
            return cut(start, start + (number(1) ?? text.utf16.count))
        case "charAt", "at": return number(0).map { cut($0, $0 + 1) } ?? cut(0, 1)
        case "charCodeAt", "codePointAt":
            let all = units()
            let index = number(0) ?? 0
            return all.indices.contains(index) ? .number(Double(all[index])) : .unknown
        case "repeat":
            guard let times = number(0), times >= 0, times * text.utf8.count <= 65_536 else {
                return .unknown
            }
            return .text(String(repeating: text, count: times))
        case "replace", "replaceAll":
            guard let from = arguments.first?.text, arguments.count > 1, let to = arguments[1].text,
                !from.isEmpty
            else {
                return .unknown
            }
            let all = pieces(text, from)
            if name == "replaceAll" || all.count <= 2 { return .text(all.joined(separator: to)) }
            return .text(all[0] + to + all.dropFirst().joined(separator: from))
        case "padStart", "padEnd", "match", "search", "indexOf", "includes": return .unknown
        default: return nil
        }
    }

    private static func pieces(_ text: String, _ separator: String) -> [String] {
        var result: [String] = []
        var rest = Substring(text)
        while let range = rest.firstRange(of: separator) {
            result.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        result.append(String(rest))
        return result
    }

    static func method(_ items: [Value], _ name: String, _ arguments: [Value], _ evaluator: Evaluator)
        -> Value?
    {
        switch name {
        case "join":
            let separator = arguments.first.map { $0.text ?? "," } ?? ","
            var text = ""
            for (index, item) in items.enumerated() {
                guard case .text(let piece) = Evaluator.asText(item) else {
                    return index == 0 ? .unknown : .prefix(text)
                }
                if index > 0 { text += separator }
                text += piece
                if text.utf8.count > Evaluator.textMax { return .unknown }
            }
            return .text(text)
        case "reverse", "toReversed": return .list(items.reversed())
        case "concat":
            return .list(
                items + arguments.flatMap { item in if case .list(let more) = item { more } else { [item] } })
        case "slice":
            var from = 0
            var to = items.count
            if case .number(let number)? = arguments.first { from = Int(number) }
            if arguments.count > 1, case .number(let number) = arguments[1] { to = Int(number) }
            if from < 0 { from += items.count }
            if to < 0 { to += items.count }
            from = max(0, min(from, items.count))
            to = max(from, min(to, items.count))
            return .list(Array(items[from..<to]))
        case "map":
            guard case .function(let function)? = arguments.first, items.count <= 65_536 else {
                if case .reference(let reference)? = arguments.first, reference.name == "String.fromCharCode"
                {
                    return .list(
                        items.map { item in
                            guard case .number(let number) = item, number >= 0, number < 65_536 else {
                                return .unknown
                            }
                            return .text(String(decoding: [UInt16(number)], as: UTF16.self))
                        })
                }
                return .unknown
            }
            return .list(items.enumerated().map { evaluator.inline(function, [$1, .number(Double($0))]) })
        case "toString": return Evaluator.asText(.list(items))
        case "reduce":
            guard case .function(let function)? = arguments.first, items.count <= 10_000 else {
                return .unknown
            }
            var rest = items[...]
            var sum = arguments.count > 1 ? arguments[1] : rest.popFirst() ?? .unknown
            for item in rest { sum = evaluator.inline(function, [sum, item]) }
            return sum
        case "at":
            guard case .number(let number)? = arguments.first else { return .unknown }
            let index = number < 0 ? items.count + Int(number) : Int(number)
            return items.indices.contains(index) ? items[index] : .unknown
        default: return nil
        }
    }

    static func method(_ bytes: [UInt8], _ name: String, _ arguments: [Value]) -> Value? {
        switch name {
        case "toString":
            switch arguments.first?.text?.lowercased() {
            case "hex":
                return .text(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            case "latin1", "binary", "ascii": return .text(latin(bytes))
            case "base64", "base64url": return .unknown
            default: return .text(String(decoding: bytes, as: UTF8.self))
            }
        case "reverse": return .bytes(bytes.reversed())
        default: return nil
        }
    }
}
