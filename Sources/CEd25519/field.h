// Numbers modulo p = 2^255 - 19, in five limbs of 51 bits.
//
// A result of `fe_mul` or `fe_square` has limbs below 2^51 + 2^13 ("tight"). What they take may have limbs below 2^54:
// the sum of two tight numbers (< 2^52.1), or a difference (< 2^53.6). `fe_sub` takes away at most 2^53 - 76 a limb.
#ifndef CED25519_FIELD_H
#define CED25519_FIELD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 wide;
typedef struct { uint64_t limb[5]; } fe;

static const uint64_t fe_mask = ((uint64_t)1 << 51) - 1;
static const fe fe_zero = {{0}};
static const fe fe_one = {{1}};

static inline fe fe_add(const fe *a, const fe *b) {
    fe r;
    for (int i = 0; i < 5; i++) r.limb[i] = a->limb[i] + b->limb[i];
    return r;
}

// a + 4p - b
static inline fe fe_sub(const fe *a, const fe *b) {
    fe r;
    r.limb[0] = a->limb[0] + (((uint64_t)1 << 53) - 76) - b->limb[0];
    for (int i = 1; i < 5; i++) r.limb[i] = a->limb[i] + (((uint64_t)1 << 53) - 4) - b->limb[i];
    return r;
}

static inline fe fe_carry(wide r0, wide r1, wide r2, wide r3, wide r4) {
    fe r;
    r1 += (uint64_t)(r0 >> 51);
    r2 += (uint64_t)(r1 >> 51);
    r3 += (uint64_t)(r2 >> 51);
    r4 += (uint64_t)(r3 >> 51);
    // The top product has no factor 19 in it, so this carry is below 2^60 and 19 times it fits.
    uint64_t low = ((uint64_t)r0 & fe_mask) + 19 * (uint64_t)(r4 >> 51);
    r.limb[0] = low & fe_mask;
    r.limb[1] = ((uint64_t)r1 & fe_mask) + (low >> 51);
    r.limb[2] = (uint64_t)r2 & fe_mask;
    r.limb[3] = (uint64_t)r3 & fe_mask;
    r.limb[4] = (uint64_t)r4 & fe_mask;
    return r;
}

static inline fe fe_mul(const fe *a, const fe *b) {
    const uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    const uint64_t b0 = b->limb[0], b1 = b->limb[1], b2 = b->limb[2], b3 = b->limb[3], b4 = b->limb[4];
    const uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    return fe_carry(
        (wide)a0 * b0 + (wide)a1 * c4 + (wide)a2 * c3 + (wide)a3 * c2 + (wide)a4 * c1,
        (wide)a0 * b1 + (wide)a1 * b0 + (wide)a2 * c4 + (wide)a3 * c3 + (wide)a4 * c2,
        (wide)a0 * b2 + (wide)a1 * b1 + (wide)a2 * b0 + (wide)a3 * c4 + (wide)a4 * c3,
        (wide)a0 * b3 + (wide)a1 * b2 + (wide)a2 * b1 + (wide)a3 * b0 + (wide)a4 * c4,
        (wide)a0 * b4 + (wide)a1 * b3 + (wide)a2 * b2 + (wide)a3 * b1 + (wide)a4 * b0);
}

static inline fe fe_square(const fe *a) {
    const uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    const uint64_t d0 = 2 * a0, d1 = 2 * a1, d2 = 2 * a2, c3 = 19 * a3, c4 = 19 * a4;
    return fe_carry(
        (wide)a0 * a0 + (wide)d1 * c4 + (wide)d2 * c3,
        (wide)d0 * a1 + (wide)d2 * c4 + (wide)a3 * c3,
        (wide)d0 * a2 + (wide)a1 * a1 + (wide)(2 * a3) * c4,
        (wide)d0 * a3 + (wide)d1 * a2 + (wide)a4 * c4,
        (wide)d0 * a4 + (wide)d1 * a3 + (wide)a2 * a2);
}

// a^(2^times) b
static inline fe fe_raise(const fe *a, int times, const fe *b) {
    fe r = *a;
    while (times-- > 0) r = fe_square(&r);
    return fe_mul(&r, b);
}

// The one spelling below p, little-endian.
static inline void fe_bytes(uint8_t out[32], const fe *a) {
    // Through a product with one, so that limbs are tight: then the number is below 2p.
    fe t = fe_mul(a, &fe_one);
    uint64_t above = (t.limb[0] + 19) >> 51;
    for (int i = 1; i < 5; i++) above = (t.limb[i] + above) >> 51;
    t.limb[0] += 19 * above;
    for (int i = 0; i < 4; i++) {
        t.limb[i + 1] += t.limb[i] >> 51;
        t.limb[i] &= fe_mask;
    }
    t.limb[4] &= fe_mask;
    uint64_t words[4] = {
        t.limb[0] | t.limb[1] << 51, t.limb[1] >> 13 | t.limb[2] << 38,
        t.limb[2] >> 26 | t.limb[3] << 25, t.limb[3] >> 39 | t.limb[4] << 12,
    };
    memcpy(out, words, 32);
}

// The low 255 bits; says whether they are the one spelling of their number.
static inline bool fe_read(fe *a, const uint8_t bytes[32]) {
    uint64_t words[4];
    memcpy(words, bytes, 32);
    a->limb[0] = words[0] & fe_mask;
    a->limb[1] = (words[0] >> 51 | words[1] << 13) & fe_mask;
    a->limb[2] = (words[1] >> 38 | words[2] << 26) & fe_mask;
    a->limb[3] = (words[2] >> 25 | words[3] << 39) & fe_mask;
    a->limb[4] = words[3] >> 12 & fe_mask;
    uint8_t again[32];
    fe_bytes(again, a);
    return memcmp(again, bytes, 31) == 0 && again[31] == (bytes[31] & 0x7f);
}

static inline bool fe_equal(const fe *a, const fe *b) {
    uint8_t left[32], right[32];
    fe_bytes(left, a);
    fe_bytes(right, b);
    return memcmp(left, right, 32) == 0;
}

static inline bool fe_is_odd(const fe *a) {
    uint8_t bytes[32];
    fe_bytes(bytes, a);
    return bytes[0] & 1;
}

// a^((p - 5) / 8) = a^(2^252 - 3), of which the square roots are made; `toN` is a^(2^N - 1)
static inline fe fe_root_power(const fe *a) {
    fe a2 = fe_square(a);
    fe a9 = fe_raise(&a2, 2, a);
    fe a11 = fe_mul(&a9, &a2);
    fe to5 = fe_raise(&a11, 1, &a9);
    fe to10 = fe_raise(&to5, 5, &to5);
    fe to20 = fe_raise(&to10, 10, &to10);
    fe to40 = fe_raise(&to20, 20, &to20);
    fe to50 = fe_raise(&to40, 10, &to10);
    fe to100 = fe_raise(&to50, 50, &to50);
    fe to200 = fe_raise(&to100, 100, &to100);
    fe to250 = fe_raise(&to200, 50, &to50);
    return fe_raise(&to250, 2, a);
}

#endif
