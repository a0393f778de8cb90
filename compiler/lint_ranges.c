/* lint_ranges.c - lints about the address entries that a policy is compiled
 * with: entries that decide nothing.
 *
 * Prefixes are disjoint or nested, so sorted by address, wider first, they are
 * the preorder of a forest; one walk with a stack of the open ones sees for
 * each entry what is around it and, when it closes, what is in it. */
#include <stdlib.h>

#include "lint-internal.h"
#include "runtime/policy/ranges.h"

/* 128 bits, for the first address that is not allowed yet. */
struct place128 {
	uint64_t high;
	uint64_t low;
	bool beyond; /* behind the last address of all */
};

struct entry {
	const struct placed_range *range;
	uint32_t index; /* among the model's, in the order written */
	bool reported;
};

/* All entries for one prefix, while its addresses are being passed. */
struct open_prefix {
	struct entry *entries;
	uint32_t count;
	const struct addr_prefix *prefix;
	/* for any port, here or around: the first one, or NULL */
	const struct placed_range *allow;
	const struct placed_range *deny;
	struct entry *own_deny;           /* such a one of this prefix */
	const struct placed_range *inner; /* some allow entry here or inside */
	struct place128 allowed_to; /* all before it, from the start, is */
	bool deny_inside;
};

/* Nested prefixes differ in length. */
#define MAX_OPEN 129
#define MAX_METADATA 8
#define MAX_SPECIAL 128

struct walk {
	struct lint *lint;
	struct ranges built_in; /* what holds without any entry */
	bool has_built_in;
	struct open_prefix open[MAX_OPEN];
	uint32_t depth;
	struct addr metadata[MAX_METADATA];
	uint32_t metadata_count;
	struct addr_prefix special[MAX_SPECIAL]; /* by address, wider first */
	uint32_t special_count;
};

static struct place128 start_of(const struct addr_prefix *prefix)
{
	struct place128 at = {0, 0, false};

	for (int i = 0; i < 8; i++) {
		at.high = at.high << 8 | prefix->addr.bytes[i];
		at.low = at.low << 8 | prefix->addr.bytes[i + 8];
	}
	return at;
}

/* The address behind PREFIX. */
static struct place128 behind(const struct addr_prefix *prefix)
{
	struct place128 at = start_of(prefix);
	unsigned host = 128u - prefix->length;

	if (host >= 64) {
		uint64_t step = host == 128 ? 0 : 1ull << (host - 64);

		at.beyond = __builtin_add_overflow(at.high, step, &at.high) ||
			    step == 0;
		return at;
	}
	if (__builtin_add_overflow(at.low, 1ull << host, &at.low))
		at.beyond = __builtin_add_overflow(at.high, 1ull, &at.high);
	return at;
}

static bool same_place(struct place128 a, struct place128 b)
{
	return a.high == b.high && a.low == b.low && a.beyond == b.beyond;
}

static bool contains(const struct addr_prefix *outer,
		     const struct addr_prefix *inner)
{
	unsigned bytes = outer->length / 8;
	unsigned bits = outer->length % 8;

	if (outer->length > inner->length ||
	    memcmp(outer->addr.bytes, inner->addr.bytes, bytes) != 0)
		return false;
	return bits == 0 ||
	       (outer->addr.bytes[bytes] ^ inner->addr.bytes[bytes]) >>
			       (8 - bits) ==
		       0;
}

static int compare_prefixes(const void *left, const void *right)
{
	const struct addr_prefix *a = left;
	const struct addr_prefix *b = right;
	int order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));

	if (order != 0)
		return order;
	return a->length < b->length ? -1 : a->length > b->length;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	const struct range_rule *x = &a->range->rule;
	const struct range_rule *y = &b->range->rule;
	int order = compare_prefixes(&x->prefix, &y->prefix);

	if (order != 0)
		return order;
	/* of one prefix: any port first, and allow before deny */
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->action != y->action)
		return x->action > y->action ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static const char *range_text(struct lint *lint, const struct range_rule *rule)
{
	char *text = arena_alloc(lint->arena, ADDR_TEXT_MAX + 4);

	if (rule->prefix.length < 128) {
		addr_format_prefix(&rule->prefix, text);
		return text;
	}
	addr_format(&rule->prefix.addr, text);
	if (rule->port == 0)
		return text;
	return arena_printf(lint->arena,
			    addr_is_v4(&rule->prefix.addr) ? "%s:%u"
							   : "[%s]:%u",
			    text, rule->port);
}

static const char *action_text(const struct range_rule *rule)
{
	return rule->action == RANGE_ALLOW ? "allow" : "deny";
}

