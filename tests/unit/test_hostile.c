/* test_hostile.c - damaged and hostile blobs between guard pages: a clean
 * refusal or a policy that can be asked anything, never a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "blob_exercise.h"
#include "blob_repair.h"
#include "policy_fixture.h"

/* Room whose end is the end of a mapped page. */
struct guarded {
	uint8_t *map;
	size_t room;
	size_t page;
};

static void guarded_init(struct guarded *g, size_t most)
{
	g->page = (size_t)sysconf(_SC_PAGESIZE);
	g->room = (most + g->page - 1) / g->page * g->page;
	g->map = mmap(NULL, g->room + 2 * g->page, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g->map, MAP_FAILED);
	assert_int_equal(
		mprotect(g->map + g->page, g->room, PROT_READ | PROT_WRITE), 0);
}

static void guarded_fini(struct guarded *g)
{
	munmap(g->map, g->room + 2 * g->page);
}

/* BYTES placed so that the last is the last that can be read. */
static uint8_t *guarded_copy(const struct guarded *g, const uint8_t *bytes,
			     size_t length)
{
	uint8_t *p = g->map + g->page + g->room - length;

	memcpy(p, bytes, length);
	return p;
}

static uint8_t *sample(size_t *length, unsigned globs)
{
	static struct header headers[] = {{{"X-A", 3}, {"one", 3}}};
	static const char *const names[] = {
		"example.com",         "*.example.com",
		"api.example.com",     "*.com",
		"localhost",           "1.2.3.4",
		"x.y.z.w.example.org", "*.example.org",
		"2001:db8::1",         "com"};
	struct fixture f = {0};
	char text[64];

	fixture_rule(&f, "alpha", "project a", RULE_REPORT);
	fixture_rule(&f, "beta", "project b", RULE_OPEN);
	fixture_rule(&f, "", "project c", RULE_ENFORCE);
	fixture_rule(&f, NULL, "", RULE_ENFORCE);
	for (unsigned i = 0; i < 10; i++) {
		fixture_glob(&f, 0, FIXTURE_DOMAIN, names[i], i + 1);
		fixture_glob(&f, 1 + i % 3, FIXTURE_DOMAIN, names[i], i + 20);
		fixture_glob(&f, 0, FIXTURE_PROXY, names[i], i + 30);
		if (i % 4 == 0)
			fixture_glob(&f, 0, FIXTURE_DENY, names[i], i + 40);
		if (i % 4 == 1)
			fixture_glob(&f, 0, FIXTURE_ALLOW, names[i], i + 50);
	}
	for (unsigned i = 0; i < globs; i++) {
		snprintf(text, sizeof(text), "%sn%u.deep.example.net",
			 i % 3 ? "" : "*.", i);
		fixture_glob(&f, i % 4, FIXTURE_DOMAIN, text, i + 60);
		snprintf(text, sizeof(text), "x.t%u", i);
		fixture_glob(&f, (i + 1) % 4, FIXTURE_DOMAIN, text, i + 60);
	}

	struct canonical_mitm *mitm = fixture_mitm(&f, 0, "*.example.com");

	mitm->headers = headers;
	mitm->header_count = 1;
	fixture_mitm(&f, 0, "api.example.com");
	fixture_range(&f, "10.0.0.0/8", 0, RANGE_ALLOW, 7);

	uint8_t *bytes = fixture_emit(&f, false, length);

	fixture_free(&f);
	return bytes;
}

static void every_bit_is_covered(void **state)
{
	size_t length;
	uint8_t *bytes = sample(&length, 6);
	struct blob blob;

	(void)state;
	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	for (size_t i = 0; i < length; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1u << bit);
			if (blob_wrap(&blob, bytes, length) == BLOB_OK)
				fail_msg("byte %zu bit %u", i, bit);
			assert_null(blob.bytes);
			assert_non_null(blob.damage);
			bytes[i] ^= (uint8_t)(1u << bit);
		}
	free(bytes);
}

