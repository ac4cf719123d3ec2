// Compiles the runner's own JavaScript when the runner is built, so that no start of a plugin waits for a parser:
//
//     prelude-compiler OUTPUT.swift SCRIPT.js…
//
// It writes one Swift array of names and code, two letters a byte. The code is the engine's own format, which fits the
// very engine that the runner is linked with and no other.
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *of) {
    fprintf(stderr, "prelude-compiler: %s: %s\n", what, of);
    exit(1);
}

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) fail("cannot be read", path);
    size_t room = 1 << 20;
    char *text = calloc(1, room);
    *length = fread(text, 1, room - 1, file);
    if (!feof(file)) fail("is too long", path);
    fclose(file);
    return text;
}

static void compile(JSContext *context, const char *path, FILE *output) {
    size_t length, size;
    char *text = read_file(path, &length), name[256], label[280];
    const char *last = strrchr(path, '/');
    snprintf(name, sizeof name, "%s", last ? last + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot) *dot = 0;
    snprintf(label, sizeof label, "veroforge:%s", name);
    JSValue script = JS_Eval(context, text, length, label, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(script)) fail(JS_ToCString(context, JS_GetException(context)), path);
    unsigned char *code = JS_WriteObject(context, &size, script, JS_WRITE_OBJ_BYTECODE);
    if (!code) fail("cannot be written", path);
    fprintf(output, "    (\"%s\", \"", name);
    for (size_t i = 0; i < size; i++) fprintf(output, "%c%c", 'a' + (code[i] >> 4), 'a' + (code[i] & 15));
    fprintf(output, "\"),\n");
    js_free(context, code);
    JS_FreeValue(context, script);
    free(text);
}

int main(int count, char **arguments) {
    if (count < 3) fail("usage", "prelude-compiler OUTPUT.swift SCRIPT.js...");
    JSContext *context = JS_NewContext(JS_NewRuntime());
    FILE *output = fopen(arguments[1], "wb");
    if (!context || !output) fail("cannot be written", arguments[1]);
    fprintf(output, "// Written by prelude-compiler from the runner's folder Prelude.\n"
                    "let preludeScripts: [(name: String, code: StaticString)] = [\n");
    for (int i = 2; i < count; i++) compile(context, arguments[i], output);
    fprintf(output, "]\n");
    return fclose(output) == 0 ? 0 : 1;
}
