/* verify_records.c - the sections made of records: rules and their index,
 * MITM entries, address rules, the source map. */
#include "blob.h"
#include "format.h"
#include "verify.h"

static const uint8_t *record(const struct blob_section *section, uint32_t i)
{
	return section->p + (uint64_t)section->stride * i;
}

/* N bytes at OFFSET of STRS, a NUL behind them. */
static bool string_fits(const struct blob *blob, uint32_t offset, uint32_t n)
{
	const struct blob_section *strs = &blob->section[SECTION_STRS];

	return (uint64_t)offset + n < strs->length &&
	       strs->p[(uint64_t)offset + n] == 0;
}

static struct str string_at(const struct blob *blob, uint32_t offset,
			    uint32_t n)
{
	const uint8_t *strs = blob->section[SECTION_STRS].p;

	return str_make((const char *)strs + offset, n);
}

static struct str rule_name(const struct blob *blob, uint32_t i)
{
	const uint8_t *rule = record(&blob->section[SECTION_RULE], i);

	return string_at(blob, get_u32le(rule + RULE_NAME),
			 get_u16le(rule + RULE_NAME_LEN));
}

/* Lists are numbered in the order of the rules: a rule's domains, then its
 * proxies, each only if not empty. */
static bool list_is_next(uint32_t list, uint32_t *next)
{
	if (list == NO_INDEX)
		return true;
	return list == (*next)++;
}

static const char *check_rules(const struct blob *blob, uint32_t *services)
{
	const struct blob_section *rules = &blob->section[SECTION_RULE];
	const uint8_t *meta = blob->section[SECTION_META].p;
	uint32_t default_rule = get_u32le(meta + META_DEFAULT_RULE);
	uint32_t lists = 0;
	uint64_t mitm = 0;

	*services = rules->count;
	for (uint32_t i = 0; i < rules->count; i++) {
		const uint8_t *p = record(rules, i);
		bool is_default = p[RULE_FLAGS] & RULE_IS_DEFAULT;

		if (!string_fits(blob, get_u32le(p + RULE_NAME),
				 get_u16le(p + RULE_NAME_LEN)) ||
		    !string_fits(blob, get_u32le(p + RULE_PROJECT),
				 get_u16le(p + RULE_PROJECT_LEN)))
			return "RULE: a string";
		if (p[RULE_ACTION] > RULE_OPEN)
			return "RULE: an action";
		if (p[RULE_FLAGS] & ~RULE_IS_DEFAULT ||
		    get_u16le(p + RULE_RESERVED) != 0)
			return "RULE: unused bits";
		if (is_default != (i == default_rule))
			return "RULE: the default rule";
		if (!list_is_next(get_u32le(p + RULE_LIST), &lists) ||
		    !list_is_next(get_u32le(p + RULE_PROXIES), &lists))
			return "RULE: a list";
		if (get_u32le(p + RULE_MITM_FIRST) != mitm)
			return "RULE: MITM entries";
		mitm += get_u32le(p + RULE_MITM_COUNT);
		if (is_default)
			*services = i;
		else if (i > 0 && str_compare(rule_name(blob, i - 1),
					      rule_name(blob, i)) >= 0)
			return "RULE: order of names";
	}
	if (default_rule != NO_INDEX && default_rule != rules->count - 1)
		return "META: the default rule";
	if (lists != get_u32le(meta + META_LISTS))
		return "META: count of lists";
	if (mitm != blob->section[SECTION_MITM].count)
		return "MITM: count";
	return NULL;
}

/* The index has every service once: strictly ascending pairs of a hash that is
 * right and a rule, as many as there are services. */
static const char *check_roles(const struct blob *blob, uint32_t services)
{
	const struct blob_section *role = &blob->section[SECTION_ROLE];
	uint64_t n = role->count;

	if (n != services)
		return "ROLE: count";
	if (role->length < 4)
		return "ROLE: size";

	uint64_t buckets = get_u32le(role->p);
	uint64_t head = 4 + 4 * (buckets + 1);

	if (buckets == 0 || role->length != head + ROLE_PAIR_BYTES * n)
		return "ROLE: size";

	const uint8_t *first = role->p + 4;
	const uint8_t *pairs = role->p + head;

	if (get_u32le(first) != 0 || get_u32le(first + 4 * buckets) != n)
		return "ROLE: buckets";
	for (uint32_t b = 0; b < buckets; b++) {
		uint32_t i = get_u32le(first + 4 * (size_t)b);
		uint32_t end = get_u32le(first + 4 * ((size_t)b + 1));

		if (i > end || end > n)
			return "ROLE: buckets";
		for (; i < end; i++) {
			const uint8_t *p = pairs + ROLE_PAIR_BYTES * (size_t)i;
			uint32_t rule = get_u32le(p + 4);

			if (rule >= services)
				return "ROLE: a rule";

			struct str name = rule_name(blob, rule);
			uint64_t hash = format_hash(name.p, name.n);

			if (get_u32le(p) != (uint32_t)(hash >> 32) ||
			    key_bucket(hash, (uint32_t)buckets) != b)
				return "ROLE: a hash";
			if (i > 0 && (get_u32le(p - 8) > get_u32le(p) ||
				      (get_u32le(p - 8) == get_u32le(p) &&
				       get_u32le(p - 4) >= rule)))
				return "ROLE: order";
		}
	}
	return NULL;
}

