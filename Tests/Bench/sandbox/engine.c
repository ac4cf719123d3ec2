// The engine alone, unconfined, with nothing of the runner's: reads a function's body in a line, calls it twice, and
// answers the processor milliseconds that the second call took, as the runner's first call is not counted either.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quickjs.h"

static double processor_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

int main(void) {
    static char body[1 << 16], source[1 << 17];
    if (!fgets(body, sizeof body, stdin)) return 1;
    int length = snprintf(source, sizeof source, "(function () { %s })()", body);
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = JS_NewContext(runtime);
    double took = 0;
    for (int round = 0; round < 2; round++) {
        double from = processor_ms();
        JSValue value = JS_Eval(context, source, (size_t)length, "bench", JS_EVAL_TYPE_GLOBAL);
        took = processor_ms() - from;
        if (JS_IsException(value)) return 1;
        JS_FreeValue(context, value);
    }
    printf("%.3f\n", took);
    fflush(stdout);
    return getchar();
}
