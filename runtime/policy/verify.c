/* verify.c - the frame: header, section table, checksums; then each part in
 * turn.  What a section holds is verify_records.c's and verify_hosts.c's. */
#include "verify.h"

#include "crc32c.h"
#include "format.h"

/* What this program expects of the sections that it knows. */
struct expected {
	uint32_t stride; /* least bytes a record; 0: not made of records */
	bool optional;
	bool cold;
};

static const struct expected expected[SECTION_KNOWN] = {
	[SECTION_META] = {META_BYTES, false, false},
	[SECTION_RULE] = {RULE_BYTES, false, false},
	[SECTION_ROLE] = {0, false, false},
	[SECTION_TOPS] = {TOPS_MIN_BYTES, false, false},
	[SECTION_NODE] = {0, false, false},
	[SECTION_POST] = {0, false, false},
	[SECTION_MITM] = {MITM_BYTES, false, false},
	[SECTION_MITM_ORDER] = {4, false, false},
	[SECTION_HEAD] = {HEAD_BYTES, false, false},
	[SECTION_ADDR] = {0, false, false},
	[SECTION_RANGE] = {RANGE_BYTES, false, false},
	[SECTION_NAT64] = {RANGE_BYTES, false, false},
	[SECTION_STRS] = {0, false, false},
	[SECTION_NODEMAP] = {0, false, true},
	[SECTION_POSTMAP] = {0, false, true},
	[SECTION_ORDER] = {0, true, true},
	[SECTION_FILES] = {0, true, true},
	[SECTION_LINES] = {0, true, true},
	[SECTION_RULE_LINES] = {4, true, true},
	[SECTION_RANGE_LINES] = {8, true, true},
};

_Static_assert(SECTION_KNOWN <= BLOB_SECTION_SLOTS, "a slot for each section");

static enum blob_error refuse(struct blob *blob, enum blob_error error,
			      const char *damage)
{
	blob->damage = damage;
	return error;
}

static enum blob_error damaged(struct blob *blob, const char *damage)
{
	return refuse(blob, BLOB_DAMAGED, damage);
}

/* CRC32C of the header and the table, the sum's own field taken as zero. */
static uint32_t header_crc(struct crc32c crc, const uint8_t *bytes,
			   size_t length)
{
	static const uint8_t zero[4];
	uint32_t sum = crc.sum(0, bytes, HEADER_CRC);

	sum = crc.sum(sum, zero, sizeof(zero));
	return crc.sum(sum, bytes + HEADER_CRC + 4, length - HEADER_CRC - 4);
}

static enum blob_error verify_header(struct blob *blob, struct crc32c crc,
				     uint32_t *sections)
{
	const uint8_t *p = blob->bytes;

	if (!blob_is_blob(p, blob->length))
		return refuse(blob, BLOB_NOT_A_BLOB, "header: no magic");
	if (blob->length < HEADER_BYTES)
		return refuse(blob, BLOB_TRUNCATED, "header: cut short");
	if (get_u16le(p + HEADER_MAJOR) != FORMAT_MAJOR)
		return refuse(blob, BLOB_VERSION, "header: major version");
	if (get_u32le(p + HEADER_BYTE_ORDER) != FORMAT_BYTE_ORDER)
		return refuse(blob, BLOB_VERSION, "header: byte order");
	if (get_u64le(p + HEADER_REQUIRED) & ~(uint64_t)FORMAT_FEATURES)
		return refuse(blob, BLOB_VERSION,
			      "header: a required feature is not known");
	if (get_u64le(p + HEADER_LENGTH) > blob->length)
		return refuse(blob, BLOB_TRUNCATED, "file: cut short");
	if (get_u64le(p + HEADER_LENGTH) < blob->length)
		return damaged(blob, "file: longer than its header says");
	*sections = get_u32le(p + HEADER_SECTIONS);
	if (*sections > FORMAT_MAX_SECTIONS)
		return damaged(blob, "header: too many sections");

	size_t table = HEADER_BYTES + ENTRY_BYTES * (size_t)*sections;

	if (table > blob->length)
		return damaged(blob, "section table: beyond the end");
	if (get_u32le(p + HEADER_CRC) != header_crc(crc, p, table))
		return refuse(blob, BLOB_CHECKSUM, "header: checksum");
	if (get_u64le(p + HEADER_RESERVED) != 0)
		return damaged(blob, "header: reserved field is not zero");
	return BLOB_OK;
}

static bool all_zero(const uint8_t *p, uint64_t n)
{
	uint8_t any = 0;

	while (n-- > 0)
		any |= *p++;
	return any == 0;
}

/* A section that this program knows: its flags, and the size of its records. */
static enum blob_error admit_section(struct blob *blob, const uint8_t *entry,
				     const struct blob_section *section)
{
	uint32_t type = get_u32le(entry + ENTRY_TYPE);
	const struct expected *e = &expected[type];
	struct blob_section *slot = &blob->section[type];

	if (slot->p != NULL)
		return damaged(blob, "section table: a type twice");
	if (((get_u16le(entry + ENTRY_FLAGS) & SECTION_COLD) != 0) != e->cold)
		return damaged(blob, "section table: a section's flags");
	*slot = *section;
	if (e->stride == 0)
		return BLOB_OK;
	if (slot->count == 0) {
		if (slot->length != 0)
			return damaged(blob, "section: bytes but no records");
		slot->stride = e->stride;
		return BLOB_OK;
	}
	if (slot->length % slot->count != 0 ||
	    slot->length / slot->count < e->stride ||
	    slot->length / slot->count > UINT32_MAX)
		return damaged(blob, "section: size of its records");
	slot->stride = (uint32_t)(slot->length / slot->count);
	return BLOB_OK;
}

