/* blob_view.c - see blob.h: what a verified policy says of itself, its rules,
 * MITM entries and address rules.  Bounds were proved by verify.c; indexes come
 * from callers and are checked here. */
#include "blob-internal.h"
#include "blob.h"

/* see blob.h */
void blob_info(const struct blob *blob, struct blob_info *info)
{
	static const char hex[16] = "0123456789abcdef";

	memset(info, 0, sizeof(*info));
	if (blob->bytes == NULL)
		return;

	const uint8_t *p = blob->bytes;
	const uint8_t *meta = blob->section[SECTION_META].p;

	info->major = get_u16le(p + HEADER_MAJOR);
	info->minor = get_u16le(p + HEADER_MINOR);
	memcpy(info->digest, p + HEADER_SEMANTIC, FORMAT_DIGEST_BYTES);
	for (size_t i = 0; i < sizeof(info->policy) - 1; i++)
		info->policy[i] =
			hex[info->digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
	info->length = blob->length;
	info->has_default = get_u32le(meta + META_DEFAULT_RULE) != NO_INDEX;
	info->services = blob->section[SECTION_RULE].count - info->has_default;
	info->globs = get_u64le(meta + META_GLOBS);
	info->entries = get_u64le(meta + META_ENTRIES);
	info->nodes = blob->section[SECTION_NODE].count;
	info->range_rules = blob->section[SECTION_RANGE].count;
	info->has_source_map = blob->section[SECTION_LINES].p != NULL;

	uint32_t sections = get_u32le(p + HEADER_SECTIONS);

	for (uint32_t i = 0; i < sections; i++) {
		const uint8_t *entry =
			p + HEADER_BYTES + ENTRY_BYTES * (size_t)i;

		if (get_u16le(entry + ENTRY_FLAGS) & SECTION_COLD)
			info->cold_bytes += get_u64le(entry + ENTRY_LENGTH);
		else
			info->hot_bytes += get_u64le(entry + ENTRY_LENGTH);
	}
}

/* see blob.h */
uint32_t blob_rule_count(const struct blob *blob)
{
	return blob->section[SECTION_RULE].count;
}

/* see blob.h */
bool blob_rule(const struct blob *blob, uint32_t index, struct rule_info *out)
{
	if (index >= blob->section[SECTION_RULE].count)
		return false;

	const uint8_t *p = blob_record(blob, SECTION_RULE, index);

	out->name = blob_string(blob, p + RULE_NAME, p + RULE_NAME_LEN);
	out->project =
		blob_string(blob, p + RULE_PROJECT, p + RULE_PROJECT_LEN);
	out->action = (enum rule_action)p[RULE_ACTION];
	out->is_default = p[RULE_FLAGS] & RULE_IS_DEFAULT;
	out->list = get_u32le(p + RULE_LIST);
	out->proxies = get_u32le(p + RULE_PROXIES);
	out->mitm_first = get_u32le(p + RULE_MITM_FIRST);
	out->mitm_count = get_u32le(p + RULE_MITM_COUNT);
	return true;
}

static uint32_t global_list(const struct blob *blob, size_t count_at,
			    uint32_t list)
{
	const uint8_t *meta = blob->section[SECTION_META].p;

	return meta != NULL && get_u32le(meta + count_at) > 0 ? list
							      : LIST_NONE;
}

/* see blob.h */
uint32_t blob_global_deny(const struct blob *blob)
{
	return global_list(blob, META_GLOBAL_DENY, LIST_GLOBAL_DENY);
}

/* see blob.h */
uint32_t blob_global_allow(const struct blob *blob)
{
	return global_list(blob, META_GLOBAL_ALLOW, LIST_GLOBAL_ALLOW);
}

/* see blob.h */
bool blob_mitm(const struct blob *blob, uint32_t index, struct mitm_info *out)
{
	if (index >= blob->section[SECTION_MITM].count)
		return false;

	const uint8_t *p = blob_record(blob, SECTION_MITM, index);

	out->domain = blob_string(blob, p + MITM_DOMAIN, p + MITM_DOMAIN_LEN);
	out->detailed_http_logs = p[MITM_FLAGS] & MITM_DETAILED_LOGS;
	out->header_count = get_u32le(p + MITM_HEAD_COUNT);
	out->full_header_count = get_u32le(p + MITM_FULL_COUNT);
	return true;
}

static bool mitm_head(const struct blob *blob, uint32_t mitm, uint32_t index,
		      size_t first_at, size_t count_at, struct str *name,
		      struct str *value)
{
	if (mitm >= blob->section[SECTION_MITM].count)
		return false;

	const uint8_t *p = blob_record(blob, SECTION_MITM, mitm);

	if (index >= get_u32le(p + count_at))
		return false;

	const uint8_t *head = blob_record(blob, SECTION_HEAD,
					  get_u32le(p + first_at) + index);

	*name = blob_string(blob, head + HEAD_NAME, head + HEAD_NAME_LEN);
	if (value != NULL)
		*value = blob_string(blob, head + HEAD_VALUE,
				     head + HEAD_VALUE_LEN);
	return true;
}

/* see blob.h */
bool blob_mitm_header(const struct blob *blob, uint32_t mitm, uint32_t index,
		      struct str *name, struct str *value)
{
	return mitm_head(blob, mitm, index, MITM_HEAD_FIRST, MITM_HEAD_COUNT,
			 name, value);
}

/* see blob.h */
bool blob_mitm_full_header(const struct blob *blob, uint32_t mitm,
			   uint32_t index, struct str *name)
{
	return mitm_head(blob, mitm, index, MITM_FULL_FIRST, MITM_FULL_COUNT,
			 name, NULL);
}

/* see blob.h */
uint32_t blob_range_count(const struct blob *blob)
{
	return blob->section[SECTION_RANGE].count;
}

static struct addr_prefix prefix_at(const uint8_t *p)
{
	struct addr_prefix prefix = {.length = p[RANGE_PREFIX]};

	memcpy(prefix.addr.bytes, p + RANGE_ADDR, sizeof(prefix.addr.bytes));
	return prefix;
}

/* see blob.h */
struct range_rule blob_range_rule(const struct blob *blob, uint32_t index)
{
	if (index >= blob->section[SECTION_RANGE].count)
		return (struct range_rule){.action = RANGE_DENY};

	const uint8_t *p = blob_record(blob, SECTION_RANGE, index);

	return (struct range_rule){
		.prefix = prefix_at(p),
		.port = get_u16le(p + RANGE_PORT),
		.action = p[RANGE_ACTION],
	};
}

/* see blob.h */
void blob_range_options(const struct blob *blob, struct ranges_options *out)
{
	const struct blob_section *nat64 = &blob->section[SECTION_NAT64];
	const uint8_t *meta = blob->section[SECTION_META].p;

	memset(out, 0, sizeof(*out));
	if (meta == NULL)
		return;
	out->allow_private = get_u32le(meta + META_FLAGS) & META_ALLOW_PRIVATE;
	out->nat64_count = (uint8_t)nat64->count;
	for (uint32_t i = 0; i < nat64->count; i++)
		out->nat64[i] = prefix_at(blob_record(blob, SECTION_NAT64, i));
}

static bool file_name(const struct blob *blob, uint32_t file, struct str *out)
{
	const struct blob_section *files = &blob->section[SECTION_FILES];

	if (file >= files->count)
		return false;

	uint32_t start = get_u32le(files->p + 4 * (size_t)file);
	uint32_t end = get_u32le(files->p + 4 * ((size_t)file + 1));
	const uint8_t *names = files->p + 4 * ((size_t)files->count + 1);

	*out = str_make((const char *)names + start, end - start - 1);
	return true;
}

/* The words of LIST in section LINES; false when there is no such list. */
static bool list_lines(const struct blob *blob, uint32_t list,
		       const uint8_t **words, uint32_t *count)
{
	const uint8_t *p = blob->section[SECTION_LINES].p;
	uint32_t lists = blob->hosts.lists;

	if (p == NULL)
		return false;
	if (list == LIST_GLOBAL_DENY)
		list = lists;
	else if (list == LIST_GLOBAL_ALLOW)
		list = lists + 1;
	else if (list >= lists)
		return false;

	const uint8_t *first = p + LINES_FIRST + 4 * (size_t)list;
	size_t head = lines_head(lists);

	*words = p + head + lines_width(p) * (size_t)get_u32le(first);
	*count = get_u32le(first + 4) - get_u32le(first);
	return true;
}

/* A list longer than this is worth guessing in, so many times. */
#define GUESSED 64
#define GUESSES 8

/* How many of COUNT words, evenly spread, are below WORD. */
static uint64_t part_of(uint64_t word, uint32_t count)
{
	return ((word >> 32) * count) >> 32;
}

/* see blob.h */
bool blob_entry_source(const struct blob *blob, uint32_t list, struct str name,
		       bool wildcard, struct str *file, uint32_t *line)
{
	/* Hashes tell the entries of a list apart, not those from others. */
	return hosts_has(&blob->hosts, name, wildcard, list) &&
	       blob_found_source(blob, list, name, wildcard, file, line);
}

/* see blob.h */
bool blob_found_source(const struct blob *blob, uint32_t list, struct str name,
		       bool wildcard, struct str *file, uint32_t *line)
{
	const uint8_t *words;
	uint32_t count;

	if (!list_lines(blob, list, &words, &count))
		return false;

	const uint8_t *lines = blob->section[SECTION_LINES].p;
	uint32_t bits = get_u32le(lines + LINES_BITS);
	uint32_t width = lines_width(lines), unused = 64 - 8 * width;
	uint64_t hash = entry_hash(name.p, name.n, wildcard,
				   get_u64le(lines + LINES_SALT));
	uint64_t wanted = hash >> unused >> bits;
	uint64_t guess = part_of(hash, count);
	uint32_t low = 0, high = count;

	/* Hashes lie evenly: each guess is corrected by how far off it was, and
	 * few are needed.  Should they not, the interval is halved. */
	for (unsigned left = count > GUESSED ? GUESSES : 0; low < high;) {
		uint32_t at = low + (high - low) / 2;

		if (left > 0) {
			left--;
			at = guess < low     ? low
			     : guess >= high ? high - 1
					     : (uint32_t)guess;
		}

		uint64_t word = lines_word(words, width, at);
		uint64_t found = word >> unused >> bits;

		if (found == wanted) {
			*line = (uint32_t)(word >> unused &
					   (((uint64_t)1 << bits) - 1));
			return *line != 0 && file_name(blob, 0, file);
		}
		if (found < wanted) {
			low = at + 1;
			guess = at + 1 + part_of(hash - word, count);
		} else {
			uint64_t back = 1 + part_of(word - hash, count);

			high = at;
			guess = at > back ? at - back : 0;
		}
	}
	return false;
}

/* see blob.h */
bool blob_rule_source(const struct blob *blob, uint32_t index, struct str *file,
		      uint32_t *line)
{
	if (index >= blob->section[SECTION_RULE_LINES].count)
		return false;
	*line = get_u32le(blob_record(blob, SECTION_RULE_LINES, index));
	return *line != 0 && file_name(blob, 0, file);
}

/* see blob.h */
bool blob_range_source(const struct blob *blob, uint32_t index,
		       struct str *file, uint32_t *line)
{
	if (index >= blob->section[SECTION_RANGE_LINES].count)
		return false;

	const uint8_t *p = blob_record(blob, SECTION_RANGE_LINES, index);

	*line = get_u32le(p + 4);
	return *line != 0 && file_name(blob, get_u32le(p), file);
}