static void every_length_is_refused(void **state)
{
	size_t length;
	uint8_t *bytes = sample(&length, 30);
	struct guarded g;
	struct blob blob;

	(void)state;
	guarded_init(&g, length);
	for (size_t n = 0; n < length; n++) {
		uint8_t *p = guarded_copy(&g, bytes, n);
		enum blob_error error = blob_wrap(&blob, p, n);

		assert_int_equal(error, n < FORMAT_MAGIC_BYTES
						? BLOB_NOT_A_BLOB
						: BLOB_TRUNCATED);
		/* the same with a header that says so */
		blob_repair(p, n);
		assert_int_not_equal(blob_wrap(&blob, p, n), BLOB_OK);
	}
	guarded_fini(&g);

	uint8_t *longer = aligned_alloc(64, length + 64);

	assert_non_null(longer);
	memcpy(longer, bytes, length);
	memset(longer + length, 0, 64);
	assert_int_equal(blob_wrap(&blob, longer, length + 64), BLOB_DAMAGED);
	blob_repair(longer, length + 64);
	assert_int_equal(blob_wrap(&blob, longer, length + 64), BLOB_DAMAGED);
	free(longer);
	free(bytes);
}

/* Change bytes of one section, or of header and table, and make the checksums
 * right. */
static void mutate(uint8_t *p, size_t length, uint64_t *seed)
{
	static const uint8_t values[] = {0,    1,    2,    3,   0x7f,
					 0x80, 0xff, 0x3f, 0x40};
	unsigned changes = 1 + (unsigned)(fixture_random(seed) % 3);
	uint32_t sections = get_u32le(p + HEADER_SECTIONS);
	uint64_t start = 0, n = HEADER_BYTES + ENTRY_BYTES * (size_t)sections;

	if (fixture_random(seed) % 16 != 0) {
		const uint8_t *entry =
			p + HEADER_BYTES +
			ENTRY_BYTES * (fixture_random(seed) % sections);

		start = get_u64le(entry + ENTRY_OFFSET);
		n = get_u64le(entry + ENTRY_LENGTH);
	}
	for (; changes > 0 && n > 0; changes--) {
		uint8_t *at = p + start + fixture_random(seed) % n;

		switch (fixture_random(seed) % 4) {
		case 0:
			*at = values[fixture_random(seed) % sizeof(values)];
			break;
		case 1:
			*at ^= (uint8_t)(1u << fixture_random(seed) % 8);
			break;
		case 2:
			*at = (uint8_t)(*at + 1);
			break;
		default:
			*at = (uint8_t)fixture_random(seed);
			break;
		}
	}
	blob_repair(p, length);
}

static void mutations(void **state)
{
	uint64_t seed = 0xbadb10b;
	unsigned refused = 0, accepted = 0;

	(void)state;
	for (unsigned size = 4; size <= 64; size *= 4) {
		size_t length;
		uint8_t *bytes = sample(&length, size);
		struct guarded g;

		guarded_init(&g, length);
		for (unsigned i = 0; i < 12000; i++) {
			uint8_t *p = guarded_copy(&g, bytes, length);
			struct blob blob;

			mutate(p, length, &seed);
			if (blob_wrap(&blob, p, length) == BLOB_OK) {
				accepted++;
				exercise(&blob);
			} else {
				refused++;
				assert_non_null(blob.damage);
			}
		}
		guarded_fini(&g);
		free(bytes);
	}
	/* both ways were taken, many times */
	assert_in_range(refused, 1000, UINT32_MAX);
	assert_in_range(accepted, 1000, UINT32_MAX);
}

/* --- one rule at a time ------------------------------------------------------
 */

struct wound {
	uint32_t section; /* 0: the header; its table entry when ENTRY */
	bool entry;
	uint32_t offset;
	uint32_t bytes;
	uint64_t value;
	enum blob_error error;
	const char *damage;
};

