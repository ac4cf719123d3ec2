import CQuickJS

typealias Context = OpaquePointer
typealias HostFunction = @convention(c) (Context?, JSValue, Int32, UnsafeMutablePointer<JSValue>?) -> JSValue

/// QuickJS-ng, with the prelude evaluated. Values are the engine's counted references: who gets one back frees it.
struct Engine {
    let runtime: OpaquePointer
    let context: Context
    /// The prelude's entry points.
    private(set) var prelude: JSValue
    private let heap: UnsafeMutablePointer<qjs_heap>

    static let name = "quickjs-ng " + String(cString: JS_GetVersion())

    init() {
        heap = .allocate(capacity: 1)
        heap.initialize(to: qjs_heap(bytes: 0, peak: 0))
        guard let runtime = qjs_new_runtime(heap), let context = JS_NewContext(runtime) else {
            Wire.fail("the engine does not start")
        }
        self.runtime = runtime
        self.context = context
        prelude = qjs_undefined()
        // Half of what the C stack holds, so that native recursion ends in a RangeError and not in a fault.
        JS_SetMaxStackSize(runtime, 1 << 20)
        JS_SetCanBlock(runtime, false)
        JS_SetInterruptHandler(runtime, { _, _ in program.meter.mustStop() ? 1 : 0 }, nil)
        JS_SetHostPromiseRejectionTracker(runtime, trackRejection, nil)
        installModuleLoader(runtime)
    }

    mutating func installPrelude(host: JSValue) {
        guard let function = prelude("base"), !JS_IsException(function) else {
            Wire.fail("the prelude: \(takeExceptionText())")
        }
        var host = host
        prelude = JS_Call(context, function, qjs_undefined(), 1, &host)
        JS_FreeValue(context, function)
        if JS_IsException(prelude) { Wire.fail("the prelude: \(takeExceptionText())") }
    }

    var heapBytes: Int { heap.pointee.bytes }
    var heapPeakBytes: Int { heap.pointee.peak }
    func forgetPeak() { heap.pointee.peak = heap.pointee.bytes }

    func setMemoryLimit(_ bytes: Int) { JS_SetMemoryLimit(runtime, bytes) }

    /// Evaluates a script and gives its last value, or the exception mark.
    func evaluate(_ source: String, file: String, flags: Int32 = JS_EVAL_TYPE_GLOBAL) -> JSValue {
        var source = source
        return source.withUTF8 { evaluate(UnsafeRawBufferPointer($0), file: file, flags: flags) }
    }

    func evaluate(_ source: UnsafeRawBufferPointer, file: String, flags: Int32) -> JSValue {
        // The engine reads one byte beyond the end and wants a zero there.
        withUnsafeTemporaryAllocation(byteCount: source.count + 1, alignment: 1) { copy in
            copy.copyMemory(from: source)
            copy[source.count] = 0
            return JS_Eval(
                context, copy.baseAddress!.assumingMemoryBound(to: CChar.self), source.count, file, flags)
        }
    }

    /// Calls an entry point of the prelude. Frees the arguments.
    func call(_ entry: String, _ arguments: [JSValue]) -> JSValue {
        let function = JS_GetPropertyStr(context, prelude, entry)
        var arguments = arguments
        let result = JS_Call(context, function, prelude, Int32(arguments.count), &arguments)
        JS_FreeValue(context, function)
        for argument in arguments { JS_FreeValue(context, argument) }
        return result
    }

    func string(_ text: String) -> JSValue {
        var text = text
        return text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { JS_NewStringLen(context, $0.baseAddress, $0.count) }
        }
    }

    /// The UTF-8 of a value as a string; `nil` when the value cannot be one.
    func text(_ value: JSValue) -> String? { bytes(value).map { String(decoding: $0, as: UTF8.self) } }

    func bytes(_ value: JSValue) -> [UInt8]? {
        var length = 0
        guard let characters = JS_ToCStringLen(context, &length, value) else {
            JS_FreeValue(context, JS_GetException(context))
            return nil
        }
        defer { JS_FreeCString(context, characters) }
        return Array(UnsafeRawBufferPointer(start: characters, count: length))
    }

    func parseJSON(_ bytes: [UInt8]) -> JSValue {
        (bytes + [0]).withUnsafeBytes {
            JS_ParseJSON(
                context, $0.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count, "veroforge:json")
        }
    }

    /// A value as JSON; `nil` leaves the exception with the engine.
    func stringify(_ value: JSValue) -> [UInt8]? {
        let text = JS_JSONStringify(context, value, qjs_undefined(), qjs_undefined())
        defer { JS_FreeValue(context, text) }
        if JS_IsException(text) { return nil }
        if JS_IsUndefined(text) { return Array("null".utf8) }
        return bytes(text)
    }

    /// Whether an error is the engine's own "out of memory". With no room for even that it throws null.
    func isOutOfMemory(_ error: JSValue, limit: Int) -> Bool {
        if JS_IsNull(error) { return heapPeakBytes > limit / 10 * 9 }
        guard JS_IsError(error) else { return false }
        let (name, message) = (
            JS_GetPropertyStr(context, error, "name"), JS_GetPropertyStr(context, error, "message")
        )
        defer {
            JS_FreeValue(context, name)
            JS_FreeValue(context, message)
        }
        if JS_IsException(name) || JS_IsException(message) {
            // A getter of the plugin's threw; that is its business.
            JS_FreeValue(context, JS_GetException(context))
            return false
        }
        guard JS_IsString(name), JS_IsString(message) else { return false }
        return text(name) == "InternalError" && text(message) == "out of memory"
    }

    private func takeExceptionText() -> String {
        let error = JS_GetException(context)
        defer { JS_FreeValue(context, error) }
        return text(error) ?? "an error that has no text"
    }
}

extension Engine {
    /// A new object with native functions.
    func object(_ functions: [(String, HostFunction, Int32)]) -> JSValue {
        let object = JS_NewObject(context)
        for (name, function, length) in functions {
            JS_SetPropertyStr(context, object, name, JS_NewCFunction(context, function, name, length))
        }
        return object
    }
}

private func trackRejection(
    _ context: Context?, _ promise: JSValue, _ reason: JSValue, _ isHandled: Bool, _: UnsafeMutableRawPointer?
) {
    program.rejections.note(context!, promise, reason, isHandled: isHandled)
}

/// Promises that were rejected and that nobody has looked at yet.
struct Rejections {
    private var kept: [(promise: JSValue, reason: JSValue)] = []
    private static let keptMax = 100

    mutating func note(_ context: Context, _ promise: JSValue, _ reason: JSValue, isHandled: Bool) {
        if !isHandled {
            guard kept.count < Rejections.keptMax else { return }
            kept.append((JS_DupValue(context, promise), JS_DupValue(context, reason)))
        } else {
            remove(promise, context)
        }
    }

    mutating func remove(_ promise: JSValue, _ context: Context) {
        guard let index = kept.firstIndex(where: { qjs_pointer($0.promise) == qjs_pointer(promise) }) else {
            return
        }
        let entry = kept.remove(at: index)
        JS_FreeValue(context, entry.promise)
        JS_FreeValue(context, entry.reason)
    }

    /// The first reason that is left; forgets all.
    mutating func takeFirst(_ context: Context) -> JSValue? {
        let first = kept.first.map { JS_DupValue(context, $0.reason) }
        for entry in kept {
            JS_FreeValue(context, entry.promise)
            JS_FreeValue(context, entry.reason)
        }
        kept = []
        return first
    }
}
