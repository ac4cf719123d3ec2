import CQuickJS
import Scanning

/// Asks QuickJS-ng, which runs plugins, whether a text parses: compiled and thrown away, never run.
enum Engine {
    private static let memoryBytesMax = 512 << 20
    private static let stackBytesMax = 1 << 20

    static let question: EngineQuestion = { bytes in ask(bytes) }

    private static func ask(_ bytes: [UInt8]) -> EngineOpinion {
        guard let runtime = JS_NewRuntime() else { return .rejects("the engine does not start") }
        defer { JS_FreeRuntime(runtime) }
        JS_SetMemoryLimit(runtime, memoryBytesMax)
        JS_SetMaxStackSize(runtime, stackBytesMax)
        // Every import is answered by an empty module: whether it exists is another question.
        JS_SetModuleLoaderFunc(
            runtime, nil, { context, name, _ in JS_NewCModule(context, name, { _, _ in 0 }) }, nil)
        guard let context = JS_NewContext(runtime) else { return .rejects("the engine does not start") }
        defer { JS_FreeContext(context) }
        var first: String?
        // A CommonJS file is run as the body of this function, so that is how it has to be asked about.
        let head = Array("(function (exports, require, module, __filename, __dirname) {".utf8)
        for (text, flags) in [
            (bytes, JS_EVAL_TYPE_GLOBAL), (bytes, JS_EVAL_TYPE_MODULE),
            (head + bytes + Array("\n})".utf8), JS_EVAL_TYPE_GLOBAL),
        ] {
            guard let why = compile(context, text, flags | JS_EVAL_FLAG_COMPILE_ONLY) else { return .accepts }
            first = first ?? why
        }
        return .rejects(first ?? "")
    }

    /// nil where it parses, else what the engine says.
    private static func compile(_ context: OpaquePointer, _ bytes: [UInt8], _ flags: Int32) -> String? {
        var text = bytes
        // The engine reads one byte beyond the end and wants a zero there.
        text.append(0)
        let value = text.withUnsafeBytes {
            // SAFETY: the buffer outlives the call, which copies what it keeps.
            JS_Eval(context, $0.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count, "file", flags)
        }
        guard JS_IsException(value) else {
            // What is compiled is freed with the context; a module belongs to it already.
            JS_FreeValue(context, value)
            return nil
        }
        let error = JS_GetException(context)
        defer { JS_FreeValue(context, error) }
        var length = 0
        guard let characters = JS_ToCStringLen(context, &length, error) else { return "it does not parse" }
        defer { JS_FreeCString(context, characters) }
        return String(
            decoding: UnsafeRawBufferPointer(start: characters, count: min(length, 300)), as: UTF8.self)
    }
}
