/* lower.c - the model in canonical form: sorted, each thing once, and free of
 * the text it was read from. */
#include "lower.h"

#include <stdlib.h>
#include <string.h>

/* see lower.h */
int lower_compare_names(struct str a, struct str b)
{
	while (a.n > 0 && b.n > 0) {
		const char *dot_a = memrchr(a.p, '.', a.n);
		const char *dot_b = memrchr(b.p, '.', b.n);
		const char *label_a = dot_a == NULL ? a.p : dot_a + 1;
		const char *label_b = dot_b == NULL ? b.p : dot_b + 1;
		int order = str_compare(
			str_make(label_a, (size_t)(a.p + a.n - label_a)),
			str_make(label_b, (size_t)(b.p + b.n - label_b)));

		if (order != 0)
			return order;
		a.n = dot_a == NULL ? 0 : (size_t)(dot_a - a.p);
		b.n = dot_b == NULL ? 0 : (size_t)(dot_b - b.p);
	}
	return a.n > 0 ? 1 : b.n > 0 ? -1 : 0;
}

/* TEXT, where it outlives the model: in the source, unless an escape or a fold
 * has changed it. */
static struct str keep(const struct source *source, struct arena *arena,
		       struct str text)
{
	uintptr_t start = (uintptr_t)source->bytes;
	uintptr_t at = (uintptr_t)text.p;

	if (text.n == 0)
		return STR("");
	if (at >= start && at - start < source->length)
		return text;
	return str_make(arena_strndup(arena, text.p, text.n), text.n);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* One of each (glob, list): the one written first.  Neighbours in the order
 * are equal or not at all. */
static void lower_entries(struct canonical *out, const struct model *model,
			  struct arena *arena)
{
	const struct glob_order *order = &model->order;

	const struct canonical_entry *last = NULL;

	out->entries =
		arena_alloc_array(arena, order->count, sizeof(*out->entries));
	for (uint32_t i = 0; i < order->count; i++) {
		const struct glob_ref *ref = &order->refs[i];
		const struct glob *glob = ref->glob;

		if (last != NULL && last->list == ref->list &&
		    last->wildcard == glob->wildcard &&
		    str_equal(str_make(last->name, last->length), glob->name))
			continue;

		struct canonical_entry *entry =
			&out->entries[out->entry_count++];

		*entry = (struct canonical_entry){
			.name = keep(model->source, arena, glob->name).p,
			.line = glob->line,
			.list = ref->list,
			.length = (uint8_t)glob->name.n,
			.wildcard = glob->wildcard,
		};
		last = entry;
	}
	out->list_count = order->list_count;
}

static int compare_headers(const void *a, const void *b)
{
	const struct header *left = a;
	const struct header *right = b;

	return str_compare(left->name, right->name);
}

static int compare_strs(const void *a, const void *b)
{
	const struct str *left = a;
	const struct str *right = b;

	return str_compare(*left, *right);
}

static void lower_mitm(struct canonical_mitm *out,
		       const struct mitm_domain *mitm,
		       const struct source *source, struct arena *arena)
{
	const struct glob *glob = &mitm->glob;

	out->domain = keep(source, arena, glob->name);
	if (glob->wildcard)
		out->domain = str_from(
			arena_printf(arena, "*.%.*s", STR_ARG(glob->name)));
	out->detailed_http_logs = mitm->detailed_http_logs;
	out->header_count = mitm->header_count;
	out->headers = arena_alloc_array(arena, mitm->header_count,
					 sizeof(*out->headers));
	if (mitm->header_count > 0) {
		memcpy(out->headers, mitm->headers,
		       mitm->header_count * sizeof(*out->headers));
		qsort(out->headers, out->header_count, sizeof(*out->headers),
		      compare_headers);
		for (uint32_t i = 0; i < out->header_count; i++) {
			struct header *header = &out->headers[i];

			header->name = keep(source, arena, header->name);
			header->value = keep(source, arena, header->value);
		}
	}
	out->full_headers = arena_alloc_array(arena, mitm->full_header_count,
					      sizeof(*out->full_headers));
	if (mitm->full_header_count > 0) {
		struct str *sorted = out->full_headers;
		uint32_t count = 0;

		memcpy(sorted, mitm->full_headers,
		       mitm->full_header_count * sizeof(*sorted));
		qsort(sorted, mitm->full_header_count, sizeof(*sorted),
		      compare_strs);
		for (uint32_t i = 0; i < mitm->full_header_count; i++)
			if (count == 0 ||
			    !str_equal(sorted[count - 1], sorted[i]))
				sorted[count++] =
					keep(source, arena, sorted[i]);
		out->full_header_count = count;
	}
}

static void lower_rules(struct canonical *out, struct model *model,
			struct arena *arena)
{
	const struct glob_order *order = &model->order;
	uint32_t list = 0;
	uint32_t mitm = 0;

