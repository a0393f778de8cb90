/* blob_repair.h - make the checksums of damaged bytes right again, so that the
 * checks behind them are reached. */
#ifndef TESTS_BLOB_REPAIR_H
#define TESTS_BLOB_REPAIR_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/crc32c.h"
#include "runtime/policy/format.h"

/* One for a whole program of tests. */
static struct crc32c blob_repair_crc;

static inline void blob_repair(uint8_t *bytes, size_t length)
{
	struct crc32c crc = blob_repair_crc;

	if (crc.sum == NULL)
		crc = blob_repair_crc = crc32c_best();
	if (length < HEADER_BYTES)
		return;

	uint32_t sections = get_u32le(bytes + HEADER_SECTIONS);

	if (sections > FORMAT_MAX_SECTIONS ||
	    HEADER_BYTES + ENTRY_BYTES * (size_t)sections > length)
		return;
	for (uint32_t i = 0; i < sections; i++) {
		uint8_t *entry = bytes + HEADER_BYTES + ENTRY_BYTES * (size_t)i;
		uint64_t offset = get_u64le(entry + ENTRY_OFFSET);
		uint64_t n = get_u64le(entry + ENTRY_LENGTH);

		if (offset <= length && n <= length - offset)
			put_u32le(entry + ENTRY_CRC,
				  crc.sum(0, bytes + offset, n));
	}
	put_u64le(bytes + HEADER_LENGTH, length);
	put_u32le(bytes + HEADER_CRC, 0);
	put_u32le(bytes + HEADER_CRC,
		  crc.sum(0, bytes,
			  HEADER_BYTES + ENTRY_BYTES * (size_t)sections));
}

/* The table's entry for TYPE, or NULL. */
static inline uint8_t *blob_entry_of(uint8_t *bytes, uint32_t type)
{
	uint32_t sections = get_u32le(bytes + HEADER_SECTIONS);

	for (uint32_t i = 0; i < sections; i++) {
		uint8_t *entry = bytes + HEADER_BYTES + ENTRY_BYTES * (size_t)i;

		if (get_u32le(entry + ENTRY_TYPE) == type)
			return entry;
	}
	return NULL;
}

#endif
