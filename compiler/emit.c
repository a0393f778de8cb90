/* emit.c - see emit.h: sections in order, checksums, digests, and at last the
 * reader's own verification: what a proxy would refuse is never handed out. */
#include "emit.h"

#include <bearssl.h>
#include <stdlib.h>

#include "emit_sections.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/crc32c.h"

static bool is_cold(uint32_t type)
{
	return type >= SECTION_NODEMAP;
}

/* The sections that trie_build() made. */
static void take_trie(struct emit *emit)
{
	struct trie *trie = &emit->trie;
	const struct {
		struct buffer *bytes;
		enum section_type type;
		uint32_t count;
	} parts[] = {
		{&trie->tops, SECTION_TOPS, trie->top_count},
		{&trie->nodes, SECTION_NODE, trie->node_count},
		{&trie->posts, SECTION_POST, trie->post_count},
		{&trie->node_map, SECTION_NODEMAP, 0},
		{&trie->post_map, SECTION_POSTMAP, 0},
		{&trie->order, SECTION_ORDER, trie->order_count},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct emit_section *section = &emit->section[parts[i].type];

		section->present = true;
		section->count = parts[i].count;
		section->bytes = *parts[i].bytes;
		*parts[i].bytes = (struct buffer){NULL, 0, 0};
	}
}

static void digest_section(br_sha256_context *sha, uint32_t type,
			   const struct emit_section *section)
{
	uint8_t head[16];

	put_u32le(head, type);
	put_u32le(head + 4, section->count);
	put_u64le(head + 8, section->bytes.n);
	br_sha256_update(sha, head, sizeof(head));
	br_sha256_update(sha, section->bytes.p, section->bytes.n);
}

/* The policy's identity: all that a decision can depend on.  The full digest
 * continues it with the cold sections. */
static void write_digests(const struct emit *emit, uint8_t *header)
{
	br_sha256_context sha;

	br_sha256_init(&sha);
	for (uint32_t type = 1; type < SECTION_NODEMAP; type++)
		if (emit->section[type].present)
			digest_section(&sha, type, &emit->section[type]);
	br_sha256_out(&sha, header + HEADER_SEMANTIC);
	br_sha256_init(&sha);
	br_sha256_update(&sha, header + HEADER_SEMANTIC, FORMAT_DIGEST_BYTES);
	for (uint32_t type = SECTION_NODEMAP; type < SECTION_KNOWN; type++)
		if (emit->section[type].present)
			digest_section(&sha, type, &emit->section[type]);
	br_sha256_out(&sha, header + HEADER_FULL);
}

static uint64_t align_up(uint64_t n)
{
	return (n + FORMAT_ALIGN - 1) / FORMAT_ALIGN * FORMAT_ALIGN;
}

static void write_entry(uint8_t *entry, struct crc32c crc, uint32_t type,
			uint64_t offset, const struct emit_section *section)
{
	put_u32le(entry + ENTRY_TYPE, type);
	put_u16le(entry + ENTRY_FLAGS, is_cold(type) ? SECTION_COLD : 0);
	put_u16le(entry + ENTRY_ALIGN,
		  (uint16_t)__builtin_ctz((unsigned)FORMAT_ALIGN));
	put_u64le(entry + ENTRY_OFFSET, offset);
	put_u64le(entry + ENTRY_LENGTH, section->bytes.n);
	put_u32le(entry + ENTRY_COUNT, section->count);
	put_u32le(entry + ENTRY_CRC,
		  crc.sum(0, section->bytes.p, section->bytes.n));
}

static void write_header(const struct emit *emit, struct crc32c crc, uint8_t *p,
			 uint64_t length, uint32_t sections)
{
	static const uint8_t magic[FORMAT_MAGIC_BYTES] = FORMAT_MAGIC;

	memcpy(p + HEADER_MAGIC, magic, sizeof(magic));
	put_u16le(p + HEADER_MAJOR, FORMAT_MAJOR);
	put_u16le(p + HEADER_MINOR, FORMAT_MINOR);
	put_u32le(p + HEADER_BYTE_ORDER, FORMAT_BYTE_ORDER);
	put_u64le(p + HEADER_LENGTH, length);
	put_u64le(p + HEADER_REQUIRED, emit->required);
	put_u32le(p + HEADER_SECTIONS, sections);
	write_digests(emit, p);
	/* the sum's own field is still zero */
	put_u32le(p + HEADER_CRC,
		  crc.sum(0, p, HEADER_BYTES + ENTRY_BYTES * (size_t)sections));
}

/* All sections behind one another; *LENGTH is what it took. */
static uint8_t *assemble(struct emit *emit, size_t *length)
{
	struct crc32c crc = crc32c_best();
	uint32_t sections = 0;

	for (uint32_t type = 1; type < SECTION_KNOWN; type++)
		sections += emit->section[type].present;

	uint64_t head =
		align_up(HEADER_BYTES + ENTRY_BYTES * (uint64_t)sections);
	uint64_t total = head;

	for (uint32_t type = 1; type < SECTION_KNOWN; type++)
		if (emit->section[type].present)
			total += align_up(emit->section[type].bytes.n);
	if (total > FORMAT_MAX_BYTES) {
		emit->why = "the compiled policy is larger than 1 GiB";
		return NULL;
	}

	uint8_t *bytes = aligned_alloc(FORMAT_ALIGN, total);

	if (bytes == NULL) {
		emit->why = "out of memory";
		return NULL;
	}
	memset(bytes, 0, head);

	uint64_t at = head;
	uint8_t *entry = bytes + HEADER_BYTES;

	for (uint32_t type = 1; type < SECTION_KNOWN; type++) {
		const struct emit_section *section = &emit->section[type];
		size_t n = section->bytes.n;

		if (!section->present)
			continue;
		write_entry(entry, crc, type, at, section);
		entry += ENTRY_BYTES;
		if (n > 0)
			memcpy(bytes + at, section->bytes.p, n);
		memset(bytes + at + n, 0, align_up(n) - n);
		at += align_up(n);
	}
	write_header(emit, crc, bytes, total, sections);
	*length = total;
	return bytes;
}

static uint8_t *verified(struct emit *emit, uint8_t *bytes, size_t length)
{
	struct blob blob;

	if (blob_wrap(&blob, bytes, length) == BLOB_OK)
		return bytes;
	emit->why = blob.damage != NULL ? blob.damage : "not verified";
	free(bytes);
	return NULL;
}

/* see emit.h */
uint8_t *emit_blob(const struct canonical *policy, bool strip, size_t *length,
		   const char **why)
{
	struct emit emit = {.policy = policy};
	uint8_t *bytes = NULL;

	*length = 0;
	if (policy->list_count > FORMAT_MAX_LISTS)
		emit.why = "too many lists";
	else
		trie_build(&emit.trie, policy, &emit.why);
	if (emit.why == NULL) {
		emit_meta(&emit);
		emit_rules(&emit);
		emit_roles(&emit);
		emit_mitm(&emit);
		emit_addresses(&emit);
		emit_strings(&emit);
		take_trie(&emit);
	}
	if (emit.why == NULL && !strip)
		emit_lines(&emit);
	if (emit.why == NULL)
		bytes = assemble(&emit, length);
	if (bytes != NULL)
		bytes = verified(&emit, bytes, *length);
	trie_free(&emit.trie);
	for (uint32_t type = 1; type < SECTION_KNOWN; type++)
		buffer_free(&emit.section[type].bytes);
	intern_free(&emit.strings);
	*why = emit.why;
	return bytes;
}