/* see verify.h */
const char *verify_rules(const struct blob *blob)
{
	const struct blob_section *strs = &blob->section[SECTION_STRS];
	uint32_t services;

	if (strs->length == 0 || strs->length > UINT32_MAX ||
	    strs->p[strs->length - 1] != 0)
		return "STRS: no NUL at the end";

	const char *damage = check_rules(blob, &services);

	return damage != NULL ? damage : check_roles(blob, services);
}

/* The order that MITM_ORDER has: globs as text, equal ones as written. */
static int compare_mitm(const struct blob *blob, uint32_t a, uint32_t b)
{
	const struct blob_section *mitm = &blob->section[SECTION_MITM];
	const uint8_t *pa = record(mitm, a), *pb = record(mitm, b);
	int order = str_compare(string_at(blob, get_u32le(pa + MITM_DOMAIN),
					  get_u16le(pa + MITM_DOMAIN_LEN)),
				string_at(blob, get_u32le(pb + MITM_DOMAIN),
					  get_u16le(pb + MITM_DOMAIN_LEN)));

	if (order != 0)
		return order;
	return a < b ? -1 : a > b;
}

static const char *check_mitm_order(const struct blob *blob)
{
	const struct blob_section *rules = &blob->section[SECTION_RULE];
	const struct blob_section *order = &blob->section[SECTION_MITM_ORDER];

	if (order->count != blob->section[SECTION_MITM].count)
		return "MITM_ORDER: count";
	for (uint32_t r = 0; r < rules->count; r++) {
		uint32_t first = get_u32le(record(rules, r) + RULE_MITM_FIRST);
		uint32_t n = get_u32le(record(rules, r) + RULE_MITM_COUNT);

		for (uint32_t i = first; i < first + n; i++) {
			uint32_t index = get_u32le(record(order, i));

			if (index < first || index - first >= n)
				return "MITM_ORDER: an index";
			if (i > first &&
			    compare_mitm(blob, get_u32le(record(order, i - 1)),
					 index) >= 0)
				return "MITM_ORDER: order";
		}
	}
	return NULL;
}

/* see verify.h */
const char *verify_mitm(const struct blob *blob)
{
	const struct blob_section *mitm = &blob->section[SECTION_MITM];
	const struct blob_section *head = &blob->section[SECTION_HEAD];
	uint64_t next = 0;

	for (uint32_t i = 0; i < mitm->count; i++) {
		const uint8_t *p = record(mitm, i);

		if (get_u16le(p + MITM_DOMAIN_LEN) == 0 ||
		    !string_fits(blob, get_u32le(p + MITM_DOMAIN),
				 get_u16le(p + MITM_DOMAIN_LEN)))
			return "MITM: a domain";
		if (p[MITM_FLAGS] & ~MITM_DETAILED_LOGS || p[MITM_RESERVED])
			return "MITM: unused bits";
		if (get_u32le(p + MITM_HEAD_FIRST) != next)
			return "MITM: headers";
		next += get_u32le(p + MITM_HEAD_COUNT);
		if (get_u32le(p + MITM_FULL_FIRST) != next)
			return "MITM: headers";
		next += get_u32le(p + MITM_FULL_COUNT);
		if (next > head->count)
			return "MITM: headers";
	}
	if (next != head->count)
		return "HEAD: count";
	for (uint32_t i = 0; i < head->count; i++) {
		const uint8_t *p = record(head, i);

		if (!string_fits(blob, get_u32le(p + HEAD_NAME),
				 get_u16le(p + HEAD_NAME_LEN)) ||
		    !string_fits(blob, get_u32le(p + HEAD_VALUE),
				 get_u16le(p + HEAD_VALUE_LEN)))
			return "HEAD: a string";
	}
	return check_mitm_order(blob);
}

static bool prefix_is_clean(const uint8_t *p)
{
	uint32_t length = p[RANGE_PREFIX];

	if (length > 128)
		return false;
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t keep = length > 8 * i ? length - 8 * i : 0;

		if (keep < 8 && (p[RANGE_ADDR + i] & 0xff >> keep) != 0)
			return false;
	}
	return true;
}

