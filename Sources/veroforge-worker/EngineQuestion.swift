import CQuickJS
import Scanning

/// Asks QuickJS-ng, which runs plugins, whether a text parses: compiled and thrown away, never run.
final class Engine {
    private static let memoryBytesMax = 512 << 20
    private static let stackBytesMax = 1 << 20

    static let question: EngineQuestion = { bytes in ask(bytes) }

    /// What the last question left as it was before, for the next: making one takes as long as a small file's answer.
    // SAFETY: the worker has one thread.
    nonisolated(unsafe) private static var clean: Engine?

    private let runtime: OpaquePointer
    private let context: OpaquePointer

    private init?() {
        guard let runtime = JS_NewRuntime() else { return nil }
        JS_SetMemoryLimit(runtime, Self.memoryBytesMax)
        JS_SetMaxStackSize(runtime, Self.stackBytesMax)
        // Every import is answered by an empty module: whether it exists is another question.
        JS_SetModuleLoaderFunc(
            runtime, nil, { context, name, _ in JS_NewCModule(context, name, { _, _ in 0 }) }, nil)
        // What compiling needs, and nothing that only running does.
        guard let context = JS_NewContextRaw(runtime) else {
            JS_FreeRuntime(runtime)
            return nil
        }
        self.runtime = runtime
        self.context = context
        guard JS_AddIntrinsicBaseObjects(context) == 0, JS_AddIntrinsicEval(context) == 0 else { return nil }
        JS_AddIntrinsicRegExpCompiler(context)
    }

    deinit {
        JS_FreeContext(context)
        JS_FreeRuntime(runtime)
    }

    private static func ask(_ bytes: [UInt8]) -> EngineOpinion {
        guard let engine = clean ?? Engine() else { return .rejects("the engine does not start") }
        clean = nil
        // How deep the code may nest does not depend on who asked before.
        JS_UpdateStackTop(engine.runtime)
        // A script that compiles leaves nothing behind.
        guard let why = engine.compile(bytes, JS_EVAL_TYPE_GLOBAL) else {
            clean = engine
            return .accepts
        }
        if engine.compile(bytes, JS_EVAL_TYPE_MODULE) == nil { return .accepts }
        // A CommonJS file is run as the body of this function, so that is how it has to be asked about.
        let head = Array("(function (exports, require, module, __filename, __dirname) {".utf8)
        let body = head + bytes + Array("\n})".utf8)
        return engine.compile(body, JS_EVAL_TYPE_GLOBAL) == nil ? .accepts : .rejects(why)
    }

    /// nil where it parses, else what the engine says.
    private func compile(_ bytes: [UInt8], _ type: Int32) -> String? {
        var text = bytes
        // The engine reads one byte beyond the end and wants a zero there.
        text.append(0)
        let value = text.withUnsafeBytes {
            // SAFETY: the buffer outlives the call, which copies what it keeps.
            JS_Eval(
                context, $0.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count, "file",
                type | JS_EVAL_FLAG_COMPILE_ONLY)
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