static enum blob_error verify_sections(struct blob *blob, struct crc32c crc,
				       uint32_t sections)
{
	uint64_t end = HEADER_BYTES + ENTRY_BYTES * (uint64_t)sections;
	bool cold = false;

	for (uint32_t i = 0; i < sections; i++) {
		const uint8_t *entry =
			blob->bytes + HEADER_BYTES + ENTRY_BYTES * (size_t)i;
		uint32_t type = get_u32le(entry + ENTRY_TYPE);
		uint16_t flags = get_u16le(entry + ENTRY_FLAGS);
		uint64_t offset = get_u64le(entry + ENTRY_OFFSET);
		struct blob_section section = {
			.length = get_u64le(entry + ENTRY_LENGTH),
			.count = get_u32le(entry + ENTRY_COUNT),
		};

		if (offset % FORMAT_ALIGN != 0 || offset < end ||
		    offset - end >= FORMAT_ALIGN)
			return damaged(blob,
				       "section table: a section's place");
		if (offset > blob->length ||
		    section.length > blob->length - offset)
			return damaged(blob, "section table: beyond the end");
		if (!all_zero(blob->bytes + end, offset - end))
			return damaged(blob, "padding is not zero");
		if (cold && !(flags & SECTION_COLD))
			return damaged(blob, "section table: hot after cold");
		cold = flags & SECTION_COLD;
		section.p = blob->bytes + offset;
		end = offset + section.length;
		if (crc.sum(0, section.p, section.length) !=
		    get_u32le(entry + ENTRY_CRC))
			return refuse(blob, BLOB_CHECKSUM, "section: checksum");
		if (type == 0 || type >= SECTION_KNOWN) {
			if (flags & SECTION_REQUIRED)
				return refuse(
					blob, BLOB_VERSION,
					"a required section is not known");
			continue;
		}

		enum blob_error error = admit_section(blob, entry, &section);

		if (error != BLOB_OK)
			return error;
	}
	if (blob->length - end >= FORMAT_ALIGN ||
	    blob->length % FORMAT_ALIGN != 0 ||
	    !all_zero(blob->bytes + end, blob->length - end))
		return damaged(blob, "file: bytes after the last section");
	for (uint32_t type = 1; type < SECTION_KNOWN; type++)
		if (!expected[type].optional && blob->section[type].p == NULL)
			return damaged(blob, "a section is missing");
	return BLOB_OK;
}

static const char *verify_meta(struct blob *blob)
{
	const struct blob_section *meta = &blob->section[SECTION_META];

	if (meta->count != 1)
		return "META: not one record";
	if (get_u32le(meta->p + META_LISTS) > FORMAT_MAX_LISTS)
		return "META: too many lists";
	if (get_u32le(meta->p + META_ID_BYTES) !=
	    (get_u32le(meta->p + META_LISTS) <= 65536 ? 2 : 4))
		return "META: size of list ids";
	if (get_u32le(meta->p + META_HASH) != FORMAT_HASH)
		return "META: hash version";
	return NULL;
}

/* The host table as lookups see it.  Its root is read after verification. */
static void view_hosts(struct blob *blob)
{
	const uint8_t *meta = blob->section[SECTION_META].p;
	struct hosts *hosts = &blob->hosts;

	hosts->node = blob->section[SECTION_NODE].p;
	hosts->post = blob->section[SECTION_POST].p;
	hosts->tops = blob->section[SECTION_TOPS].p;
	hosts->top_bytes = blob->section[SECTION_TOPS].stride;
	hosts->lists = get_u32le(meta + META_LISTS);
	hosts->id_bytes = get_u32le(meta + META_ID_BYTES);
	hosts->singles = get_u32le(meta + META_SINGLES);
}

/* see verify.h */
enum blob_error blob_verify(struct blob *blob, const uint8_t *bytes,
			    size_t length)
{
	static const char *(*const parts[])(const struct blob *) = {
		verify_postings, verify_hosts,  verify_rules,
		verify_mitm,     verify_ranges, verify_source_map,
	};
	struct crc32c crc = crc32c_best();
	uint32_t sections;

	memset(blob, 0, sizeof(*blob));
	if (length > FORMAT_MAX_BYTES)
		return refuse(blob, BLOB_TOO_LARGE, "file: too large");
	blob->bytes = bytes;
	blob->length = length;

	enum blob_error error = verify_header(blob, crc, &sections);

	if (error == BLOB_OK)
		error = verify_sections(blob, crc, sections);
	if (error != BLOB_OK)
		return error;

	const char *damage = verify_meta(blob);

	if (damage != NULL)
		return damaged(blob, damage);
	view_hosts(blob);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		damage = parts[i](blob);
		if (damage != NULL)
			return damaged(blob, damage);
	}
	hosts_view_root(&blob->hosts);
	if (!ranges_open(&blob->ranges, blob->section[SECTION_ADDR].p,
			 blob->section[SECTION_ADDR].length))
		return damaged(blob, "ADDR: the address table");
	return BLOB_OK;
}