static void inflict(uint8_t *bytes, const struct wound *w)
{
	uint8_t *p = bytes;

	if (w->section != 0) {
		p = blob_entry_of(bytes, w->section);
		assert_non_null(p);
		if (!w->entry)
			p = bytes + get_u64le(p + ENTRY_OFFSET);
	}
	for (uint32_t i = 0; i < w->bytes; i++)
		p[w->offset + i] = (uint8_t)(w->value >> 8 * i);
}

static void each_rule_is_checked(void **state)
{
	static const struct wound wounds[] = {
		{0, 0, HEADER_MAGIC, 1, 'e', BLOB_NOT_A_BLOB, "no magic"},
		{0, 0, HEADER_MAJOR, 2, 2, BLOB_VERSION, "major version"},
		{0, 0, HEADER_BYTE_ORDER, 4, 0x04030201, BLOB_VERSION,
		 "byte order"},
		{0, 0, HEADER_REQUIRED, 8, (uint64_t)1 << 40, BLOB_VERSION,
		 "feature"},
		{0, 0, HEADER_SECTIONS, 4, 65, BLOB_DAMAGED, "too many"},
		{0, 0, HEADER_RESERVED, 4, 1, BLOB_DAMAGED, "reserved"},
		{SECTION_RULE, 1, ENTRY_OFFSET, 1, 1, BLOB_DAMAGED, "place"},
		{SECTION_RULE, 1, ENTRY_LENGTH, 8, (uint64_t)1 << 62,
		 BLOB_DAMAGED, "beyond the end"},
		{SECTION_RULE, 1, ENTRY_COUNT, 4, 3, BLOB_DAMAGED, "records"},
		{SECTION_RULE, 1, ENTRY_COUNT, 4, 0, BLOB_DAMAGED, "records"},
		{SECTION_RULE, 1, ENTRY_TYPE, 4, SECTION_META, BLOB_DAMAGED,
		 "twice"},
		{SECTION_RULE, 1, ENTRY_TYPE, 4, 99, BLOB_DAMAGED, "missing"},
		{SECTION_RULE, 1, ENTRY_FLAGS, 2, SECTION_COLD, BLOB_DAMAGED,
		 "flags"},
		{SECTION_META, 0, META_LISTS, 4, 6, BLOB_DAMAGED,
		 "count of lists"},
		{SECTION_META, 0, META_LISTS, 4, 0xffffffff, BLOB_DAMAGED,
		 "too many lists"},
		{SECTION_META, 0, META_ID_BYTES, 4, 4, BLOB_DAMAGED, "ids"},
		{SECTION_META, 0, META_HASH, 4, 2, BLOB_DAMAGED, "hash"},
		{SECTION_META, 0, META_DEFAULT_RULE, 4, 0, BLOB_DAMAGED,
		 "default"},
		{SECTION_META, 0, META_DEFAULT_RULE, 4, 77, BLOB_DAMAGED,
		 "default"},
		{SECTION_META, 0, META_SINGLES, 4, 0, BLOB_DAMAGED,
		 "one label"},
		{SECTION_META, 0, META_FLAGS, 4, 0x80, BLOB_DAMAGED, "unused"},
		{SECTION_RULE, 0, RULE_NAME, 4, 0xfffffff0, BLOB_DAMAGED,
		 "string"},
		{SECTION_RULE, 0, RULE_NAME_LEN, 2, 0xffff, BLOB_DAMAGED,
		 "string"},
		{SECTION_RULE, 0, RULE_ACTION, 1, 3, BLOB_DAMAGED, "action"},
		{SECTION_RULE, 0, RULE_FLAGS, 1, 2, BLOB_DAMAGED, "unused"},
		{SECTION_RULE, 0, RULE_LIST, 4, 3, BLOB_DAMAGED, "list"},
		{SECTION_RULE, 0, RULE_MITM_FIRST, 4, 1, BLOB_DAMAGED, "MITM"},
		{SECTION_RULE, 0, RULE_MITM_COUNT, 4, 0x80000000, BLOB_DAMAGED,
		 "MITM"},
		{SECTION_ROLE, 0, 0, 4, 0, BLOB_DAMAGED, "ROLE: size"},
		{SECTION_ROLE, 0, 0, 4, 0xffffffff, BLOB_DAMAGED, "ROLE: size"},
		{SECTION_ROLE, 0, 4, 4, 1, BLOB_DAMAGED, "ROLE: buckets"},
		{SECTION_TOPS, 0, 0, 1, '.', BLOB_DAMAGED, "TOPS: a label"},
		{SECTION_TOPS, 0, TOPS_MIN_BYTES - 1, 1, 16, BLOB_DAMAGED,
		 "length"},
		{SECTION_TOPS, 0, TOPS_MIN_BYTES - 1, 1, 0, BLOB_DAMAGED,
		 "length"},
		{SECTION_NODE, 0, 0, 1, 16, BLOB_DAMAGED, "kind"},
		{SECTION_NODE, 0, 0, 1, 8, BLOB_DAMAGED, "kind"},
		{SECTION_NODE, 0, 1, 1, 1, BLOB_DAMAGED, "padding"},
		{SECTION_NODE, 0, 4, 4, 0xffffffff, BLOB_DAMAGED, "directory"},
		{SECTION_NODE, 0, 4, 4, 0, BLOB_DAMAGED, "directory"},
		{SECTION_NODE, 0, 8, 4, 0, BLOB_DAMAGED, "place"},
		{SECTION_NODE, 0, 12, 4, 0, BLOB_DAMAGED, "signature"},
		{SECTION_NODE, 1, ENTRY_COUNT, 4, 1, BLOB_DAMAGED,
		 "NODE: count"},
		{SECTION_NODEMAP, 0, 0, 1, 0, BLOB_DAMAGED, "NODEMAP"},
		{SECTION_NODEMAP, 0, 0, 1, 3, BLOB_DAMAGED, "NODE"},
		{SECTION_POSTMAP, 0, 0, 1, 0, BLOB_DAMAGED, "POSTMAP"},
		{SECTION_POST, 0, 0, 4, 1, BLOB_DAMAGED, "size of a posting"},
		{SECTION_POST, 0, 0, 4, 0x7fffffff, BLOB_DAMAGED, "POST"},
		{SECTION_MITM, 0, MITM_FLAGS, 1, 2, BLOB_DAMAGED, "unused"},
		{SECTION_MITM, 0, MITM_HEAD_COUNT, 4, 9, BLOB_DAMAGED,
		 "headers"},
		{SECTION_MITM_ORDER, 0, 0, 4, 9, BLOB_DAMAGED, "an index"},
		{SECTION_MITM_ORDER, 0, 0, 4, 1, BLOB_DAMAGED, "order"},
		{SECTION_HEAD, 0, HEAD_VALUE, 4, 0xffffff, BLOB_DAMAGED,
		 "string"},
		{SECTION_RANGE, 0, RANGE_PREFIX, 1, 129, BLOB_DAMAGED, "RANGE"},
		{SECTION_RANGE, 0, RANGE_ACTION, 1, 2, BLOB_DAMAGED, "RANGE"},
		{SECTION_RANGE, 0, RANGE_ADDR + 15, 1, 1, BLOB_DAMAGED,
		 "RANGE"},
		{SECTION_ADDR, 0, 0, 8, 0, BLOB_DAMAGED, "ADDR"},
		{SECTION_FILES, 0, 0, 4, 1, BLOB_DAMAGED, "FILES"},
		{SECTION_LINES, 0, 8, 4, 33, BLOB_DAMAGED, "LINES"},
		{SECTION_LINES, 0, 8, 4, 0, BLOB_DAMAGED, "LINES"},
		{SECTION_LINES, 0, LINES_FIRST, 4, 1, BLOB_DAMAGED, "LINES"},
		{SECTION_LINES, 0, LINES_WIDTH, 4, 3, BLOB_DAMAGED, "width"},
		{SECTION_LINES, 0, LINES_WIDTH, 4, 8, BLOB_DAMAGED, "width"},
		{SECTION_LINES, 0, LINES_WIDTH, 4, UINT32_MAX, BLOB_DAMAGED,
		 "width"},
		{SECTION_LINES, 0, LINES_WIDTH, 4, 5, BLOB_DAMAGED, "size"},
		{SECTION_LINES, 0, LINES_WIDTH, 4, 0, BLOB_DAMAGED, "feature"},
		{0, 0, HEADER_REQUIRED, 8, 0, BLOB_DAMAGED, "feature"},
		{SECTION_RANGE_LINES, 0, 0, 4, 9, BLOB_DAMAGED, "a file"},
	};
	size_t length;
	uint8_t *bytes = sample(&length, 30);
	struct guarded g;

	(void)state;
	guarded_init(&g, length);
	for (size_t i = 0; i < sizeof(wounds) / sizeof(wounds[0]); i++) {
		uint8_t *p = guarded_copy(&g, bytes, length);
		struct blob blob;

		inflict(p, &wounds[i]);
		blob_repair(p, length);

		enum blob_error error = blob_wrap(&blob, p, length);

		if (error != wounds[i].error || blob.damage == NULL ||
		    strstr(blob.damage, wounds[i].damage) == NULL)
			fail_msg("wound %zu: error %d, %s, not %s", i, error,
				 blob.damage ? blob.damage : "-",
				 wounds[i].damage);
	}
	guarded_fini(&g);
	free(bytes);
}

