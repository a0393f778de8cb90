/* blob-internal.h - records and strings of a verified blob. */
#ifndef POLICY_BLOB_INTERNAL_H
#define POLICY_BLOB_INTERNAL_H

#include "blob.h"
#include "format.h"

static inline const uint8_t *blob_record(const struct blob *blob,
					 enum section_type type, uint32_t i)
{
	const struct blob_section *section = &blob->section[type];

	return section->p + (uint64_t)section->stride * i;
}

/* The string whose u32 offset and u16 length are at these places. */
static inline struct str blob_string(const struct blob *blob,
				     const uint8_t *offset,
				     const uint8_t *length)
{
	const uint8_t *strs = blob->section[SECTION_STRS].p;

	return str_make((const char *)strs + get_u32le(offset),
			get_u16le(length));
}

#endif
