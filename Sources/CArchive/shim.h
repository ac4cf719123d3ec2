#pragma once
#include <archive.h>
#include <archive_entry.h>

#include <malloc.h>

// Large blocks go back to the system when they are freed: what one file needed is not held while the next is read.
static inline void carchive_give_back_large_blocks(void) { mallopt(M_MMAP_THRESHOLD, 1 << 20); }
