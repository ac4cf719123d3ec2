import CQuickJS
import Frames

// What the prelude can ask of the runner. A plugin that gets hold of these gains nothing: each checks its arguments
// and does no more than the context's own functions do.

let hostFunctions: [(String, HostFunction, Int32)] = [
    ("file", { context, _, count, values in readFile(context, count, values) }, 1),
    (
        "exists",
        { _, _, count, values in
            program.bool(program.path(count, values).map { program.files[$0] != nil } ?? false)
        }, 1
    ),
    ("part", { _, _, count, values in program.part(count, values) }, 1),
    ("script", { context, _, count, values in evaluateScript(context, count, values) }, 2),
    ("import", { context, _, count, values in importModule(context, count, values) }, 1),
    ("request", { context, _, count, values in program.request(context, count, values) }, 2),
    ("log", { _, _, count, values in program.log(count, values) }, 2),
    ("limit", { _, _, count, values in program.hitLimit(count, values) }, 1),
    ("tempBytes", { context, _, count, values in noteTemp(context, count, values) }, 1),
    ("now", { context, _, _, _ in JS_NewFloat64(context, Double(program.nowMilliseconds())) }, 0),
    ("random", { context, _, _, _ in JS_NewFloat64(context, program.chance.unit()) }, 0),
    ("randomBytes", { context, _, count, values in fillRandom(context, count, values) }, 1),
    ("timer", { context, _, count, values in addTimer(context, count, values) }, 2),
    ("timersAsk", { _, _, _, _ in program.keepTimersAtTheHost() }, 0),
    ("clearTimer", { context, _, count, values in removeTimer(context, count, values) }, 1),
    ("utf8", { context, _, count, values in encodeText(context, count, values) }, 1),
    ("text", { context, _, count, values in decodeText(context, count, values) }, 2),
]

private func readFile(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    guard let path = program.path(count, values), let bytes = program.files[path] else {
        return qjs_undefined()
    }
    return program.engine.string(String(decoding: bytes, as: UTF8.self))
}

private func evaluateScript(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    guard count >= 2, let values, let source = program.engine.text(values[0]),
        let file = program.engine.text(values[1])
    else { return qjs_throw_type(context, "a source and its file name are expected") }
    return program.engine.evaluate(source, file: file)
}

private func importModule(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    guard let path = program.path(count, values) else { return qjs_throw_type(context, "a path is expected") }
    return JS_LoadModule(context, "", path)
}

private func noteTemp(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    var bytes: Int64 = 0
    if count >= 1, let values { JS_ToInt64(context, &bytes, values[0]) }
    program.tempBytes = UInt64(max(0, bytes))
    // The quota is kept here, outside the engine: what a plugin does to its own world does not move it.
    if program.tempBytes > program.bounds.tempBytes {
        program.meter.end(by: "temp")
        return program.stopNow()
    }
    return qjs_undefined()
}

private func fillRandom(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    var length = 0
    guard count >= 1, let values, let bytes = JS_GetUint8Array(context, &length, values[0]) else {
        return qjs_throw_type(context, "a Uint8Array is expected")
    }
    program.chance.fill(UnsafeMutableRawBufferPointer(start: bytes, count: length))
    return qjs_undefined()
}

private func addTimer(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    var delay = 0.0
    guard count >= 2, let values, JS_ToFloat64(context, &delay, values[0]) == 0, delay >= 0,
        delay < 2_147_483_648
    else { return qjs_throw_type(context, "a delay is expected") }
    let repeats = JS_ToBool(context, values[1]) == 1
    let added =
        program.timersAsk
        ? program.askTimer(delayMs: UInt64(delay), repeats: repeats)
        : program.timers.add(delayMs: UInt64(delay), repeats: repeats)
    guard let id = added else {
        return qjs_throw_range(context, "more than \(Timers.countMax) timers")
    }
    return JS_NewInt32(context, id)
}

private func removeTimer(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    var id: Int32 = 0
    if count >= 1, let values, JS_ToInt32(context, &id, values[0]) == 0 {
        program.timers.remove(id)
        program.asked.remove(id)
    }
    return qjs_undefined()
}

private func encodeText(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    var length = 0
    guard count >= 1, let values, let characters = JS_ToCStringLen(context, &length, values[0]) else {
        return qjs_exception()
    }
    defer { JS_FreeCString(context, characters) }
    return characters.withMemoryRebound(to: UInt8.self, capacity: length) {
        JS_NewUint8ArrayCopy(context, $0, length)
    }
}

