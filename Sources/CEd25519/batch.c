// A signature (R, S) of a message by the key A holds when S B = R + h A, with h = SHA-512(R, A, message). Of many, each
// equation times an unforeseeable weight z, the sum is checked:
//
//     (sum of z S) B = sum of z R + sum over the keys of (sum of z h) A
//
// One equation that does not hold leaves the sum right with a chance of 2^-128. The sum of z R is worked out with
// Pippenger's buckets: the weights are cut into digits, points with the same digit are added up, and each bucket's sum
// is counted as often as its digit says.
//
// What a key's owner alone could make, a signature whose R lies outside the group that B spans, may pass here and fail
// by itself; it says what its owner signed in both cases. Keys outside that group are not taken.
#include "ced25519.h"

#include <stdlib.h>

#include "group.h"
#include "scalar.h"

enum {
    DIGIT_BITS = 8,
    BUCKETS = 1 << (DIGIT_BITS - 1), // digits are signed: -127 to 128
    DIGITS = 128 / DIGIT_BITS + 1,
};

static const uint8_t base_bytes[32] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
};

static void cut(int16_t digits[DIGITS], const uint64_t weight[2]) {
    int carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        int at = i * DIGIT_BITS;
        int digit = (at < 128 ? (int)(weight[at / 64] >> (at % 64) & (2 * BUCKETS - 1)) : 0) + carry;
        carry = digit > BUCKETS;
        digits[i] = (int16_t)(carry ? digit - 2 * BUCKETS : digit);
    }
}

static point weighted_sum(const affine_addend *points, const int16_t (*digits)[DIGITS], size_t count) {
    point sum = neutral;
    for (int place = DIGITS - 1; place >= 0; place--) {
        for (int i = 0; i < DIGIT_BITS; i++) sum = twice(&sum);
        point buckets[BUCKETS];
        for (int i = 0; i < BUCKETS; i++) buckets[i] = neutral;
        for (size_t i = 0; i < count; i++) {
            int digit = digits[i][place];
            if (digit == 0) continue;
            point *bucket = &buckets[abs(digit) - 1];
            *bucket = add_affine(bucket, &points[i], digit < 0);
        }
        // The highest bucket is in every running sum, the lowest in one: so each counts as often as its digit.
        point running = neutral;
        for (int i = BUCKETS - 1; i >= 0; i--) {
            addend bucket = as_addend(&buckets[i]);
            running = add(&running, &bucket, false);
            addend so_far = as_addend(&running);
            sum = add(&sum, &so_far, false);
        }
    }
    return sum;
}

// Whether the sums agree; the three arrays are for it to work in.
static bool holds(
    const ced25519_key *keys, size_t key_count, const ced25519_claim *claims, size_t count,
    affine_addend *points, int16_t (*digits)[DIGITS], scalar_sum *of_key
) {
    scalar_sum of_base = {{0}};
    for (size_t i = 0; i < count; i++) {
        const ced25519_claim *claim = &claims[i];
        uint64_t s[4], hash[8];
        memcpy(s, claim->signature + 32, 32);
        memcpy(hash, claim->hash, 64);
        point r;
        if (claim->key >= key_count || !below_order(s) || !read_point(&r, claim->signature)) return false;
        fe plus = fe_add(&r.y, &r.x), minus = fe_sub(&r.y, &r.x);
        points[i] = (affine_addend){plus, minus, fe_mul(&r.t, &curve_2d)};
        cut(digits[i], claim->weight);
        add_product(&of_base, claim->weight, s, 4);
        add_product(&of_key[claim->key], claim->weight, hash, 8);
    }
    point right = weighted_sum(points, digits, count);
    for (size_t i = 0; i < key_count; i++) {
        point key;
        if (!read_point(&key, keys[i].bytes)) return false;
        point outside = times(&key, group_order);
        if (!same_point(&outside, &neutral)) return false;
        uint64_t scalar[4];
        reduce(scalar, &of_key[i]);
        point part = times(&key, scalar);
        addend share = as_addend(&part);
        right = add(&right, &share, false);
    }
    point base;
    if (!read_point(&base, base_bytes)) return false;
    uint64_t scalar[4];
    reduce(scalar, &of_base);
    point left = times(&base, scalar);
    return same_point(&left, &right);
}

bool ced25519_batch_holds(const ced25519_key *keys, size_t key_count, const ced25519_claim *claims, size_t count) {
    affine_addend *points = calloc(count, sizeof *points);
    int16_t (*digits)[DIGITS] = calloc(count, sizeof *digits);
    scalar_sum *of_key = calloc(key_count, sizeof *of_key);
    bool result = (count == 0 || (points && digits)) && (key_count == 0 || of_key)
        && holds(keys, key_count, claims, count, points, digits, of_key);
    free(points);
    free(digits);
    free(of_key);
    return result;
}
