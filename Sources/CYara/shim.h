#pragma once
#include <yara.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>

// The iteration macros of libyara do not import into Swift; these few lines call back once for each match.

typedef struct {
    const char *rule;      // the rule's identifier
    const char *string_id; // the string's identifier
    int64_t offset;
    int32_t length;
} cyara_match;

typedef void (*cyara_match_callback)(const cyara_match *match, void *user);
typedef void (*cyara_meta_callback)(
    const char *rule, const char *name, const char *text, int64_t number, int is_text, void *user);

typedef struct {
    cyara_match_callback callback;
    void *user;
    int too_many;
} cyara_state;

static inline int cyara_on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user) {
    cyara_state *state = (cyara_state *)user;
    if (message == CALLBACK_MSG_TOO_MANY_MATCHES) {
        state->too_many = 1;
        return CALLBACK_CONTINUE;
    }
    if (message != CALLBACK_MSG_RULE_MATCHING) return CALLBACK_CONTINUE;
    YR_RULE *rule = (YR_RULE *)data;
    YR_STRING *string;
    YR_MATCH *match;
    int seen = 0;
    yr_rule_strings_foreach(rule, string) {
        yr_string_matches_foreach(context, string, match) {
            cyara_match found = {rule->identifier, string->identifier, match->base + match->offset,
                                 match->match_length};
            state->callback(&found, state->user);
            seen = 1;
        }
    }
    if (!seen) {
        cyara_match found = {rule->identifier, "", 0, 0};
        state->callback(&found, state->user);
    }
    return CALLBACK_CONTINUE;
}

// Returns libyara's error code; ERROR_TOO_MANY_MATCHES as well where it was only told by a message.
static inline int cyara_scan(
    YR_RULES *rules, const uint8_t *bytes, size_t count, int timeout_seconds, cyara_match_callback callback,
    void *user) {
    cyara_state state = {callback, user, 0};
    // No signal handlers of libyara's: the worker's seccomp list decides about signals.
    int result = yr_rules_scan_mem(
        rules, bytes, count, SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING, cyara_on_message, &state,
        timeout_seconds);
    if (result == ERROR_SUCCESS && state.too_many) return ERROR_TOO_MANY_MATCHES;
    return result;
}

static inline void cyara_each_meta(YR_RULES *rules, cyara_meta_callback callback, void *user) {
    YR_RULE *rule;
    YR_META *meta;
    yr_rules_foreach(rules, rule) {
        yr_rule_metas_foreach(rule, meta) {
            int is_text = meta->type == META_TYPE_STRING;
            callback(rule->identifier, meta->identifier, is_text ? meta->string : NULL, meta->integer, is_text, user);
        }
    }
}

static inline const char *cyara_version(void) { return YR_VERSION; }