private func decodeText(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?)
    -> JSValue
{
    var length = 0
    guard count >= 2, let values, let bytes = JS_GetUint8Array(context, &length, values[0]) else {
        return qjs_throw_type(context, "a Uint8Array is expected")
    }
    let buffer = UnsafeBufferPointer(start: bytes, count: length)
    if JS_ToBool(context, values[1]) == 1 {
        guard let text = String(validating: buffer, as: UTF8.self) else { return qjs_undefined() }
        return program.engine.string(text)
    }
    return program.engine.string(String(decoding: buffer, as: UTF8.self))
}

extension Program {
    func bool(_ value: Bool) -> JSValue { JS_NewBool(engine.context, value) }

    func path(_ count: Int32, _ values: UnsafeMutablePointer<JSValue>?) -> String? {
        guard count >= 1, let values else { return nil }
        return engine.text(values[0])
    }

    /// A part of the prelude, evaluated once.
    func part(_ count: Int32, _ values: UnsafeMutablePointer<JSValue>?) -> JSValue {
        let name = path(count, values)
        if let name, let present = parts[name] { return JS_DupValue(engine.context, present) }
        guard let name, name != "base", let value = engine.prelude(name) else {
            return qjs_throw_type(engine.context, "no such part")
        }
        if !JS_IsException(value) { parts[name] = JS_DupValue(engine.context, value) }
        return value
    }

    func hitLimit(_ count: Int32, _ values: UnsafeMutablePointer<JSValue>?) -> JSValue {
        meter.end(by: path(count, values) == "temp" ? "temp" : "memory")
        return stopNow()
    }

    /// An error that the plugin cannot catch.
    func stopNow() -> JSValue {
        let thrown = qjs_throw_internal(engine.context, "ended by a limit")
        let error = JS_GetException(engine.context)
        JS_SetUncatchableError(engine.context, error)
        JS_Throw(engine.context, error)
        return thrown
    }

    func log(_ count: Int32, _ values: UnsafeMutablePointer<JSValue>?) -> JSValue {
        var level: Int32 = 1
        guard count >= 2, let values, JS_ToInt32(engine.context, &level, values[0]) == 0,
            var bytes = engine.bytes(values[1])
        else { return qjs_undefined() }
        if bytes.count > bounds.logLineBytes {
            bytes.removeLast(bytes.count - Int(bounds.logLineBytes) + 3)
            bytes += Array("…".utf8)
        }
        guard case .calling = session.state else { return qjs_undefined() }
        logBytes += bytes.count
        if logBytes > bounds.logBytes {
            if !logIsCut {
                send(
                    .log(.warn, text: "the log of this call is cut here: it is over \(bounds.logBytes) bytes")
                )
            }
            logIsCut = true
        } else {
            send(
                .log(
                    LogLevel(rawValue: UInt8(clamping: level)) ?? .info,
                    text: String(decoding: bytes, as: UTF8.self)))
        }
        return qjs_undefined()
    }

    /// From now on each timer is a request to the host.
    func keepTimersAtTheHost() -> JSValue {
        timersAsk = true
        return qjs_undefined()
    }

    /// Sends an operation to the host and gives the promise of its answer.
    func request(_ context: Context?, _ count: Int32, _ values: UnsafeMutablePointer<JSValue>?) -> JSValue {
        guard count >= 2, let values, let name = engine.text(values[0]), (1...64).contains(name.utf8.count)
        else {
            return qjs_throw_type(context, "an operation's name and arguments are expected")
        }
        guard case .calling = session.state else { return qjs_throw_type(context, "no call is under way") }
        guard let json = engine.stringify(values[1]) else { return qjs_exception() }
        guard json.count <= session.limits.requestBytesMax else {
            return qjs_throw_range(
                context, "the arguments of \(name) are over \(session.limits.requestBytesMax) bytes")
        }
        guard session.waitingCount < Int(bounds.waiting) else {
            return qjs_throw_range(context, "more than \(bounds.waiting) operations at one time")
        }
        guard meter.takeOperation() else { return stopNow() }
        var functions = [qjs_undefined(), qjs_undefined()]
        let promise = JS_NewPromiseCapability(context, &functions)
        if JS_IsException(promise) { return promise }
        let id = session.nextRequest
        waiting[id] = (functions[0], functions[1])
        send(.apiRequest(id: id, name: name, json: json))
        return promise
    }
}
