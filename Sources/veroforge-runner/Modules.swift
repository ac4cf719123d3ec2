import CQuickJS

// ES modules. Where a specifier leads, and what a file is, the prelude decides; here the engine is handed the
// source or, for CommonJS and JSON, a module whose exports are the loaded value's.

func installModuleLoader(_ runtime: OpaquePointer) {
    JS_SetModuleLoaderFunc(
        runtime,
        { context, base, name, _ in
            let (base, name) = (String(cString: base!), String(cString: name!))
            // The runner's own import of the main module names it whole.
            if base.isEmpty { return duplicate(context, name) }
            let engine = program.engine!
            let path = engine.call("resolve", [engine.string(base), engine.string(name)])
            defer { JS_FreeValue(context, path) }
            return JS_IsException(path) ? nil : duplicate(context, engine.text(path) ?? "")
        },
        { context, name, _ in loadModule(context!, String(cString: name!)) }, nil)
}

private func duplicate(_ context: Context?, _ text: String) -> UnsafeMutablePointer<CChar>? {
    let bytes = Array(text.utf8CString)
    guard let copy = js_malloc(context, bytes.count) else { return nil }
    copy.copyMemory(from: bytes, byteCount: bytes.count)
    return copy.assumingMemoryBound(to: CChar.self)
}

private func loadModule(_ context: Context, _ path: String) -> OpaquePointer? {
    let engine = program.engine!
    let kind = engine.call("kind", [engine.string(path)])
    defer { JS_FreeValue(context, kind) }
    if JS_IsException(kind) { return nil }
    if engine.text(kind) != "module" { return wrapped(context, path) }

    let compiled: JSValue
    let flags = JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY
    if path == "@veroforge/sdk" {
        let source = JS_GetPropertyStr(context, engine.prelude, "sdkSource")
        compiled = engine.evaluate(engine.text(source) ?? "", file: path, flags: flags)
        JS_FreeValue(context, source)
    } else if let bytes = program.files[path] {
        compiled = bytes.withUnsafeBytes { engine.evaluate($0, file: path, flags: flags) }
    } else {
        _ = qjs_throw_type(context, "the bundle has no file '\(path)'")
        return nil
    }
    if JS_IsException(compiled) { return nil }
    let module = OpaquePointer(qjs_pointer(compiled))
    JS_FreeValue(context, compiled)
    let meta = JS_GetImportMeta(context, module)
    JS_SetPropertyStr(context, meta, "url", engine.string("bundle:///\(path)"))
    JS_FreeValue(context, meta)
    return module
}

/// A CommonJS or JSON file as a module: `default` is the whole value, and each of its own keys a named export.
private func wrapped(_ context: Context, _ path: String) -> OpaquePointer? {
    let engine = program.engine!
    let exports = engine.call("load", [engine.string(path)])
    if JS_IsException(exports) { return nil }
    guard let module = JS_NewCModule(context, path, fillWrapped) else {
        JS_FreeValue(context, exports)
        return nil
    }
    JS_AddModuleExport(context, module, "default")
    for name in keys(context, exports) where name != "default" { JS_AddModuleExport(context, module, name) }
    JS_SetModulePrivateValue(context, module, exports)
    return module
}

private func fillWrapped(_ context: Context?, _ module: OpaquePointer?) -> Int32 {
    let exports = JS_GetModulePrivateValue(context, module)
    defer { JS_FreeValue(context, exports) }
    JS_SetModuleExport(context, module, "default", JS_DupValue(context, exports))
    for name in keys(context!, exports) where name != "default" {
        let value = JS_GetPropertyStr(context, exports, name)
        if JS_IsException(value) { return -1 }
        // A key that appeared after the first look is no export; the engine says so and frees the value.
        if JS_SetModuleExport(context, module, name, value) != 0 {
            JS_FreeValue(context, JS_GetException(context))
        }
    }
    return 0
}

private func keys(_ context: Context, _ object: JSValue) -> [String] {
    guard JS_IsObject(object) else { return [] }
    var table: UnsafeMutablePointer<JSPropertyEnum>?
    var count: UInt32 = 0
    let flags = JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY
    guard JS_GetOwnPropertyNames(context, &table, &count, object, flags) == 0 else {
        JS_FreeValue(context, JS_GetException(context))
        return []
    }
    defer { JS_FreePropertyEnum(context, table, count) }
    return (0..<Int(count)).compactMap { index in
        guard let text = JS_AtomToCString(context, table![index].atom) else { return nil }
        defer { JS_FreeCString(context, text) }
        return String(cString: text)
    }
}