	out->rule_count = order->rule_count;
	out->rules =
		arena_alloc_array(arena, out->rule_count, sizeof(*out->rules));
	for (uint32_t i = 0; i < out->rule_count; i++)
		out->mitm_count += order->rules[i]->mitm_count;
	out->mitm =
		arena_alloc_array(arena, out->mitm_count, sizeof(*out->mitm));

	for (uint32_t i = 0; i < out->rule_count; i++) {
		const struct rule *rule = order->rules[i];
		uint32_t domains = LIST_NONE;
		uint32_t proxies = LIST_NONE;

		/* the numbers that model_sort() gave */
		if (rule->domains.count > 0)
			domains = list++;
		if (rule->proxies.count > 0)
			proxies = list++;
		out->rules[i] = (struct canonical_rule){
			.name = keep(model->source, arena, rule->name),
			.project = keep(model->source, arena, rule->project),
			.action = rule->action,
			.is_default = rule->is_default,
			.list = domains,
			.proxies = proxies,
			.mitm_first = mitm,
			.mitm_count = rule->mitm_count,
			.line = source_locate(model->source, arena,
					      rule->at.start)
					.line,
		};
		for (uint32_t k = 0; k < rule->mitm_count; k++)
			lower_mitm(&out->mitm[mitm++], &rule->mitm[k],
				   model->source, arena);
	}
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range_rule *left =
		&((const struct canonical_range *)a)->rule;
	const struct range_rule *right =
		&((const struct canonical_range *)b)->rule;
	int order = memcmp(left->prefix.addr.bytes, right->prefix.addr.bytes,
			   sizeof(left->prefix.addr.bytes));

	if (order != 0)
		return order;
	if (left->prefix.length != right->prefix.length)
		return left->prefix.length < right->prefix.length ? -1 : 1;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	return left->action < right->action   ? -1
	       : left->action > right->action ? 1
					      : 0;
}

/* The same, then the place: the first written of equal ones comes first. */
static int compare_placed_ranges(const void *a, const void *b)
{
	const struct canonical_range *left = a;
	const struct canonical_range *right = b;
	int order = compare_ranges(a, b);

	if (order != 0)
		return order;
	if (left->file != right->file)
		return left->file < right->file ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

static uint32_t file_index(struct canonical *out, const char *name)
{
	for (uint32_t i = 0; i < out->file_count; i++)
		if (strcmp(out->files[i], name) == 0)
			return i;
	out->files[out->file_count] = name;
	return out->file_count++;
}

static void lower_ranges(struct canonical *out, const struct model *model,
			 struct arena *arena)
{
	uint32_t count = 0;
	const struct source *source = NULL;
	uint32_t file = 0;

	out->ranges = arena_alloc_array(arena, model->range_count,
					sizeof(*out->ranges));
	for (uint32_t i = 0; i < model->range_count; i++) {
		const struct placed_range *placed = &model->ranges[i];
		struct canonical_range *range = &out->ranges[i];

		range->rule = placed->rule;
		if (placed->at.source == NULL)
			continue;
		if (placed->at.source != source) {
			source = placed->at.source;
			file = file_index(out, base_name(source->name));
		}
		range->file = file;
		range->line = source_locate(placed->at.source, arena,
					    placed->at.start)
				      .line;
	}
	if (model->range_count > 0)
		qsort(out->ranges, model->range_count, sizeof(*out->ranges),
		      compare_placed_ranges);
	for (uint32_t i = 0; i < model->range_count; i++)
		if (count == 0 || compare_ranges(&out->ranges[count - 1],
						 &out->ranges[i]) != 0)
			out->ranges[count++] = out->ranges[i];
	out->range_count = count;
	out->range_options = model->range_options;
}

/* see lower.h */
void lower_model(struct canonical *out, struct model *model,
		 struct arena *arena)
{
	memset(out, 0, sizeof(*out));
	/* the policy, a configuration file, and no more */
	out->files = arena_alloc_array(arena, model->range_count + 1,
				       sizeof(*out->files));
	out->files[out->file_count++] = base_name(model->source->name);
	if (model->order.rules == NULL)
		model_sort(model, arena);
	lower_rules(out, model, arena);
	lower_entries(out, model, arena);
	lower_ranges(out, model, arena);
}
