// Sums of products of scalars, kept whole and reduced once: modulo the group's order
// L = 2^252 + 27742317777372353535851937790883648493.
#ifndef CED25519_SCALAR_H
#define CED25519_SCALAR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// 704 bits: a weight (128) times a hash (512) leaves room for 2^64 of them.
enum { SUM_WORDS = 11 };
typedef struct { uint64_t word[SUM_WORDS]; } scalar_sum;

static const uint64_t group_order[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

static inline bool below_order(const uint64_t a[4]) {
    for (int i = 3; i >= 0; i--)
        if (a[i] != group_order[i]) return a[i] < group_order[i];
    return false;
}

static inline void add_product(scalar_sum *sum, const uint64_t weight[2], const uint64_t *factor, int words) {
    for (int i = 0; i < 2; i++) {
        unsigned __int128 carry = 0;
        for (int j = 0; i + j < SUM_WORDS; j++) {
            if (j >= words && carry == 0) break;
            carry += sum->word[i + j];
            if (j < words) {
                // The product and both carries fit: (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
                carry += (unsigned __int128)weight[i] * factor[j];
            }
            sum->word[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
    }
}

// Long division, a bit at a time: done a few times a batch.
static inline void reduce(uint64_t out[4], const scalar_sum *sum) {
    uint64_t rest[4] = {0};
    for (int bit = SUM_WORDS * 64 - 1; bit >= 0; bit--) {
        for (int i = 3; i > 0; i--) rest[i] = rest[i] << 1 | rest[i - 1] >> 63;
        rest[0] = rest[0] << 1 | (sum->word[bit / 64] >> (bit % 64) & 1);
        if (below_order(rest)) continue;
        unsigned __int128 borrow = 0;
        for (int i = 0; i < 4; i++) {
            unsigned __int128 difference = (unsigned __int128)rest[i] - group_order[i] - (uint64_t)borrow;
            rest[i] = (uint64_t)difference;
            borrow = difference >> 127;
        }
    }
    memcpy(out, rest, sizeof rest);
}

#endif