/* see verify.h */
const char *verify_ranges(const struct blob *blob)
{
	const struct blob_section *range = &blob->section[SECTION_RANGE];
	const struct blob_section *nat64 = &blob->section[SECTION_NAT64];
	const uint8_t *meta = blob->section[SECTION_META].p;

	if (get_u32le(meta + META_FLAGS) & ~META_ALLOW_PRIVATE)
		return "META: unused bits";
	for (uint32_t i = 0; i < range->count; i++) {
		const uint8_t *p = record(range, i);

		if (!prefix_is_clean(p) || p[RANGE_ACTION] > RANGE_ALLOW)
			return "RANGE: a rule";
	}
	if (nat64->count > RANGES_MAX_NAT64)
		return "NAT64: count";
	for (uint32_t i = 0; i < nat64->count; i++) {
		const uint8_t *p = record(nat64, i);

		if (!prefix_is_clean(p) || p[RANGE_ACTION] != 0 ||
		    get_u16le(p + RANGE_PORT) != 0)
			return "NAT64: a prefix";
	}
	return NULL;
}

static const char *check_files(const struct blob *blob)
{
	const struct blob_section *files = &blob->section[SECTION_FILES];
	uint64_t head = 4 * ((uint64_t)files->count + 1);

	if (files->length < head || get_u32le(files->p) != 0)
		return "FILES: size";

	uint64_t bytes = files->length - head;

	for (uint32_t i = 0; i < files->count; i++) {
		uint32_t start = get_u32le(files->p + 4 * (size_t)i);
		uint32_t end = get_u32le(files->p + 4 * ((size_t)i + 1));

		if (end <= start || end > bytes ||
		    files->p[head + end - 1] != 0)
			return "FILES: a name";
	}
	if (get_u32le(files->p + head - 4) != bytes)
		return "FILES: size";
	return NULL;
}

static const char *check_lines(const struct blob *blob)
{
	const struct blob_section *lines = &blob->section[SECTION_LINES];
	uint64_t lists = (uint64_t)blob->hosts.lists + 2;
	uint64_t head = lines_head(blob->hosts.lists);

	if (lines->length < head)
		return "LINES: size";

	uint32_t bits = get_u32le(lines->p + LINES_BITS);
	uint32_t narrow = get_u32le(lines->p + LINES_WIDTH);
	uint32_t width = lines_width(lines->p), unused = 64 - 8 * width;
	uint64_t required = get_u64le(blob->bytes + HEADER_REQUIRED);
	const uint8_t *first = lines->p + LINES_FIRST;
	const uint8_t *words = lines->p + head;

	if (narrow != 0 && (narrow < LINES_MIN_WIDTH || narrow > 7))
		return "LINES: width of a word";
	if ((narrow != 0) != ((required & FEATURE_NARROW_LINES) != 0))
		return "LINES: width of a word without its feature";
	if (lines->length != head + width * (uint64_t)lines->count)
		return "LINES: size";
	if (bits < 1 || bits > 32)
		return "LINES: bits of a line";
	if (get_u32le(first) != 0 ||
	    get_u32le(first + 4 * lists) != lines->count)
		return "LINES: lists";
	for (uint64_t list = 0; list < lists; list++) {
		uint32_t i = get_u32le(first + 4 * list);
		uint32_t end = get_u32le(first + 4 * (list + 1));

		if (i > end || end > lines->count)
			return "LINES: lists";
		for (i++; i < end; i++)
			if (lines_word(words, width, i) >> unused >> bits <=
			    lines_word(words, width, i - 1) >> unused >> bits)
				return "LINES: order";
	}
	return NULL;
}

/* see verify.h */
const char *verify_source_map(const struct blob *blob)
{
	const struct blob_section *files = &blob->section[SECTION_FILES];
	const struct blob_section *rules = &blob->section[SECTION_RULE_LINES];
	const struct blob_section *ranges = &blob->section[SECTION_RANGE_LINES];
	const char *damage = NULL;

	if (files->p != NULL)
		damage = check_files(blob);
	if (damage == NULL && blob->section[SECTION_LINES].p != NULL)
		damage = check_lines(blob);
	if (damage != NULL)
		return damage;
	if (rules->p != NULL &&
	    rules->count != blob->section[SECTION_RULE].count)
		return "RULE_LINES: count";
	if (ranges->p == NULL)
		return NULL;
	if (ranges->count != blob->section[SECTION_RANGE].count)
		return "RANGE_LINES: count";
	for (uint32_t i = 0; i < ranges->count; i++) {
		uint32_t file = get_u32le(record(ranges, i));

		if (file != NO_INDEX && file >= files->count)
			return "RANGE_LINES: a file";
	}
	return NULL;
}