/* Some of these have no place: they are the command line's. */
static void relate(struct lint *lint, struct diag *diag,
		   const struct placed_range *other, const char *text)
{
	if (other->at.source != NULL)
		diag_relate(lint->diags, diag, other->at, "%s", text);
}

static void report_void(struct lint *lint, struct entry *entry,
			const struct placed_range *allow, bool alone)
{
	const struct placed_range *range = entry->range;
	struct diag *diag = diag_report(
		lint->diags, DIAG_L023, range->at,
		alone ? "deny %s denies nothing: allow %s wins"
		      : "deny %s denies nothing: allow %s and others cover "
			"it, and they win",
		range_text(lint, &range->rule), range_text(lint, &allow->rule));

	entry->reported = true;
	relate(lint, diag, allow, "allowed here");
	diag_hint(lint->diags, diag, "narrow what is allowed, or remove it");
}

static void report_shadowed(struct lint *lint, struct entry *entry,
			    const struct placed_range *wider)
{
	const struct placed_range *range = entry->range;
	struct diag *diag = diag_report(
		lint->diags, DIAG_L024, range->at,
		"%s %s changes nothing: %s %s covers it",
		action_text(&range->rule), range_text(lint, &range->rule),
		action_text(&wider->rule), range_text(lint, &wider->rule));

	entry->reported = true;
	relate(lint, diag, wider, "the entry that covers it");
	diag_hint(lint->diags, diag, "remove it");
}

static void report_needless(struct lint *lint, struct entry *entry)
{
	diag_hint(lint->diags,
		  diag_report(lint->diags, DIAG_L025, entry->range->at,
			      "allow %s changes nothing: these addresses are "
			      "allowed anyway",
			      range_text(lint, &entry->range->rule)),
		  "remove it, or deny what is around it");
}

static bool is_metadata(const struct walk *walk,
			const struct addr_prefix *prefix)
{
	if (prefix->length < 128)
		return false;
	for (uint32_t i = 0; i < walk->metadata_count; i++)
		if (memcmp(&walk->metadata[i], &prefix->addr,
			   sizeof(prefix->addr)) == 0)
			return true;
	return false;
}

static bool built_in_allows(const struct walk *walk, const struct addr *addr)
{
	return addr_class_allows(
		ranges_classify(&walk->built_in, addr, 0).class);
}

/* The addresses of PREFIX are allowed without any entry: its first one is, and
 * so is every special range inside it. */
static bool allowed_anyway(const struct walk *walk,
			   const struct addr_prefix *prefix)
{
	uint32_t low = 0;
	uint32_t high = walk->special_count;

	if (!built_in_allows(walk, &prefix->addr))
		return false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_prefixes(&walk->special[middle], prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (;
	     low < walk->special_count && contains(prefix, &walk->special[low]);
	     low++)
		if (!built_in_allows(walk, &walk->special[low].addr))
			return false;
	return true;
}

/* The innermost open prefix has been passed. */
static void close_prefix(struct walk *walk)
{
	struct open_prefix *open = &walk->open[--walk->depth];
	struct open_prefix *around =
		walk->depth > 0 ? &walk->open[walk->depth - 1] : NULL;

	if (open->own_deny != NULL && !open->own_deny->reported &&
	    open->inner != NULL &&
	    same_place(open->allowed_to, behind(open->prefix)))
		report_void(walk->lint, open->own_deny, open->inner, false);
	if (walk->has_built_in && open->deny == NULL && !open->deny_inside &&
	    allowed_anyway(walk, open->prefix))
		for (uint32_t i = 0; i < open->count; i++)
			if (!open->entries[i].reported)
				report_needless(walk->lint, &open->entries[i]);
	if (around == NULL)
		return;
	around->deny_inside |= open->deny_inside;
	if (around->inner == NULL)
		around->inner = open->inner;
	if (same_place(around->allowed_to, start_of(open->prefix)))
		around->allowed_to = open->allowed_to;
}

/* Judge one entry of OPEN.  PORT_ALLOW and PORT_DENY are those before it for
 * its own port. */
static void judge(struct walk *walk, struct open_prefix *open,
		  struct entry *entry, const struct placed_range *port_allow,
		  const struct placed_range *port_deny)
{
	const struct range_rule *rule = &entry->range->rule;
	const struct placed_range *allow =
		open->allow != NULL ? open->allow : port_allow;
	const struct placed_range *deny =
		open->deny != NULL ? open->deny : port_deny;

	if (rule->action == RANGE_ALLOW) {
		if (allow != NULL)
			report_shadowed(walk->lint, entry, allow);
		else if (rule->port == 0)
			open->allowed_to = behind(open->prefix);
		if (open->inner == NULL && rule->port == 0)
			open->inner = entry->range;
		return;
	}
	if (allow != NULL)
		report_void(walk->lint, entry, allow, true);
	else if (deny != NULL)
		report_shadowed(walk->lint, entry, deny);
	else if (rule->port == 0)
		open->own_deny = entry;
	open->deny_inside = true;
}

static void open_prefix(struct walk *walk, struct entry *entries,
			uint32_t count)
{
	const struct addr_prefix *prefix = &entries->range->rule.prefix;
	const struct open_prefix *around =
		walk->depth > 0 ? &walk->open[walk->depth - 1] : NULL;
	struct open_prefix *open = &walk->open[walk->depth++];
	const struct placed_range *port_allow = NULL;
	const struct placed_range *port_deny = NULL;
	uint16_t port = 0;

	*open = (struct open_prefix){
		.entries = entries,
		.count = count,
		.prefix = prefix,
		.allow = around != NULL ? around->allow : NULL,
		.deny = around != NULL ? around->deny : NULL,
		.allowed_to = start_of(prefix),
	};
	/* A range does not open a metadata service: only an entry for its very
	 * address does. */
	if (is_metadata(walk, prefix))
		open->allow = NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct placed_range *range = entries[i].range;
		bool allows = range->rule.action == RANGE_ALLOW;
		const struct placed_range **first;

		if (range->rule.port != port) {
			port = range->rule.port;
			port_allow = port_deny = NULL;
		}
		judge(walk, open, &entries[i], port_allow, port_deny);
		if (port == 0)
			first = allows ? &open->allow : &open->deny;
		else
			first = allows ? &port_allow : &port_deny;
		if (*first == NULL)
			*first = range;
	}
}

