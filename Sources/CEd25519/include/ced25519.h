// Many Ed25519 signatures (RFC 8032) checked as one equation, which costs a fraction of checking each.
//
// Only public bytes come here, so nothing hides how long it takes. And only a yes is used: where the batch does not
// hold, or anything in it is out of the ordinary, each signature is verified by itself with the library that every
// other signature is verified with. So a slip in this arithmetic makes a check slow; to make a bad signature pass it
// would have to hit one point of 2^252.
#ifndef CED25519_H
#define CED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { uint8_t bytes[32]; } ced25519_key;

typedef struct {
    uint8_t signature[64];
    uint8_t hash[64];   // SHA-512 over the signature's first half, the public key and the message
    uint64_t weight[2]; // 128 bits that nobody who made a signature could foresee
    uint32_t key;       // the place of the signer's key among `keys`
} ced25519_claim;

// Whether every claim holds. `false` says nothing about which does not, nor whether memory sufficed.
bool ced25519_batch_holds(const ced25519_key *keys, size_t key_count, const ced25519_claim *claims, size_t count);

#endif
