/* emit_sections.c - see emit_sections.h. */
#include "emit_sections.h"

#include <stdlib.h>

/* The section, said to be there. */
static struct emit_section *begin(struct emit *emit, enum section_type type,
				  uint32_t count)
{
	struct emit_section *section = &emit->section[type];

	section->present = true;
	section->count = count;
	return section;
}

/* Put TEXT into STRS once, with a NUL, and its offset and length at these
 * places. */
static void put_string(struct emit *emit, struct str text, uint8_t *offset,
		       uint8_t *length)
{
	if (text.n > FORMAT_STRING_MAX) {
		emit->why = "a name or a text is longer than 65535 bytes";
		return;
	}

	char *with_nul = allocate(text.n + 1, 1);

	if (text.n > 0)
		memcpy(with_nul, text.p, text.n);

	uint32_t id = intern_put(&emit->strings, with_nul, text.n + 1);

	free(with_nul);
	if (emit->strings.bytes.n > UINT32_MAX) {
		emit->why = "names and texts are larger than 4 GiB";
		return;
	}
	put_u32le(offset, (uint32_t)emit->strings.item[id]);
	put_u16le(length, (uint16_t)text.n);
}

/* see emit_sections.h */
void emit_rules(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct emit_section *out =
		begin(emit, SECTION_RULE, policy->rule_count);

	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct canonical_rule *rule = &policy->rules[i];
		uint8_t p[RULE_BYTES] = {0};

		put_string(emit, rule->name, p + RULE_NAME, p + RULE_NAME_LEN);
		put_string(emit, rule->project, p + RULE_PROJECT,
			   p + RULE_PROJECT_LEN);
		put_u32le(p + RULE_LIST, rule->list);
		put_u32le(p + RULE_PROXIES, rule->proxies);
		put_u32le(p + RULE_MITM_FIRST, rule->mitm_first);
		put_u32le(p + RULE_MITM_COUNT, rule->mitm_count);
		p[RULE_ACTION] = (uint8_t)rule->action;
		p[RULE_FLAGS] = rule->is_default ? RULE_IS_DEFAULT : 0;
		buffer_put(&out->bytes, p, sizeof(p));
	}
}

static uint32_t service_count(const struct canonical *policy)
{
	uint32_t n = policy->rule_count;

	return n - (n > 0 && policy->rules[n - 1].is_default);
}

struct role {
	uint64_t hash;
	uint32_t rule;
};

static int compare_roles(const void *a, const void *b)
{
	const struct role *left = a, *right = b;
	uint32_t left_hash = (uint32_t)(left->hash >> 32);
	uint32_t right_hash = (uint32_t)(right->hash >> 32);

	if (left_hash != right_hash)
		return left_hash < right_hash ? -1 : 1;
	return left->rule < right->rule ? -1 : left->rule > right->rule;
}

/* see emit_sections.h */
void emit_roles(struct emit *emit)
{
	uint32_t n = service_count(emit->policy);
	uint32_t buckets = n / ROLE_PER_BUCKET + 1;
	struct buffer *out = &begin(emit, SECTION_ROLE, n)->bytes;
	struct role *roles = allocate(n, sizeof(*roles));

	for (uint32_t i = 0; i < n; i++) {
		struct str name = emit->policy->rules[i].name;

		roles[i] = (struct role){format_hash(name.p, name.n), i};
	}
	qsort(roles, n, sizeof(*roles), compare_roles);
	buffer_put_u32(out, buckets);
	/* buckets are by the upper bits, as the order is */
	for (uint32_t bucket = 0, i = 0; bucket <= buckets; bucket++) {
		while (i < n && key_bucket(roles[i].hash, buckets) < bucket)
			i++;
		buffer_put_u32(out, i);
	}
	for (uint32_t i = 0; i < n; i++) {
		buffer_put_u32(out, (uint32_t)(roles[i].hash >> 32));
		buffer_put_u32(out, roles[i].rule);
	}
	free(roles);
}

static void put_header(struct emit *emit, struct str name, struct str value)
{
	struct emit_section *out = &emit->section[SECTION_HEAD];
	uint8_t p[HEAD_BYTES] = {0};

	put_string(emit, name, p + HEAD_NAME, p + HEAD_NAME_LEN);
	put_string(emit, value, p + HEAD_VALUE, p + HEAD_VALUE_LEN);
	buffer_put(&out->bytes, p, sizeof(p));
	out->count++;
}

struct placed_mitm {
	struct str domain;
	uint32_t index;
};

static int compare_mitm(const void *a, const void *b)
{
	const struct placed_mitm *left = a, *right = b;
	int order = str_compare(left->domain, right->domain);

	if (order != 0)
		return order;
	return left->index < right->index ? -1 : left->index > right->index;
}

