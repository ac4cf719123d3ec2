// The secret patterns over a list of files, once by libyara in one automaton, as the scanner does it, and once by
// Vectorscan in prefilter mode with PCRE2 behind it: seconds to compile, megabytes a CPU-second, matches, memory.
//
//   secrets PATTERNS FILES     PATTERNS as patterns.py writes them, FILES one path a line
#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yara.h>

enum { patterns_max = 512, files_max = 100000, window = 4096 };

typedef struct {
    char id[80], expression[1024];
    int ignores_case;
    pcre2_code *code;
} pattern;

static pattern patterns[patterns_max];
static unsigned pattern_count;
static struct { uint8_t *bytes; size_t count; } files[files_max];
static unsigned file_count;
static size_t total;

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void report(const char *name, double compile, double scan, unsigned long matches, size_t bytes) {
    printf("%s: %.0f ms to compile, %.0f MB per CPU-second, %lu matches, %.1f MB of automaton\n", name,
           compile * 1e3, (double)total / 1e6 / scan, matches, (double)bytes / 1e6);
}

// MARK: libyara

static int on_yara(YR_SCAN_CONTEXT *context, int message, void *data, void *user) {
    if (message != CALLBACK_MSG_RULE_MATCHING) return CALLBACK_CONTINUE;
    YR_RULE *rule = data;
    YR_STRING *string;
    YR_MATCH *match;
    yr_rule_strings_foreach(rule, string) {
        yr_string_matches_foreach(context, string, match) ++*(unsigned long *)user;
    }
    return CALLBACK_CONTINUE;
}

static void yara(void) {
    double begin = seconds();
    YR_COMPILER *compiler;
    YR_RULES *rules;
    yr_initialize();
    yr_compiler_create(&compiler);
    for (unsigned index = 0; index < pattern_count; index++) {
        char text[1400];
        snprintf(text, sizeof text, "rule r%u { strings: $s = /%s/%s condition: $s }", index,
                 patterns[index].expression, patterns[index].ignores_case ? " nocase" : "");
        if (yr_compiler_add_string(compiler, text, NULL) != 0) exit(3);
    }
    if (yr_compiler_get_rules(compiler, &rules) != ERROR_SUCCESS) exit(3);
    double compiled = seconds();
    unsigned long matches = 0;
    for (unsigned index = 0; index < file_count; index++)
        if (yr_rules_scan_mem(rules, files[index].bytes, files[index].count, SCAN_FLAGS_NO_TRYCATCH, on_yara,
                              &matches, 60) != ERROR_SUCCESS)
            exit(3);
    double scanned = seconds();
    FILE *file = tmpfile();
    YR_STREAM stream = {file, NULL, (YR_STREAM_WRITE_FUNC)fwrite};
    yr_rules_save_stream(rules, &stream);
    report("libyara", compiled - begin, scanned - compiled, matches, (size_t)ftell(file));
}

// MARK: Vectorscan and PCRE2

typedef struct {
    unsigned file;
    size_t asked[patterns_max]; // up to where each pattern was confirmed in this file
    unsigned long candidates, matches;
    pcre2_match_data *data;
    pcre2_match_context *limits;
} state;

static int on_candidate(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *user) {
    (void)from;
    (void)flags;
    state *now = user;
    now->candidates++;
    size_t begin = to > window ? to - window : 0, end = to + window;
    if (end > files[now->file].count) end = files[now->file].count;
    if (begin < now->asked[id]) begin = now->asked[id];
    while (begin < end && pcre2_match(patterns[id].code, files[now->file].bytes, end, begin, PCRE2_NO_UTF_CHECK,
                                      now->data, now->limits) > 0) {
        now->matches++;
        begin = pcre2_get_ovector_pointer(now->data)[1];
    }
    if (end > now->asked[id]) now->asked[id] = end;
    return 0;
}

static void vectorscan(void) {
    double begin = seconds();
    const char *expressions[patterns_max];
    unsigned flags[patterns_max], ids[patterns_max];
    for (unsigned index = 0; index < pattern_count; index++) {
        int error;
        PCRE2_SIZE offset;
        expressions[index] = patterns[index].expression;
        ids[index] = index;
        flags[index] = HS_FLAG_PREFILTER | (patterns[index].ignores_case ? HS_FLAG_CASELESS : 0);
        patterns[index].code = pcre2_compile((PCRE2_SPTR)patterns[index].expression, PCRE2_ZERO_TERMINATED,
                                             patterns[index].ignores_case ? PCRE2_CASELESS : 0, &error, &offset, NULL);
        if (patterns[index].code == NULL) exit(3);
    }
    hs_database_t *database;
    hs_compile_error_t *problem;
    hs_scratch_t *scratch = NULL;
    if (hs_compile_multi(expressions, flags, ids, pattern_count, HS_MODE_BLOCK, NULL, &database, &problem) != 0 ||
        hs_alloc_scratch(database, &scratch) != 0)
        exit(3);
    double compiled = seconds();
    static state now;
    now.data = pcre2_match_data_create(8, NULL);
    now.limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(now.limits, 1000000);
    pcre2_set_depth_limit(now.limits, 1000);
    for (now.file = 0; now.file < file_count; now.file++) {
        memset(now.asked, 0, sizeof now.asked);
        if (hs_scan(database, (const char *)files[now.file].bytes, (unsigned)files[now.file].count, 0, scratch,
                    on_candidate, &now) != 0)
            exit(3);
    }
    double scanned = seconds();
    size_t size;
    hs_database_size(database, &size);
    report("Vectorscan and PCRE2", compiled - begin, scanned - compiled, now.matches, size);
    printf("of %lu candidates of Vectorscan\n", now.candidates);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    char line[8192];
    FILE *list = fopen(argv[1], "r");
    while (list && pattern_count < patterns_max && fgets(line, sizeof line, list)) {
        pattern *next = &patterns[pattern_count++];
        if (sscanf(line, "%79s\t%d\t%1023[^\n]", next->id, &next->ignores_case, next->expression) != 3) return 3;
    }
    list = fopen(argv[2], "r");
    while (list && file_count < files_max && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        FILE *file = fopen(line, "rb");
        if (!file) continue;
        fseek(file, 0, SEEK_END);
        files[file_count].count = (size_t)ftell(file);
        rewind(file);
        files[file_count].bytes = malloc(files[file_count].count + 1);
        files[file_count].count = fread(files[file_count].bytes, 1, files[file_count].count, file);
        total += files[file_count++].count;
        fclose(file);
    }
    printf("%u patterns, %u files, %.1f MB\n", pattern_count, file_count, (double)total / 1e6);
    yara();
    vectorscan();
    return 0;
}