static void walk_entries(struct walk *walk, struct entry *entries,
			 uint32_t count)
{
	for (uint32_t i = 0, end; i < count; i = end) {
		const struct addr_prefix *prefix =
			&entries[i].range->rule.prefix;

		for (end = i + 1; end < count; end++)
			if (compare_prefixes(&entries[end].range->rule.prefix,
					     prefix) != 0)
				break;
		while (walk->depth > 0 &&
		       !contains(walk->open[walk->depth - 1].prefix, prefix))
			close_prefix(walk);
		open_prefix(walk, &entries[i], end - i);
	}
	while (walk->depth > 0)
		close_prefix(walk);
}

/* What special.def says, as prefixes. */
static void read_special(struct walk *walk)
{
	static const struct {
		const char *prefix;
		bool metadata;
	} rows[] = {
#define SPECIAL(prefix, class, why) {prefix, false},
#define METADATA4(a, b, c, d) {#a "." #b "." #c "." #d "/32", true},
#define METADATA6(text) {text "/128", true},
#include "runtime/policy/special.def"
#undef SPECIAL
#undef METADATA4
#undef METADATA6
	};
	struct addr_prefix prefix;

	_Static_assert(sizeof(rows) / sizeof(rows[0]) <= MAX_SPECIAL,
		       "room for every row of special.def");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!addr_parse_cidr(str_from(rows[i].prefix), &prefix))
			continue;
		walk->special[walk->special_count++] = prefix;
		if (rows[i].metadata && walk->metadata_count < MAX_METADATA)
			walk->metadata[walk->metadata_count++] = prefix.addr;
	}
	qsort(walk->special, walk->special_count, sizeof(walk->special[0]),
	      compare_prefixes);
}

static bool is_v4(const struct addr_prefix *prefix)
{
	return addr_is_v4(&prefix->addr) && prefix->length >= 96;
}

/* see lint-internal.h */
void lint_ranges(struct lint *lint)
{
	const struct model *model = lint->model;
	struct walk *walk;
	struct entry *entries;
	size_t length;
	void *image;

	if (model->range_count == 0)
		return;
	walk = arena_alloc(lint->arena, sizeof(*walk));
	walk->lint = lint;
	read_special(walk);
	image = ranges_build(NULL, 0, &model->range_options, &length);
	walk->has_built_in =
		image != NULL && ranges_open(&walk->built_in, image, length);

	/* IPv4 is inside ::ffff:0:0/96, and yet no IPv6 range covers it. */
	entries = arena_alloc_array(lint->arena, model->range_count,
				    sizeof(*entries));
	for (int v4 = 0; v4 < 2; v4++) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < model->range_count; i++)
			if (is_v4(&model->ranges[i].rule.prefix) == (v4 == 1))
				entries[count++] = (struct entry){
					&model->ranges[i], i, false};
		if (count > 0)
			qsort(entries, count, sizeof(*entries),
			      compare_entries);
		walk_entries(walk, entries, count);
	}
	free(image);
}
