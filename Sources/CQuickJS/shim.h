// What Swift does not import from quickjs.h by itself: compound macros and variadic functions.
#pragma once
#include <malloc.h>
#if !__has_include(<quickjs.h>)
#error "QuickJS-ng is missing: run `make deps`, then build with make or with PKG_CONFIG_PATH=.deps/lib/pkgconfig"
#endif
#include <quickjs.h>
#include <stdlib.h>

static inline JSValue qjs_undefined(void) { return JS_UNDEFINED; }
static inline JSValue qjs_null(void) { return JS_NULL; }
static inline JSValue qjs_exception(void) { return JS_EXCEPTION; }
static inline JSValue qjs_throw_type(JSContext *context, const char *text) {
    return JS_ThrowTypeError(context, "%s", text);
}
static inline JSValue qjs_throw_range(JSContext *context, const char *text) {
    return JS_ThrowRangeError(context, "%s", text);
}
static inline JSValue qjs_throw_internal(JSContext *context, const char *text) {
    return JS_ThrowInternalError(context, "%s", text);
}
static inline void *qjs_pointer(JSValue value) { return JS_VALUE_GET_PTR(value); }

// The engine's memory, counted: what is held now and the most that ever was.
struct qjs_heap {
    size_t bytes, peak;
};
static inline void qjs_count(struct qjs_heap *heap, size_t more) {
    heap->bytes += more;
    if (heap->bytes > heap->peak) heap->peak = heap->bytes;
}
static void *qjs_calloc(void *heap, size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory) qjs_count((struct qjs_heap *)heap, malloc_usable_size(memory));
    return memory;
}
static void *qjs_malloc(void *heap, size_t size) {
    void *memory = malloc(size);
    if (memory) qjs_count((struct qjs_heap *)heap, malloc_usable_size(memory));
    return memory;
}
static void qjs_free(void *heap, void *memory) {
    if (memory == NULL) return;
    ((struct qjs_heap *)heap)->bytes -= malloc_usable_size(memory);
    free(memory);
}
static void *qjs_realloc(void *heap, void *memory, size_t size) {
    size_t before = memory ? malloc_usable_size(memory) : 0;
    void *moved = realloc(memory, size);
    if (moved) {
        ((struct qjs_heap *)heap)->bytes -= before;
        qjs_count((struct qjs_heap *)heap, malloc_usable_size(moved));
    }
    return moved;
}
static size_t qjs_usable(const void *memory) { return malloc_usable_size((void *)memory); }
static inline JSRuntime *qjs_new_runtime(struct qjs_heap *heap) {
    static const JSMallocFunctions functions = {qjs_calloc, qjs_malloc, qjs_free, qjs_realloc, qjs_usable};
    return JS_NewRuntime2(&functions, heap);
}
