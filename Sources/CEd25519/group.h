// The curve -x^2 + y^2 = 1 + d x^2 y^2 over the field, in the extended coordinates of Hisil, Wong, Carter and Dawson
// (2008): x = X/Z, y = Y/Z, T = XY/Z. Their formulas are complete on this curve: no point is a special case.
#ifndef CED25519_GROUP_H
#define CED25519_GROUP_H

#include "field.h"

typedef struct { fe x, y, z, t; } point;
// A point as the right side of an addition: Y + X, Y - X, 2Z and 2dT, so that its negative is a swap away.
typedef struct { fe plus, minus, z2, t2d; } addend;
// The same of a point with Z = 1.
typedef struct { fe plus, minus, t2d; } affine_addend;

static const fe curve_d = {{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
static const fe curve_2d = {{0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
static const fe root_of_minus_one = {{0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};
static const point neutral = {{{0}}, {{1}}, {{1}}, {{0}}};

static inline fe tight(const fe *a) { return fe_mul(a, &fe_one); }

static inline addend as_addend(const point *p) {
    addend r;
    fe plus = fe_add(&p->y, &p->x), minus = fe_sub(&p->y, &p->x);
    r.plus = plus;
    r.minus = minus;
    r.z2 = fe_add(&p->z, &p->z);
    r.t2d = fe_mul(&p->t, &curve_2d);
    return r;
}

// The sum of p and an addend, given twice the product of both Z. Of a negative one the two halves change places, and what
// would be added of T is taken away.
static inline point sum_of(
    const point *p, const fe *plus2, const fe *minus2, const fe *t2d, const fe *d, bool negative
) {
    fe minus = fe_sub(&p->y, &p->x), plus = fe_add(&p->y, &p->x);
    fe a = fe_mul(&minus, negative ? plus2 : minus2);
    fe b = fe_mul(&plus, negative ? minus2 : plus2);
    fe c = fe_mul(&p->t, t2d);
    fe e = fe_sub(&b, &a), h = fe_add(&b, &a);
    fe less = fe_sub(d, &c), more = fe_add(d, &c);
    const fe *f = negative ? &more : &less, *g = negative ? &less : &more;
    return (point){fe_mul(&e, f), fe_mul(g, &h), fe_mul(f, g), fe_mul(&e, &h)};
}

static inline point add(const point *p, const addend *q, bool negative) {
    fe d = fe_mul(&p->z, &q->z2);
    return sum_of(p, &q->plus, &q->minus, &q->t2d, &d, negative);
}

static inline point add_affine(const point *p, const affine_addend *q, bool negative) {
    fe d = fe_add(&p->z, &p->z);
    return sum_of(p, &q->plus, &q->minus, &q->t2d, &d, negative);
}

static inline point twice(const point *p) {
    fe a = fe_square(&p->x), b = fe_square(&p->y), z = fe_square(&p->z);
    fe c = fe_add(&z, &z), h = fe_add(&a, &b), sum = fe_add(&p->x, &p->y);
    fe s = fe_square(&sum);
    fe e = fe_sub(&h, &s), g = fe_sub(&a, &b), f = fe_add(&c, &g);
    return (point){fe_mul(&e, &f), fe_mul(&g, &h), fe_mul(&f, &g), fe_mul(&e, &h)};
}

// A multiple of a point, for the few that are needed of each batch.
static inline point times(const point *p, const uint64_t scalar[4]) {
    addend self = as_addend(p);
    point r = neutral;
    for (int bit = 255; bit >= 0; bit--) {
        r = twice(&r);
        if (scalar[bit / 64] >> (bit % 64) & 1) r = add(&r, &self, false);
    }
    return r;
}

static inline bool same_point(const point *p, const point *q) {
    fe a = fe_mul(&p->x, &q->z), b = fe_mul(&q->x, &p->z);
    fe c = fe_mul(&p->y, &q->z), d = fe_mul(&q->y, &p->z);
    return fe_equal(&a, &b) && fe_equal(&c, &d);
}

// RFC 8032, 5.1.3: y and the sign of x. Only the one spelling of a point is read.
static inline bool read_point(point *p, const uint8_t bytes[32]) {
    bool is_odd = bytes[31] >> 7;
    fe y;
    if (!fe_read(&y, bytes)) return false;
    fe square = fe_square(&y);
    fe u = fe_sub(&square, &fe_one);
    fe v = fe_mul(&square, &curve_d);
    v = fe_add(&v, &fe_one);
    fe u_tight = tight(&u);
    // x = u v^3 (u v^7)^((p - 5) / 8), or that times the root of minus one
    fe v2 = fe_square(&v);
    fe v3 = fe_mul(&v2, &v);
    fe uv3 = fe_mul(&u_tight, &v3);
    fe v4 = fe_square(&v2);
    fe uv7 = fe_mul(&uv3, &v4);
    fe power = fe_root_power(&uv7);
    fe x = fe_mul(&uv3, &power);
    fe x2 = fe_square(&x);
    fe vx2 = fe_mul(&v, &x2);
    if (!fe_equal(&vx2, &u_tight)) {
        fe minus_u = fe_sub(&fe_zero, &u_tight);
        if (!fe_equal(&vx2, &minus_u)) return false;
        x = fe_mul(&x, &root_of_minus_one);
    }
    if (fe_is_odd(&x) != is_odd) {
        if (fe_equal(&x, &fe_zero)) return false;
        fe minus_x = fe_sub(&fe_zero, &x);
        x = tight(&minus_x);
    }
    *p = (point){x, y, fe_one, fe_mul(&x, &y)};
    return true;
}

#endif