static void emit_mitm_order(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct emit_section *out =
		begin(emit, SECTION_MITM_ORDER, policy->mitm_count);
	struct placed_mitm *sorted =
		allocate(policy->mitm_count, sizeof(*sorted));

	for (uint32_t i = 0; i < policy->mitm_count; i++)
		sorted[i] = (struct placed_mitm){policy->mitm[i].domain, i};
	for (uint32_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].mitm_count > 1)
			qsort(sorted + policy->rules[i].mitm_first,
			      policy->rules[i].mitm_count, sizeof(*sorted),
			      compare_mitm);
	for (uint32_t i = 0; i < policy->mitm_count; i++)
		buffer_put_u32(&out->bytes, sorted[i].index);
	free(sorted);
}

/* see emit_sections.h */
void emit_mitm(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct emit_section *out =
		begin(emit, SECTION_MITM, policy->mitm_count);
	struct emit_section *heads = begin(emit, SECTION_HEAD, 0);

	for (uint32_t i = 0; i < policy->mitm_count; i++) {
		const struct canonical_mitm *mitm = &policy->mitm[i];
		uint8_t p[MITM_BYTES] = {0};

		put_string(emit, mitm->domain, p + MITM_DOMAIN,
			   p + MITM_DOMAIN_LEN);
		p[MITM_FLAGS] =
			mitm->detailed_http_logs ? MITM_DETAILED_LOGS : 0;
		put_u32le(p + MITM_HEAD_FIRST, heads->count);
		put_u32le(p + MITM_HEAD_COUNT, mitm->header_count);
		for (uint32_t j = 0; j < mitm->header_count; j++)
			put_header(emit, mitm->headers[j].name,
				   mitm->headers[j].value);
		put_u32le(p + MITM_FULL_FIRST, heads->count);
		put_u32le(p + MITM_FULL_COUNT, mitm->full_header_count);
		for (uint32_t j = 0; j < mitm->full_header_count; j++)
			put_header(emit, mitm->full_headers[j], STR(""));
		buffer_put(&out->bytes, p, sizeof(p));
	}
	emit_mitm_order(emit);
}

static void put_range(struct buffer *out, const struct range_rule *rule)
{
	uint8_t p[RANGE_BYTES] = {0};

	memcpy(p + RANGE_ADDR, rule->prefix.addr.bytes,
	       sizeof(rule->prefix.addr.bytes));
	p[RANGE_PREFIX] = rule->prefix.length;
	p[RANGE_ACTION] = rule->action;
	put_u16le(p + RANGE_PORT, rule->port);
	buffer_put(out, p, sizeof(p));
}

/* see emit_sections.h */
void emit_addresses(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	const struct ranges_options *options = &policy->range_options;
	struct emit_section *table = begin(emit, SECTION_ADDR, 0);
	struct emit_section *out =
		begin(emit, SECTION_RANGE, policy->range_count);
	struct emit_section *nat64 =
		begin(emit, SECTION_NAT64, options->nat64_count);
	struct range_rule *rules =
		allocate(policy->range_count, sizeof(*rules));
	size_t length = 0;

	for (uint32_t i = 0; i < policy->range_count; i++) {
		rules[i] = policy->ranges[i].rule;
		put_range(&out->bytes, &rules[i]);
	}
	for (uint32_t i = 0; i < options->nat64_count; i++)
		put_range(&nat64->bytes,
			  &(struct range_rule){.prefix = options->nat64[i]});

	void *image =
		ranges_build(rules, policy->range_count, options, &length);

	if (image == NULL)
		emit->why = "the address table cannot be built";
	else
		buffer_put(&table->bytes, image, length);
	free(image);
	free(rules);
}

/* see emit_sections.h */
void emit_strings(struct emit *emit)
{
	struct emit_section *out = begin(emit, SECTION_STRS, 0);

	/* never empty: a reader looks at its last byte */
	intern_put(&emit->strings, "", 1);
	out->count = emit->strings.count;
	out->bytes = emit->strings.bytes;
	emit->strings.bytes = (struct buffer){NULL, 0, 0};
}

static uint32_t entries_of(const struct canonical *policy, uint32_t list)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < policy->entry_count; i++)
		n += policy->entries[i].list == list;
	return n;
}

/* see emit_sections.h */
void emit_meta(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct emit_section *out = begin(emit, SECTION_META, 1);
	uint32_t services = service_count(policy);
	uint8_t p[META_BYTES] = {0};

	put_u32le(p + META_DEFAULT_RULE,
		  services < policy->rule_count ? services : NO_INDEX);
	put_u32le(p + META_LISTS, policy->list_count);
	put_u32le(p + META_ID_BYTES, policy->list_count <= 65536 ? 2 : 4);
	put_u32le(p + META_HASH, FORMAT_HASH);
	put_u32le(p + META_FLAGS,
		  policy->range_options.allow_private ? META_ALLOW_PRIVATE : 0);
	put_u32le(p + META_SINGLES, emit->trie.singles);
	put_u64le(p + META_GLOBS, emit->trie.globs);
	put_u64le(p + META_ENTRIES, policy->entry_count);
	put_u32le(p + META_GLOBAL_DENY,
		  entries_of(policy, CANONICAL_GLOBAL_DENY));
	put_u32le(p + META_GLOBAL_ALLOW,
		  entries_of(policy, CANONICAL_GLOBAL_ALLOW));
	buffer_put(&out->bytes, p, sizeof(p));
}