/* A section of a later minor version is skipped, unless it must be known. */
static void unknown_sections(void **state)
{
	size_t length;
	uint8_t *bytes = sample(&length, 6);
	struct blob blob;
	uint8_t *entry;

	(void)state;
	entry = blob_entry_of(bytes, SECTION_ORDER);
	put_u32le(entry + ENTRY_TYPE, 1000);
	put_u16le(bytes + HEADER_MINOR, 7);
	put_u64le(bytes + HEADER_OPTIONAL, UINT64_MAX);
	blob_repair(bytes, length);
	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	exercise(&blob);
	put_u16le(entry + ENTRY_FLAGS, SECTION_COLD | SECTION_REQUIRED);
	blob_repair(bytes, length);
	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_VERSION);
	free(bytes);
}

/* Children that an unsorted or misplaced bucket would hide. */
static void no_entry_can_hide(void **state)
{
	size_t length;
	uint8_t *bytes = sample(&length, 0);
	struct blob blob;
	uint8_t *node = bytes + get_u64le(blob_entry_of(bytes, SECTION_NODE) +
					  ENTRY_OFFSET);
	uint32_t n = node[1];

	(void)state;
	assert_int_equal(node[0], NODE_CODES);
	assert_in_range(n, 2, NODE_SMALL_MAX);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *print = node + 2 + 2 * (size_t)i;

		/* the tag, not the length */
		print[1] ^= 0x10;
		blob_repair(bytes, length);
		assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_DAMAGED);
		print[1] ^= 0x10;
	}

	/* two of one length change places, prints and all */
	for (uint32_t i = 0; i + 1 < n; i++) {
		uint8_t *p = node + 2 + 2 * (size_t)i;
		uint8_t *value = node + 2 + 2 * (size_t)n + 4 * (size_t)i;
		uint8_t spare[4];

		memcpy(spare, p, 2);
		memcpy(p, p + 2, 2);
		memcpy(p + 2, spare, 2);
		memcpy(spare, value, 4);
		memcpy(value, value + 4, 4);
		memcpy(value + 4, spare, 4);
		blob_repair(bytes, length);
		assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_DAMAGED);
		memcpy(spare, p, 2);
		memcpy(p, p + 2, 2);
		memcpy(p + 2, spare, 2);
		memcpy(spare, value, 4);
		memcpy(value, value + 4, 4);
		memcpy(value + 4, spare, 4);
	}
	blob_repair(bytes, length);
	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_is_covered),
		cmocka_unit_test(every_length_is_refused),
		cmocka_unit_test(mutations),
		cmocka_unit_test(each_rule_is_checked),
		cmocka_unit_test(unknown_sections),
		cmocka_unit_test(no_entry_can_hide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
